/* Registers of the block on a bus, docs/bus.md. Written by `make registers` from gen/registers.rdl.
 *
 * FIELD_bm is a field's mask, FIELD_bp its lowest bit, FIELD_bw its width, FIELD_reset its value after reset. A
 * register of several words is an array, the lowest word first; of a counter read that one first. */

#ifndef MTJ_GXNOR_H
#define MTJ_GXNOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ID: Identifies the block: MTJG in ASCII. */
#define MTJ_GXNOR__ID__VALUE_bm 0xffffffffu
#define MTJ_GXNOR__ID__VALUE_bp 0
#define MTJ_GXNOR__ID__VALUE_bw 32
#define MTJ_GXNOR__ID__VALUE_reset 0x4d544a47u

/* VERSION: A driver works with its own MAJOR and any MINOR not below its own. */
#define MTJ_GXNOR__VERSION__MINOR_bm 0xffffu
#define MTJ_GXNOR__VERSION__MINOR_bp 0
#define MTJ_GXNOR__VERSION__MINOR_bw 16
#define MTJ_GXNOR__VERSION__MINOR_reset 0x0u
#define MTJ_GXNOR__VERSION__MAJOR_bm 0xffff0000u
#define MTJ_GXNOR__VERSION__MAJOR_bp 16
#define MTJ_GXNOR__VERSION__MAJOR_bw 16
#define MTJ_GXNOR__VERSION__MAJOR_reset 0x2u

/* DESIGN: Tells designs apart: the manifest of the design at hand has the same number. */
#define MTJ_GXNOR__DESIGN__VALUE_bm 0xffffffffffffffffull
#define MTJ_GXNOR__DESIGN__VALUE_bp 0
#define MTJ_GXNOR__DESIGN__VALUE_bw 64

/* CONTROL: Starts and ends commands. Who writes START or RESET writes STOP too. */
#define MTJ_GXNOR__CONTROL__START_bm 0x1u
#define MTJ_GXNOR__CONTROL__START_bp 0
#define MTJ_GXNOR__CONTROL__START_bw 1
#define MTJ_GXNOR__CONTROL__START_reset 0x0u
#define MTJ_GXNOR__CONTROL__STOP_bm 0x2u
#define MTJ_GXNOR__CONTROL__STOP_bp 1
#define MTJ_GXNOR__CONTROL__STOP_bw 1
#define MTJ_GXNOR__CONTROL__STOP_reset 0x0u
#define MTJ_GXNOR__CONTROL__RESET_bm 0x4u
#define MTJ_GXNOR__CONTROL__RESET_bp 2
#define MTJ_GXNOR__CONTROL__RESET_bw 1
#define MTJ_GXNOR__CONTROL__RESET_reset 0x0u

/* STATUS: What the block is doing and what it knows. */
#define MTJ_GXNOR__STATUS__BUSY_bm 0x1u
#define MTJ_GXNOR__STATUS__BUSY_bp 0
#define MTJ_GXNOR__STATUS__BUSY_bw 1
#define MTJ_GXNOR__STATUS__WAITING_bm 0x2u
#define MTJ_GXNOR__STATUS__WAITING_bp 1
#define MTJ_GXNOR__STATUS__WAITING_bw 1
#define MTJ_GXNOR__STATUS__PULSE_TABLE_bm 0x4u
#define MTJ_GXNOR__STATUS__PULSE_TABLE_bp 2
#define MTJ_GXNOR__STATUS__PULSE_TABLE_bw 1
#define MTJ_GXNOR__STATUS__SWITCHING_TABLE_bm 0x8u
#define MTJ_GXNOR__STATUS__SWITCHING_TABLE_bp 3
#define MTJ_GXNOR__STATUS__SWITCHING_TABLE_bw 1
#define MTJ_GXNOR__STATUS__NEURONS_bm 0x10u
#define MTJ_GXNOR__STATUS__NEURONS_bp 4
#define MTJ_GXNOR__STATUS__NEURONS_bw 1
#define MTJ_GXNOR__STATUS__GRADIENTS_bm 0x20u
#define MTJ_GXNOR__STATUS__GRADIENTS_bp 5
#define MTJ_GXNOR__STATUS__GRADIENTS_bw 1

