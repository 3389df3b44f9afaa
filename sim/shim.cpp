// mtj_gxnor_axi for a program in the same process: registers, packets and the interrupt as function calls.
//
// The clock runs only inside these calls. Input words wait in a queue and are offered as soon as the stream is free;
// output words are taken into another one. Every channel may be held up at random, for tests.
#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

namespace {

// splitmix64
struct Random {
    uint64_t state = 0;
    uint64_t next() {
        uint64_t z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
};

// One register access: what is still to be offered, what is still to come.
struct Access {
    bool address = false, data = false, answer = false;
    uint32_t value = 0, response = 0;
};

}  // namespace

struct Model {
    VerilatedContext context;
    Vtop top{&context};
    const size_t word;
    Random random;
    uint32_t stalls = 0;  // chance of a pause, in 2^-32
    uint64_t cycles = 0;
    Access reading, writing;
    std::vector<uint8_t> input, output, marks;  // marks: one per output word, whether it had tlast
    size_t input_at = 0, output_at = 0;
    std::deque<size_t> ends;  // where packets end in `input`; their last word has tlast

    explicit Model(size_t bytes) : word(bytes) {}

    // What the block offers and we have not taken must stay as it is.
    struct Offer {
        bool held = false;
        uint64_t value = 0;
        bool changed(bool valid, bool ready, uint64_t now) {
            const bool wrong = held && (!valid || now != value);
            held = valid && !ready;
            value = now;
            return wrong;
        }
    } read_offer, write_offer, output_offer;
    uint64_t violations = 0;

    uint64_t output_digest() const {
        uint64_t digest = top.m_axis_tlast;
        const auto* data = reinterpret_cast<const uint8_t*>(&top.m_axis_tdata);
        for (size_t i = 0; i < word; i++) digest = digest * 0x100000001b3 + data[i];
        return digest;
    }

    bool pause() { return stalls && uint32_t(random.next()) < stalls; }

    // What we offer for the coming cycle. What is offered stays until it is taken.
    void offer() {
        if (!top.s_axis_tvalid && input_at < input.size() && !pause()) {
            std::memcpy(&top.s_axis_tdata, &input[input_at], word);
            input_at += word;
            top.s_axis_tvalid = 1;
            top.s_axis_tlast = !ends.empty() && input_at == ends.front();
            if (top.s_axis_tlast) ends.pop_front();
            if (input_at == input.size()) {
                input.clear();
                input_at = 0;
            }
        }
        if (!top.s_axi_arvalid && reading.address && !pause()) top.s_axi_arvalid = 1;
        if (!top.s_axi_awvalid && writing.address && !pause()) top.s_axi_awvalid = 1;
        if (!top.s_axi_wvalid && writing.data && !pause()) top.s_axi_wvalid = 1;
        top.s_axi_rready = !pause();
        top.s_axi_bready = !pause();
        top.m_axis_tready = !pause();
    }

    // One clock cycle; what both sides agree on before its edge has been transferred after it.
    void cycle() {
        const bool sent = top.s_axis_tvalid && top.s_axis_tready;
        const bool got = top.m_axis_tvalid && top.m_axis_tready;
        const bool ar = top.s_axi_arvalid && top.s_axi_arready;
        const bool aw = top.s_axi_awvalid && top.s_axi_awready;
        const bool w = top.s_axi_wvalid && top.s_axi_wready;
        violations += read_offer.changed(top.s_axi_rvalid, top.s_axi_rready, uint64_t(top.s_axi_rdata) << 2 | top.s_axi_rresp);
        violations += write_offer.changed(top.s_axi_bvalid, top.s_axi_bready, top.s_axi_bresp);
        violations += output_offer.changed(top.m_axis_tvalid, top.m_axis_tready, output_digest());
        if (got) {
            const auto* data = reinterpret_cast<const uint8_t*>(&top.m_axis_tdata);
            output.insert(output.end(), data, data + word);
            marks.push_back(top.m_axis_tlast);
        }
        if (reading.answer && top.s_axi_rvalid && top.s_axi_rready) {
            reading.value = top.s_axi_rdata;
            reading.response = top.s_axi_rresp;
            reading.answer = false;
        }
        if (writing.answer && top.s_axi_bvalid && top.s_axi_bready) {
            writing.response = top.s_axi_bresp;
            writing.answer = false;
        }
        top.clk = 1;
        top.eval();
        if (sent) top.s_axis_tvalid = 0;
        if (ar) top.s_axi_arvalid = reading.address = false;
        if (aw) top.s_axi_awvalid = writing.address = false;
        if (w) top.s_axi_wvalid = writing.data = false;
        offer();
        top.clk = 0;
        top.eval();
        cycles++;
    }

