// The harness without cocotb: the commands named on the command line, one after another.
//
// Arguments: one command each, "payload:update_shifts" in hexadecimal, or "play", which starts the file of samples.
// Prints one line per command: clock cycles, seconds, and for every phase the cycles and seconds spent in it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "Vtop.h"
#include "Vtop___024root.h"
#include "verilated.h"

// cycles_wait, init, forward, backward, gradient, update: the first counters; one of them counts in every cycle
static const int PHASES = 6;

// Processor time: other processes on the machine do not count.
static double now() {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void tick(Vtop& top) {
    top.clk = 1;
    top.eval();
    top.clk = 0;
    top.eval();
}

static void run(Vtop& top, bool profile) {
    auto* root = top.rootp;
    double seconds[PHASES] = {};
    uint64_t cycles[PHASES] = {};
    uint64_t all = 0;
    int phase = 0;
    root->harness__DOT__go ^= 1;
    top.eval();
    const double start = now();
    double since = start;
    while (top.running) {
        const unsigned counting = profile ? root->harness__DOT__phases : 0;
        if (profile && !(counting >> phase & 1)) {
            const double time = now();
            seconds[phase] += time - since;
            since = time;
            for (int i = 0; i < PHASES; i++) {
                if (counting >> i & 1) phase = i;
            }
        }
        tick(top);
        all++;
        if (profile) cycles[phase]++;
    }
    const double end = now();
    seconds[phase] += end - since;
    std::printf("%llu %.9f", (unsigned long long)all, end - start);
    for (int i = 0; i < PHASES; i++) std::printf(" %llu %.9f", (unsigned long long)cycles[i], seconds[i]);
    std::printf("\n");
    std::fflush(stdout);
}

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtop top{&context};
    auto* root = top.rootp;
    bool profile = false;
    root->harness__DOT__rst = 1;
    top.eval();
    run(top, false);
    root->harness__DOT__rst = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '+') continue;
        if (!std::strcmp(argv[i], "play")) {
            root->harness__DOT__play ^= 1;
        } else if (!std::strcmp(argv[i], "profile")) {
            profile = true;
        } else {
            char* end;
            root->harness__DOT__command___05Fpayload = std::strtoull(argv[i], &end, 16);
            const uint64_t update_shifts = std::strtoull(end + 1, nullptr, 16);
            std::memcpy(&root->harness__DOT__update_shifts, &update_shifts, sizeof root->harness__DOT__update_shifts);
            run(top, profile);
        }
    }
    top.final();
    return 0;
}