/* COMMAND: What START starts. */
#define MTJ_GXNOR__COMMAND__OPERATION_bm 0xfu
#define MTJ_GXNOR__COMMAND__OPERATION_bp 0
#define MTJ_GXNOR__COMMAND__OPERATION_bw 4
#define MTJ_GXNOR__COMMAND__OPERATION__INIT_RANDOM 0x0u
#define MTJ_GXNOR__COMMAND__OPERATION__TRAIN 0x1u
#define MTJ_GXNOR__COMMAND__OPERATION__TEST 0x2u
#define MTJ_GXNOR__COMMAND__OPERATION__LOAD_WEIGHTS 0x3u
#define MTJ_GXNOR__COMMAND__OPERATION__LOAD_NEURONS 0x4u
#define MTJ_GXNOR__COMMAND__OPERATION__LOAD_SEEDS 0x5u
#define MTJ_GXNOR__COMMAND__OPERATION__LOAD_PULSES 0x6u
#define MTJ_GXNOR__COMMAND__OPERATION__LOAD_SWITCHING 0x7u
#define MTJ_GXNOR__COMMAND__OPERATION__DUMP_WEIGHTS 0x8u
#define MTJ_GXNOR__COMMAND__OPERATION__DUMP_NEURONS 0x9u
#define MTJ_GXNOR__COMMAND__OPERATION_reset 0x0u

/* SAMPLES: Length of TRAIN and TEST. */
#define MTJ_GXNOR__SAMPLES__VALUE_bm 0xffffffffu
#define MTJ_GXNOR__SAMPLES__VALUE_bp 0
#define MTJ_GXNOR__SAMPLES__VALUE_bw 32
#define MTJ_GXNOR__SAMPLES__VALUE_reset 0x0u

/* BATCH: Samples from one write pass of TRAIN to the next. */
#define MTJ_GXNOR__BATCH__VALUE_bm 0xffffu
#define MTJ_GXNOR__BATCH__VALUE_bp 0
#define MTJ_GXNOR__BATCH__VALUE_bw 16
#define MTJ_GXNOR__BATCH__VALUE_reset 0x0u

/* TIMEOUT: How long a command waits for an input word. */
#define MTJ_GXNOR__TIMEOUT__VALUE_bm 0xffffffffu
#define MTJ_GXNOR__TIMEOUT__VALUE_bp 0
#define MTJ_GXNOR__TIMEOUT__VALUE_bw 32
#define MTJ_GXNOR__TIMEOUT__VALUE_reset 0x0u

