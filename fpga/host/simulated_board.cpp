// mtj_gxnor_board for a program in the same process: its clock, and a serial line to its pins.
//
// Both directions are bits on the pins, held and looked at as a UART does. The clock runs only in board_run.
#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

struct Board {
    VerilatedContext context;
    Vtop top{&context};
    const double bit;  // clock cycles of a bit
    uint64_t cycles = 0;

    std::deque<uint8_t> sending;
    double next_bit = 0;    // when the line to the board changes
    uint32_t bits = 0;      // of the byte under way, with what follows it; 0 when there is none

    std::vector<uint8_t> received;
    double next_look = -1;  // when to look at the line from the board; negative while it is idle
    uint32_t seen = 0, looks = 0;
    uint64_t violations = 0;  // bytes without a stop bit

    explicit Board(double bit_cycles) : bit(bit_cycles) {}

    void drive() {
        if (cycles < next_bit) return;
        if (!bits) {
            if (sending.empty()) return;
            // start bit, byte, stop bit, and a mark above
            bits = uint32_t(sending.front()) << 1 | 1u << 9 | 1u << 10;
            sending.pop_front();
            next_bit = double(cycles);
        }
        top.rx = bits & 1;
        bits >>= 1;
        if (bits == 1) bits = 0;
        next_bit += bit;
    }

    void look() {
        if (next_look < 0) {
            if (top.tx) return;
            next_look = double(cycles) + bit / 2;
            looks = seen = 0;
            return;
        }
        if (cycles < next_look) return;
        next_look += bit;
        seen |= uint32_t(top.tx) << looks;
        if (++looks < 10) return;
        next_look = -1;
        if (seen & 1 || !(seen >> 9)) violations++;
        received.push_back(uint8_t(seen >> 1));
    }

    void cycle() {
        top.clk = 1;
        top.eval();
        drive();
        look();
        top.clk = 0;
        top.eval();
        cycles++;
    }

    bool quiet() const { return sending.empty() && !bits && cycles >= next_bit && next_look < 0; }
};

extern "C" {

Board* board_new(double bit_cycles) {
    auto* board = new Board(bit_cycles);
    board->top.rx = 1;
    board->top.clk = 0;
    board->top.rst = 1;
    board->top.eval();
    for (int i = 0; i < 4; i++) board->cycle();
    board->top.rst = 0;
    return board;
}

void board_delete(Board* board) {
    board->top.final();
    delete board;
}

void board_reset(Board* board) {
    board->top.rst = 1;
    for (int i = 0; i < 4; i++) board->cycle();
    board->top.rst = 0;
}

uint64_t board_cycles(Board* board) { return board->cycles; }

uint64_t board_violations(Board* board) { return board->violations; }

void board_send(Board* board, const uint8_t* data, uint64_t size) {
    board->sending.insert(board->sending.end(), data, data + size);
}

// Run up to `most` cycles; stop when bytes have come and the line has been idle for `idle` cycles since.
uint64_t board_run(Board* board, uint64_t most, uint64_t idle) {
    uint64_t still = 0;
    for (uint64_t i = 0; i < most; i++) {
        board->cycle();
        still = board->quiet() ? still + 1 : 0;
        if (still >= idle && !board->received.empty()) break;
    }
    return board->received.size();
}

void board_take(Board* board, uint8_t* to) {
    std::memcpy(to, board->received.data(), board->received.size());
    board->received.clear();
}

}  // extern "C"
