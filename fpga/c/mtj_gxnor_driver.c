#include "mtj_gxnor_driver.h"

/* Gives word number `at` of a command's input, and whether it ends a packet. */
typedef int (*source)(const mtj_gxnor_machine *machine, const void *from, uint32_t at, uint8_t *word);
/* Takes word number `at` of a command's output. */
typedef void (*sink)(const mtj_gxnor_machine *machine, void *to, uint32_t at, const uint8_t *word);

/* What a command moves: stream words in and out. */
typedef struct {
    uint32_t words;
    source give;
    const void *from;
    uint32_t answers;
    sink take;
    void *to;
} transfer;

typedef struct {
    const int8_t *trits;
    const uint16_t *labels;
} sample_list;

static void set_bit(uint8_t *word, uint32_t bit) { word[bit / 8] |= (uint8_t)(1u << bit % 8); }

static uint32_t words_of_a_sample(const mtj_gxnor_machine *machine) {
    return (machine->design.inputs + machine->design.group - 1) / machine->design.group + 1;
}

static int sample_word(const mtj_gxnor_machine *machine, const void *from, uint32_t at, uint8_t *word) {
    const sample_list *samples = (const sample_list *)from;
    const uint32_t inputs = machine->design.inputs, group = machine->design.group;
    const uint32_t words = words_of_a_sample(machine), sample = at / words, first = at % words * group;
    uint32_t lane;
    for (lane = 0; lane < machine->design.word_bytes; lane++) word[lane] = 0;
    if (at % words == words - 1) {
        word[0] = (uint8_t)samples->labels[sample];
        if (machine->design.word_bytes > 1) word[1] = (uint8_t)(samples->labels[sample] >> 8);
        return 1;
    }
    for (lane = 0; lane < group && first + lane < inputs; lane++) {
        const int8_t trit = samples->trits[(size_t)sample * inputs + first + lane];
        if (trit != 0) set_bit(word, lane);
        if (trit < 0) set_bit(word, group + lane);
    }
    return 0;
}

static void prediction(const mtj_gxnor_machine *machine, void *to, uint32_t at, const uint8_t *word) {
    const uint32_t high = machine->design.word_bytes > 1 ? word[1] : 0;
    ((uint16_t *)to)[at] = (uint16_t)(word[0] | high << 8);
}

static uint32_t bytes_before(const mtj_gxnor_machine *machine, uint32_t at) { return at * machine->design.word_bytes; }

static int loaded_word(const mtj_gxnor_machine *machine, const void *from, uint32_t at, uint8_t *word) {
    const uint8_t *bytes = (const uint8_t *)from + bytes_before(machine, at);
    uint32_t byte;
    for (byte = 0; byte < machine->design.word_bytes; byte++) word[byte] = bytes[byte];
    return 0;
}

static void dumped_word(const mtj_gxnor_machine *machine, void *to, uint32_t at, const uint8_t *word) {
    uint8_t *bytes = (uint8_t *)to + bytes_before(machine, at);
    uint32_t byte;
    for (byte = 0; byte < machine->design.word_bytes; byte++) bytes[byte] = word[byte];
}

static uint32_t read_errors(const mtj_gxnor_machine *machine) { return MTJ_GXNOR_READ(&machine->registers->ERROR); }

static int busy(const mtj_gxnor_machine *machine) {
    return (MTJ_GXNOR_READ(&machine->registers->STATUS) & MTJ_GXNOR__STATUS__BUSY_bm) != 0;
}

/* Says how the machine was misused and makes it ready for the next command. */
static mtj_gxnor_result misuse(mtj_gxnor_machine *machine, uint32_t errors) {
    const mtj_gxnor_result result = mtj_gxnor_recover(machine);
    machine->errors = errors;
    return result == MTJ_GXNOR_OK ? MTJ_GXNOR_MISUSE : result;
}

/* Moves words in both directions until all have gone and the command has ended. */
static mtj_gxnor_result move(mtj_gxnor_machine *machine, const transfer *all) {
    uint8_t offered[MTJ_GXNOR_MOST_WORD_BYTES], taken[MTJ_GXNOR_MOST_WORD_BYTES];
    uint32_t sent = 0, got = 0, looks = 0, errors;
    int last = 0, refused = 0; /* a word that was not taken is offered again */
    while (looks++ < machine->patience) {
        if (got < all->answers && machine->receive(machine->streams, taken)) {
            all->take(machine, all->to, got++, taken);
            looks = 0;
        }
        if (sent < all->words) {
            if (!refused) last = all->give(machine, all->from, sent, offered) || sent + 1 == all->words;
            refused = !machine->send(machine->streams, offered, last);
            if (!refused) {
                sent++;
                looks = 0;
            }
        }
        if (looks == 0) continue;
        errors = read_errors(machine);
        if (errors) return misuse(machine, errors);
        if (sent == all->words && got == all->answers && !busy(machine)) return MTJ_GXNOR_OK;
    }
    return MTJ_GXNOR_STUCK;
}

static mtj_gxnor_result run(mtj_gxnor_machine *machine, uint32_t operation, const transfer *all) {
    const mtj_gxnor_result result = mtj_gxnor_start(machine, operation);
    return result == MTJ_GXNOR_OK ? move(machine, all) : result;
}