/* ERROR: One bit for every misuse, which stays until 1 is written to it. START is ignored while a bit is set. */
#define MTJ_GXNOR__ERROR__BUSY_bm 0x1u
#define MTJ_GXNOR__ERROR__BUSY_bp 0
#define MTJ_GXNOR__ERROR__BUSY_bw 1
#define MTJ_GXNOR__ERROR__BUSY_reset 0x0u
#define MTJ_GXNOR__ERROR__OPERATION_bm 0x2u
#define MTJ_GXNOR__ERROR__OPERATION_bp 1
#define MTJ_GXNOR__ERROR__OPERATION_bw 1
#define MTJ_GXNOR__ERROR__OPERATION_reset 0x0u
#define MTJ_GXNOR__ERROR__SAMPLES_bm 0x4u
#define MTJ_GXNOR__ERROR__SAMPLES_bp 2
#define MTJ_GXNOR__ERROR__SAMPLES_bw 1
#define MTJ_GXNOR__ERROR__SAMPLES_reset 0x0u
#define MTJ_GXNOR__ERROR__BATCH_bm 0x8u
#define MTJ_GXNOR__ERROR__BATCH_bp 3
#define MTJ_GXNOR__ERROR__BATCH_bw 1
#define MTJ_GXNOR__ERROR__BATCH_reset 0x0u
#define MTJ_GXNOR__ERROR__UPDATE_SHIFT_bm 0x10u
#define MTJ_GXNOR__ERROR__UPDATE_SHIFT_bp 4
#define MTJ_GXNOR__ERROR__UPDATE_SHIFT_bw 1
#define MTJ_GXNOR__ERROR__UPDATE_SHIFT_reset 0x0u
#define MTJ_GXNOR__ERROR__TABLE_bm 0x20u
#define MTJ_GXNOR__ERROR__TABLE_bp 5
#define MTJ_GXNOR__ERROR__TABLE_bw 1
#define MTJ_GXNOR__ERROR__TABLE_reset 0x0u
#define MTJ_GXNOR__ERROR__LOADABLE_bm 0x40u
#define MTJ_GXNOR__ERROR__LOADABLE_bp 6
#define MTJ_GXNOR__ERROR__LOADABLE_bw 1
#define MTJ_GXNOR__ERROR__LOADABLE_reset 0x0u
#define MTJ_GXNOR__ERROR__STATE_bm 0x80u
#define MTJ_GXNOR__ERROR__STATE_bp 7
#define MTJ_GXNOR__ERROR__STATE_bw 1
#define MTJ_GXNOR__ERROR__STATE_reset 0x0u
#define MTJ_GXNOR__ERROR__UNFINISHED_bm 0x100u
#define MTJ_GXNOR__ERROR__UNFINISHED_bp 8
#define MTJ_GXNOR__ERROR__UNFINISHED_bw 1
#define MTJ_GXNOR__ERROR__UNFINISHED_reset 0x0u
#define MTJ_GXNOR__ERROR__LABEL_bm 0x200u
#define MTJ_GXNOR__ERROR__LABEL_bp 9
#define MTJ_GXNOR__ERROR__LABEL_bw 1
#define MTJ_GXNOR__ERROR__LABEL_reset 0x0u
#define MTJ_GXNOR__ERROR__SHORT_bm 0x400u
#define MTJ_GXNOR__ERROR__SHORT_bp 10
#define MTJ_GXNOR__ERROR__SHORT_bw 1
#define MTJ_GXNOR__ERROR__SHORT_reset 0x0u
#define MTJ_GXNOR__ERROR__LONG_bm 0x800u
#define MTJ_GXNOR__ERROR__LONG_bp 11
#define MTJ_GXNOR__ERROR__LONG_bw 1
#define MTJ_GXNOR__ERROR__LONG_reset 0x0u
#define MTJ_GXNOR__ERROR__TIMEOUT_bm 0x1000u
#define MTJ_GXNOR__ERROR__TIMEOUT_bp 12
#define MTJ_GXNOR__ERROR__TIMEOUT_bw 1
#define MTJ_GXNOR__ERROR__TIMEOUT_reset 0x0u
#define MTJ_GXNOR__ERROR__UNMAPPED_bm 0x2000u
#define MTJ_GXNOR__ERROR__UNMAPPED_bp 13
#define MTJ_GXNOR__ERROR__UNMAPPED_bw 1
#define MTJ_GXNOR__ERROR__UNMAPPED_reset 0x0u
#define MTJ_GXNOR__ERROR__READ_ONLY_bm 0x4000u
#define MTJ_GXNOR__ERROR__READ_ONLY_bp 14
#define MTJ_GXNOR__ERROR__READ_ONLY_bw 1
#define MTJ_GXNOR__ERROR__READ_ONLY_reset 0x0u

/* INTERRUPT: Reasons for an interrupt, whether or not they are enabled. */
#define MTJ_GXNOR__INTERRUPT__DONE_bm 0x1u
#define MTJ_GXNOR__INTERRUPT__DONE_bp 0
#define MTJ_GXNOR__INTERRUPT__DONE_bw 1
#define MTJ_GXNOR__INTERRUPT__DONE_reset 0x0u
#define MTJ_GXNOR__INTERRUPT__ERROR_bm 0x2u
#define MTJ_GXNOR__INTERRUPT__ERROR_bp 1
#define MTJ_GXNOR__INTERRUPT__ERROR_bw 1

/* ENABLE: Which reasons raise the interrupt: it is high while a reason and its enable are 1. */
#define MTJ_GXNOR__ENABLE__DONE_bm 0x1u
#define MTJ_GXNOR__ENABLE__DONE_bp 0
#define MTJ_GXNOR__ENABLE__DONE_bw 1
#define MTJ_GXNOR__ENABLE__DONE_reset 0x0u
#define MTJ_GXNOR__ENABLE__ERROR_bm 0x2u
#define MTJ_GXNOR__ENABLE__ERROR_bp 1
#define MTJ_GXNOR__ENABLE__ERROR_bw 1
#define MTJ_GXNOR__ENABLE__ERROR_reset 0x0u

/* UPDATE_SHIFT: One register for every layer of synapses, the one next to the input first; there are LAYERS of them. */
#define MTJ_GXNOR__UPDATE_SHIFT__VALUE_bm 0x3fu
#define MTJ_GXNOR__UPDATE_SHIFT__VALUE_bp 0
#define MTJ_GXNOR__UPDATE_SHIFT__VALUE_bw 6
#define MTJ_GXNOR__UPDATE_SHIFT__VALUE_reset 0x0u

/* COUNTER_CYCLES_WAIT: Cycles waiting for a command, a sample or for a result to be taken. */
#define MTJ_GXNOR__COUNTER_CYCLES_WAIT__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_WAIT__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_WAIT__VALUE_bw 48

