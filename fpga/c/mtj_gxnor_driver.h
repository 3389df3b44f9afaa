/* Driver of the block on a bus, docs/bus.md, for a processor beside it. It needs no operating system, no memory of its
 * own, and no library but the memcpy and memset that compilers call by themselves; it waits by looking again. Numbers
 * of operations and bits of ERROR are in mtj_gxnor.h, sizes of a machine in the mtj_gxnor_design.h that is generated with
 * its Verilog. */

#ifndef MTJ_GXNOR_DRIVER_H
#define MTJ_GXNOR_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "mtj_gxnor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An access of a register. Who reaches them in another way than by a pointer defines both before. */
#ifndef MTJ_GXNOR_READ
#define MTJ_GXNOR_READ(address) (*(address))
#define MTJ_GXNOR_WRITE(address, value) ((void)(*(address) = (value)))
#endif

/* Bytes of the widest word of the streams. */
#define MTJ_GXNOR_MOST_WORD_BYTES 16

/* What a call returns. */
typedef enum {
    MTJ_GXNOR_OK = 0,
    MTJ_GXNOR_ABSENT,        /* ID is not that of the block */
    MTJ_GXNOR_OTHER_VERSION, /* the registers have another version than mtj_gxnor.h */
    MTJ_GXNOR_OTHER_DESIGN,  /* the machine is not the one of mtj_gxnor_design.h */
    MTJ_GXNOR_MISUSE,        /* `errors` says how; the machine is ready for the next command */
    MTJ_GXNOR_STUCK          /* nothing has moved for `patience` looks; mtj_gxnor_recover or mtj_gxnor_reset */
} mtj_gxnor_result;

/* Sizes of a machine, in the order in which MTJ_GXNOR_DESIGN of mtj_gxnor_design.h gives them. */
typedef struct {
    uint64_t design;        /* what DESIGN reads */
    uint32_t inputs;        /* trits of a sample */
    uint32_t layers;        /* update shifts */
    uint32_t group;         /* trits of a stream word */
    uint32_t word_bytes;    /* bytes of a stream word */
    uint32_t weights_words; /* stream words of LOAD_WEIGHTS and DUMP_WEIGHTS */
    uint32_t neurons_words; /* stream words of LOAD_NEURONS and DUMP_NEURONS */
} mtj_gxnor_design;

/* A machine. The caller fills in all but `errors`. */
typedef struct {
    mtj_gxnor_t *registers;
    mtj_gxnor_design design;
    /* Offers a word of `word_bytes` bytes, lowest first, to the input stream, with tlast if `last`; returns 1 if it was
     * taken, 0 if there is no room now. */
    int (*send)(void *streams, const uint8_t *word, int last);
    /* Takes a word from the output stream; returns 1 if there was one, 0 if there is none now. */
    int (*receive)(void *streams, uint8_t *word);
    /* Returns 1 when the block has taken all words that were offered, none waits in a FIFO between. */
    int (*sent)(void *streams);
    void *streams;     /* for these three functions */
    uint32_t patience; /* looks without anything moving after which a command counts as stuck */
    uint32_t errors;   /* bits of ERROR of the last misuse */
} mtj_gxnor_machine;

/* Checks that the machine is there and is the one, and makes it ready for a command. */
mtj_gxnor_result mtj_gxnor_open(mtj_gxnor_machine *machine);

/* Starts an operation of MTJ_GXNOR__COMMAND__OPERATION; what it needs has been written. Waits for nothing. */
mtj_gxnor_result mtj_gxnor_start(mtj_gxnor_machine *machine, uint32_t operation);

/* Puts all devices into random states, clears gradient sums, resets neurons. */
mtj_gxnor_result mtj_gxnor_initialise(mtj_gxnor_machine *machine);

/* Trains on `samples` samples: trits[sample][input] of -1 .. 1 and labels[sample]. Gives the predictions, made before
 * the sample was learned from. `update_shifts` has one number per layer. */
mtj_gxnor_result mtj_gxnor_train(mtj_gxnor_machine *machine, const int8_t *trits, const uint16_t *labels,
                                 uint32_t samples, uint16_t batch, const uint8_t *update_shifts, uint16_t *predictions);

/* Predicts the classes of samples; labels only enter the counter CORRECT. */
mtj_gxnor_result mtj_gxnor_infer(mtj_gxnor_machine *machine, const int8_t *trits, const uint16_t *labels,
                                 uint32_t samples, uint16_t *predictions);

/* Loads `words` stream words: one of the operations LOAD_... */
mtj_gxnor_result mtj_gxnor_load(mtj_gxnor_machine *machine, uint32_t operation, const uint8_t *bytes, uint32_t words);

/* Takes `words` stream words: one of the operations DUMP_... What is dumped is what is loaded. */
mtj_gxnor_result mtj_gxnor_dump(mtj_gxnor_machine *machine, uint32_t operation, uint8_t *bytes, uint32_t words);

/* Reads a register of two words, COUNTER_... or DESIGN: mtj_gxnor_number(machine->registers->COUNTER_SAMPLES). */
uint64_t mtj_gxnor_number(volatile uint32_t *words);

/* Ends what is under way after the present sample and clears all errors. */
mtj_gxnor_result mtj_gxnor_recover(mtj_gxnor_machine *machine);

/* Resets the machine; its memories keep their contents, but have to be loaded before it works on. */
mtj_gxnor_result mtj_gxnor_reset(mtj_gxnor_machine *machine);

#ifdef __cplusplus
}
#endif

#endif /* MTJ_GXNOR_DRIVER_H */
