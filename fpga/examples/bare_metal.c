/* A program for a processor beside the machine `tiny`: trains on three patterns, says whether it has learned them, and
 * keeps the weights. No operating system, no memory taken.
 *
 * Build, after `make verilog CONFIG=tiny`: <compiler> -ffreestanding -O2 -I fpga/c -I build/verilog/tiny
 * fpga/c/mtj_gxnor_driver.c fpga/examples/bare_metal.c
 *
 * Streams are words in registers of two FIFOs here. Where a system has others, or a DMA, `send`, `receive` and `sent`
 * are what changes. */

#include "mtj_gxnor_design.h"
#include "mtj_gxnor_driver.h"

/* Where the system has the block, and the FIFOs. */
#ifndef MACHINE_BASE
#define MACHINE_BASE 0x40000000u
#define FIFOS_BASE 0x40001000u
#endif

/* The FIFOs: what is written to WORD, or to LAST with tlast, goes to the block, while ROOM is not 0. WAITING says how
 * many words it has not taken. What the block says is read from ANSWER while ANSWERS is not 0. */
typedef struct {
    volatile uint32_t WORD, LAST, ROOM, WAITING, ANSWER, ANSWERS;
} fifos;

enum { SAMPLES = 48, ROUNDS = 8, BATCH = 4 };

static int send(void *streams, const uint8_t *word, int last) {
    fifos *to = (fifos *)streams;
    if (!MTJ_GXNOR_READ(&to->ROOM)) return 0;
    MTJ_GXNOR_WRITE(last ? &to->LAST : &to->WORD, word[0]);
    return 1;
}

static int receive(void *streams, uint8_t *word) {
    fifos *from = (fifos *)streams;
    if (!MTJ_GXNOR_READ(&from->ANSWERS)) return 0;
    word[0] = (uint8_t)MTJ_GXNOR_READ(&from->ANSWER);
    return 1;
}

static int sent(void *streams) { return !MTJ_GXNOR_READ(&((fifos *)streams)->WAITING); }

static int8_t trits[SAMPLES * MTJ_GXNOR_INPUTS];
static uint16_t labels[SAMPLES], predictions[SAMPLES];
static uint8_t weights[MTJ_GXNOR_WEIGHTS_WORDS * MTJ_GXNOR_WORD_BYTES];

/* Class c has +1 at every third input from c on, -1 at the others; one input of every sample is 0. */
static void make_samples(void) {
    uint32_t sample, input;
    for (sample = 0; sample < SAMPLES; sample++) {
        labels[sample] = (uint16_t)(sample % MTJ_GXNOR_CLASSES);
        for (input = 0; input < MTJ_GXNOR_INPUTS; input++) {
            trits[sample * MTJ_GXNOR_INPUTS + input] = input % MTJ_GXNOR_CLASSES == labels[sample] ? 1 : -1;
        }
        trits[sample * MTJ_GXNOR_INPUTS + sample / MTJ_GXNOR_CLASSES % MTJ_GXNOR_INPUTS] = 0;
    }
}

/* Returns 0 if the machine has learned, 1 if it has not, else 16 + the result of the driver's call that failed. */
int main(void) {
    static const uint8_t update_shifts[MTJ_GXNOR_LAYERS] = {8, 8, 8};
    static mtj_gxnor_machine machine = {0, MTJ_GXNOR_DESIGN, send, receive, sent, 0, 1000000, 0};
    mtj_gxnor_result result;
    uint32_t round, sample, right = 0;
    machine.registers = (mtj_gxnor_t *)(uintptr_t)MACHINE_BASE;
    machine.streams = (fifos *)(uintptr_t)FIFOS_BASE;
    make_samples();
    if ((result = mtj_gxnor_open(&machine)) != MTJ_GXNOR_OK) return 16 + (int)result;
    if ((result = mtj_gxnor_initialise(&machine)) != MTJ_GXNOR_OK) return 16 + (int)result;
    for (round = 0; round < ROUNDS; round++) {
        result = mtj_gxnor_train(&machine, trits, labels, SAMPLES, BATCH, update_shifts, predictions);
        if (result != MTJ_GXNOR_OK) return 16 + (int)result;
    }
    result = mtj_gxnor_infer(&machine, trits, labels, SAMPLES, predictions);
    if (result != MTJ_GXNOR_OK) return 16 + (int)result;
    result = mtj_gxnor_dump(&machine, MTJ_GXNOR__COMMAND__OPERATION__DUMP_WEIGHTS, weights, MTJ_GXNOR_WEIGHTS_WORDS);
    if (result != MTJ_GXNOR_OK) return 16 + (int)result;
    for (sample = 0; sample < SAMPLES; sample++) right += predictions[sample] == labels[sample];
    return right * 10 < SAMPLES * 9u;
}