/* COUNTER_CYCLES_INIT: Cycles of initialising the array. */
#define MTJ_GXNOR__COUNTER_CYCLES_INIT__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_INIT__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_INIT__VALUE_bw 48

/* COUNTER_CYCLES_FORWARD: Cycles of forward passes and of the output errors. */
#define MTJ_GXNOR__COUNTER_CYCLES_FORWARD__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_FORWARD__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_FORWARD__VALUE_bw 48

/* COUNTER_CYCLES_BACKWARD: Cycles of backward passes. */
#define MTJ_GXNOR__COUNTER_CYCLES_BACKWARD__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_BACKWARD__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_BACKWARD__VALUE_bw 48

/* COUNTER_CYCLES_GRADIENT: Cycles of gradient accumulation. */
#define MTJ_GXNOR__COUNTER_CYCLES_GRADIENT__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_GRADIENT__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_GRADIENT__VALUE_bw 48

/* COUNTER_CYCLES_UPDATE: Cycles of write passes. */
#define MTJ_GXNOR__COUNTER_CYCLES_UPDATE__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CYCLES_UPDATE__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CYCLES_UPDATE__VALUE_bw 48

/* COUNTER_SAMPLES: Samples worked on. */
#define MTJ_GXNOR__COUNTER_SAMPLES__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_SAMPLES__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_SAMPLES__VALUE_bw 48

/* COUNTER_CORRECT: Samples whose prediction was the label. */
#define MTJ_GXNOR__COUNTER_CORRECT__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_CORRECT__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_CORRECT__VALUE_bw 48

/* COUNTER_UPDATES: Write passes over all layers, one per mini-batch. */
#define MTJ_GXNOR__COUNTER_UPDATES__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_UPDATES__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_UPDATES__VALUE_bw 48

/* COUNTER_FORWARD_ROWS_DRIVEN: Rows driven in forward passes, one per non-zero input. */
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_DRIVEN__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_DRIVEN__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_DRIVEN__VALUE_bw 48

/* COUNTER_FORWARD_ROWS_SENSED: Rows sensed in forward passes. */
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_SENSED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_SENSED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_FORWARD_ROWS_SENSED__VALUE_bw 48

/* COUNTER_FORWARD_GROUPS_SENSED: Groups of column sums read out in forward passes. */
#define MTJ_GXNOR__COUNTER_FORWARD_GROUPS_SENSED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_FORWARD_GROUPS_SENSED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_FORWARD_GROUPS_SENSED__VALUE_bw 48

/* COUNTER_FORWARD_PRODUCTS: Non-zero products in forward passes. */
#define MTJ_GXNOR__COUNTER_FORWARD_PRODUCTS__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_FORWARD_PRODUCTS__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_FORWARD_PRODUCTS__VALUE_bw 48

/* COUNTER_BACKWARD_ROWS_DRIVEN: Rows driven in backward passes, one per non-zero error. */
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_DRIVEN__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_DRIVEN__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_DRIVEN__VALUE_bw 48

/* COUNTER_BACKWARD_ROWS_SENSED: Rows sensed in backward passes. */
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_SENSED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_SENSED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_BACKWARD_ROWS_SENSED__VALUE_bw 48

/* COUNTER_BACKWARD_GROUPS_SENSED: Groups of column sums read out in backward passes. */
#define MTJ_GXNOR__COUNTER_BACKWARD_GROUPS_SENSED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_BACKWARD_GROUPS_SENSED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_BACKWARD_GROUPS_SENSED__VALUE_bw 48

/* COUNTER_BACKWARD_PRODUCTS: Non-zero products in backward passes. */
#define MTJ_GXNOR__COUNTER_BACKWARD_PRODUCTS__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_BACKWARD_PRODUCTS__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_BACKWARD_PRODUCTS__VALUE_bw 48

/* COUNTER_GRADIENT_ROWS: Rows of the gradient memory accumulated. */
#define MTJ_GXNOR__COUNTER_GRADIENT_ROWS__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_GRADIENT_ROWS__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_GRADIENT_ROWS__VALUE_bw 48

/* COUNTER_UPDATE_ROWS: Rows of the gradient memory read for write pulses, not those read again to clear switched lanes. */
#define MTJ_GXNOR__COUNTER_UPDATE_ROWS__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_UPDATE_ROWS__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_UPDATE_ROWS__VALUE_bw 48

/* COUNTER_ROWS_INITIALISED: Rows put into random states. */
#define MTJ_GXNOR__COUNTER_ROWS_INITIALISED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_ROWS_INITIALISED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_ROWS_INITIALISED__VALUE_bw 48