static mtj_gxnor_result present(mtj_gxnor_machine *machine, uint32_t operation, const sample_list *list,
                                uint32_t samples, uint16_t *predictions) {
    const transfer all = {samples * words_of_a_sample(machine), sample_word, list, samples, prediction, predictions};
    MTJ_GXNOR_WRITE(&machine->registers->SAMPLES, samples);
    return run(machine, operation, &all);
}

mtj_gxnor_result mtj_gxnor_open(mtj_gxnor_machine *machine) {
    mtj_gxnor_t *registers = machine->registers;
    uint32_t version;
    if (MTJ_GXNOR_READ(&registers->ID) != MTJ_GXNOR__ID__VALUE_reset) return MTJ_GXNOR_ABSENT;
    version = MTJ_GXNOR_READ(&registers->VERSION);
    /* not `<`: nothing is less than 0, which compilers warn of */
    if (version >> MTJ_GXNOR__VERSION__MAJOR_bp != MTJ_GXNOR__VERSION__MAJOR_reset ||
        (version & MTJ_GXNOR__VERSION__MINOR_bm) + 1 <= MTJ_GXNOR__VERSION__MINOR_reset) {
        return MTJ_GXNOR_OTHER_VERSION;
    }
    if (mtj_gxnor_number(registers->DESIGN) != machine->design.design) return MTJ_GXNOR_OTHER_DESIGN;
    return mtj_gxnor_recover(machine);
}

mtj_gxnor_result mtj_gxnor_start(mtj_gxnor_machine *machine, uint32_t operation) {
    mtj_gxnor_t *registers = machine->registers;
    uint32_t errors;
    MTJ_GXNOR_WRITE(&registers->INTERRUPT, MTJ_GXNOR__INTERRUPT__DONE_bm);
    MTJ_GXNOR_WRITE(&registers->COMMAND, operation);
    MTJ_GXNOR_WRITE(&registers->CONTROL, MTJ_GXNOR__CONTROL__START_bm);
    errors = read_errors(machine);
    return errors ? misuse(machine, errors) : MTJ_GXNOR_OK;
}

mtj_gxnor_result mtj_gxnor_initialise(mtj_gxnor_machine *machine) {
    const transfer nothing = {0, NULL, NULL, 0, NULL, NULL};
    return run(machine, MTJ_GXNOR__COMMAND__OPERATION__INIT_RANDOM, &nothing);
}

mtj_gxnor_result mtj_gxnor_train(mtj_gxnor_machine *machine, const int8_t *trits, const uint16_t *labels,
                                 uint32_t samples, uint16_t batch, const uint8_t *update_shifts,
                                 uint16_t *predictions) {
    const sample_list list = {trits, labels};
    uint32_t layer;
    MTJ_GXNOR_WRITE(&machine->registers->BATCH, batch);
    for (layer = 0; layer < machine->design.layers; layer++) {
        MTJ_GXNOR_WRITE(&machine->registers->UPDATE_SHIFT[layer], update_shifts[layer]);
    }
    return present(machine, MTJ_GXNOR__COMMAND__OPERATION__TRAIN, &list, samples, predictions);
}

mtj_gxnor_result mtj_gxnor_infer(mtj_gxnor_machine *machine, const int8_t *trits, const uint16_t *labels,
                                 uint32_t samples, uint16_t *predictions) {
    const sample_list list = {trits, labels};
    return present(machine, MTJ_GXNOR__COMMAND__OPERATION__TEST, &list, samples, predictions);
}

mtj_gxnor_result mtj_gxnor_load(mtj_gxnor_machine *machine, uint32_t operation, const uint8_t *bytes, uint32_t words) {
    const transfer all = {words, loaded_word, bytes, 0, NULL, NULL};
    return run(machine, operation, &all);
}

mtj_gxnor_result mtj_gxnor_dump(mtj_gxnor_machine *machine, uint32_t operation, uint8_t *bytes, uint32_t words) {
    const transfer all = {0, NULL, NULL, words, dumped_word, bytes};
    return run(machine, operation, &all);
}

uint64_t mtj_gxnor_number(volatile uint32_t *words) {
    const uint32_t low = MTJ_GXNOR_READ(&words[0]); /* copies what is above it */
    return (uint64_t)MTJ_GXNOR_READ(&words[1]) << 32 | low;
}

mtj_gxnor_result mtj_gxnor_recover(mtj_gxnor_machine *machine) {
    uint8_t word[MTJ_GXNOR_MOST_WORD_BYTES];
    uint32_t looks = 0;
    MTJ_GXNOR_WRITE(&machine->registers->CONTROL, MTJ_GXNOR__CONTROL__STOP_bm);
    while (machine->receive(machine->streams, word) || !machine->sent(machine->streams) || busy(machine)) {
        if (++looks > machine->patience) return MTJ_GXNOR_STUCK;
    }
    MTJ_GXNOR_WRITE(&machine->registers->ERROR, read_errors(machine));
    MTJ_GXNOR_WRITE(&machine->registers->CONTROL, 0);
    machine->errors = 0;
    return MTJ_GXNOR_OK;
}

mtj_gxnor_result mtj_gxnor_reset(mtj_gxnor_machine *machine) {
    MTJ_GXNOR_WRITE(&machine->registers->CONTROL, MTJ_GXNOR__CONTROL__RESET_bm);
    return mtj_gxnor_recover(machine);
}