    // Forget what waits on either side.
    void clear() {
        input.clear();
        ends.clear();
        output.clear();
        marks.clear();
        input_at = output_at = 0;
    }

    void reset() {
        top.s_axis_tvalid = top.s_axi_arvalid = top.s_axi_awvalid = top.s_axi_wvalid = 0;
        reading = writing = Access();
        read_offer = write_offer = output_offer = Offer();
        clear();
        top.rst = 1;
        for (int i = 0; i < 4; i++) cycle();
        top.rst = 0;
        cycle();
        clear();
    }
};

extern "C" {

Model* model_new(uint64_t word) {
    auto* model = new Model(word);
    model->top.clk = 0;
    model->top.eval();
    model->reset();
    return model;
}

void model_delete(Model* model) {
    model->top.final();
    delete model;
}

void model_stalls(Model* model, uint64_t seed, uint32_t chance) {
    model->random.state = seed;
    model->stalls = chance;
}

void model_reset(Model* model) { model->reset(); }

uint64_t model_word_capacity(Model* model) { return sizeof model->top.s_axis_tdata; }

uint64_t model_violations(Model* model) { return model->violations; }

uint64_t model_cycles(Model* model) { return model->cycles; }

// Read a register; -1 if no answer came in `limit` cycles, else RRESP.
int model_read(Model* model, uint32_t address, uint32_t* value, uint64_t limit) {
    model->top.s_axi_araddr = address;
    model->reading = {true, false, true, 0, 0};
    while (model->reading.answer) {
        if (!limit--) return -1;
        model->cycle();
    }
    *value = model->reading.value;
    return model->reading.response;
}

// Write a register; -1 if no answer came in `limit` cycles, else BRESP.
int model_write(Model* model, uint32_t address, uint32_t value, uint32_t strobes, uint64_t limit) {
    model->top.s_axi_awaddr = address;
    model->top.s_axi_wdata = value;
    model->top.s_axi_wstrb = strobes;
    model->writing = {true, true, true, 0, 0};
    while (model->writing.answer) {
        if (!limit--) return -1;
        model->cycle();
    }
    return model->writing.response;
}

// Queue packets; `sizes` are their bytes. Or words in the middle of a packet, if they do not end.
void model_send(Model* model, const uint8_t* data, const uint64_t* sizes, uint64_t packets, int end_packets) {
    size_t all = 0;
    for (uint64_t i = 0; i < packets; i++) {
        all += sizes[i];
        if (end_packets) model->ends.push_back(model->input.size() + all);
    }
    model->input.insert(model->input.end(), data, data + all);
}

uint64_t model_unsent(Model* model) {
    return model->input.size() - model->input_at + (model->top.s_axis_tvalid ? model->word : 0);
}

uint64_t model_received(Model* model) { return model->output.size() - model->output_at; }

// Run at least `least` cycles, then until the interrupt is high or `received` bytes of output are here, `most` in all.
int model_run(Model* model, uint64_t least, uint64_t most, int interrupt, uint64_t received) {
    for (uint64_t i = 0; i < most; i++) {
        if (i >= least && ((interrupt && model->top.irq) || model_received(model) >= received)) break;
        model->cycle();
    }
    return model->top.irq;
}

// Take output, and which of its words had tlast.
void model_take(Model* model, uint8_t* to, uint64_t size, uint8_t* marks) {
    std::memcpy(to, model->output.data() + model->output_at, size);
    std::memcpy(marks, model->marks.data() + model->output_at / model->word, size / model->word);
    model->output_at += size;
    if (model->output_at == model->output.size()) {
        model->output.clear();
        model->marks.clear();
        model->output_at = 0;
    }
}

// Empty the queues; take and drop an output word that is on offer.
void model_discard(Model* model) {
    model->clear();
    const uint32_t stalls = model->stalls;
    model->stalls = 0;
    for (int i = 0; i < 4; i++) model->cycle();
    model->stalls = stalls;
    model->clear();
}

}  // extern "C"