/* COUNTER_ROWS_PULSED: Rows that received write pulses. */
#define MTJ_GXNOR__COUNTER_ROWS_PULSED__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_ROWS_PULSED__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_ROWS_PULSED__VALUE_bw 48

/* COUNTER_ROWS_WRITTEN: Rows whose device states the host has loaded. */
#define MTJ_GXNOR__COUNTER_ROWS_WRITTEN__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_ROWS_WRITTEN__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_ROWS_WRITTEN__VALUE_bw 48

/* COUNTER_ROWS_READ: Rows whose device states the host has dumped, once for every device of a synapse. */
#define MTJ_GXNOR__COUNTER_ROWS_READ__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_ROWS_READ__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_ROWS_READ__VALUE_bw 48

/* COUNTER_PULSES: Devices pulsed. */
#define MTJ_GXNOR__COUNTER_PULSES__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_PULSES__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_PULSES__VALUE_bw 48

/* COUNTER_PULSE_WIDTH: Sum of the width codes of all devices pulsed. */
#define MTJ_GXNOR__COUNTER_PULSE_WIDTH__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_PULSE_WIDTH__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_PULSE_WIDTH__VALUE_bw 48

/* COUNTER_SWITCHES: Devices switched by pulses. */
#define MTJ_GXNOR__COUNTER_SWITCHES__VALUE_bm 0xffffffffffffull
#define MTJ_GXNOR__COUNTER_SWITCHES__VALUE_bp 0
#define MTJ_GXNOR__COUNTER_SWITCHES__VALUE_bw 48

typedef struct {
    volatile uint32_t ID;
    volatile uint32_t VERSION;
    volatile uint32_t DESIGN[2];
    volatile uint32_t CONTROL;
    volatile uint32_t STATUS;
    volatile uint32_t COMMAND;
    volatile uint32_t SAMPLES;
    volatile uint32_t BATCH;
    volatile uint32_t TIMEOUT;
    volatile uint32_t ERROR;
    volatile uint32_t INTERRUPT;
    volatile uint32_t ENABLE;
    uint32_t reserved_34[19];
    volatile uint32_t UPDATE_SHIFT[32];
    volatile uint32_t COUNTER_CYCLES_WAIT[2];
    volatile uint32_t COUNTER_CYCLES_INIT[2];
    volatile uint32_t COUNTER_CYCLES_FORWARD[2];
    volatile uint32_t COUNTER_CYCLES_BACKWARD[2];
    volatile uint32_t COUNTER_CYCLES_GRADIENT[2];
    volatile uint32_t COUNTER_CYCLES_UPDATE[2];
    volatile uint32_t COUNTER_SAMPLES[2];
    volatile uint32_t COUNTER_CORRECT[2];
    volatile uint32_t COUNTER_UPDATES[2];
    volatile uint32_t COUNTER_FORWARD_ROWS_DRIVEN[2];
    volatile uint32_t COUNTER_FORWARD_ROWS_SENSED[2];
    volatile uint32_t COUNTER_FORWARD_GROUPS_SENSED[2];
    volatile uint32_t COUNTER_FORWARD_PRODUCTS[2];
    volatile uint32_t COUNTER_BACKWARD_ROWS_DRIVEN[2];
    volatile uint32_t COUNTER_BACKWARD_ROWS_SENSED[2];
    volatile uint32_t COUNTER_BACKWARD_GROUPS_SENSED[2];
    volatile uint32_t COUNTER_BACKWARD_PRODUCTS[2];
    volatile uint32_t COUNTER_GRADIENT_ROWS[2];
    volatile uint32_t COUNTER_UPDATE_ROWS[2];
    volatile uint32_t COUNTER_ROWS_INITIALISED[2];
    volatile uint32_t COUNTER_ROWS_PULSED[2];
    volatile uint32_t COUNTER_ROWS_WRITTEN[2];
    volatile uint32_t COUNTER_ROWS_READ[2];
    volatile uint32_t COUNTER_PULSES[2];
    volatile uint32_t COUNTER_PULSE_WIDTH[2];
    volatile uint32_t COUNTER_SWITCHES[2];
} mtj_gxnor_t;

/* The compiler has put every register where the block has it. */
typedef char mtj_gxnor_layout[(sizeof(mtj_gxnor_t) == 0x1d0) ? 1 : -1];

#ifdef __cplusplus
}
#endif

#endif /* MTJ_GXNOR_H */
