"""Neurons of one group at a time (twin of `golden/neuron.py`)."""

import itertools

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.geometry import ceil_div
from golden.neuron import NeuronParameters
from hdl.planes import held


def clamp(value: Value, bits: int) -> Value:
    """Saturate a signed value to `bits` bits."""
    low, high = Const(-(1 << (bits - 1)), signed(bits)), Const((1 << (bits - 1)) - 1, signed(bits))
    return Mux(value < low, low, Mux(value > high, high, value[:bits].as_signed()))


class Neurons(wiring.Component):
    """Neuron state in block RAM and one firing circuit per lane of a group.

    One group per cycle; results 2 cycles after `request`, the state is written back 1 cycle later. A group must not be
    requested again before that, and `fire`, `train` and `reset` must not change before `idle`.

    Parameters
    ----------
    parameters : NeuronParameters
        Common to all neurons.
    groups : int
        Depth: groups of all vectors but the input.
    group : int
        Lanes per group.
    sum_bits, error_bits : int
        Widths of sums and errors, signed.

    Attributes
    ----------
    request : Signal(1), in
        The inputs below are valid.
    address : in
        The group.
    sums : array of signed, in
        Sums of the group.
    valid : Signal(1), out
        Two cycles after `request`: all outputs belong to that request, and `errors` is expected in the next cycle.
    centred : array of signed, out
        Sums less the offsets' whole part.
    held_sums : array of signed, out
        The sums themselves.
    activations : planes, out
        Trits.
    windows : Signal(group), out
        Where the derivative is not zero.
    errors : array of signed, in
        Errors of the group, one cycle after `valid`; they train the offset where `train` is high.
    fire, train, reset : Signal(1), in
        What happens to the state in the cycle after `valid`: follow the sums, follow the errors, become initial.
    target : out
        `address` of the request.
    idle : Signal(1), out
        No group is under way.
    get, put : Signal(1), in
        Copy the state of the group at `address` to the exchange register, there 2 cycles later, or back; not while a
        group is under way.
    shift : Signal(1), in
        Shift `word` into the exchange register, its lowest word out.
    word : Signal(2 * group), in
        What comes in.
    exchange : Signal(2 * group), out
        Lowest word of the exchange register.
    """

    def __init__(
        self, parameters: NeuronParameters, *, groups: int, group: int, sum_bits: int, error_bits: int
    ) -> None:
        self._parameters = parameters
        self._groups, self._group, self._sum_bits = groups, group, sum_bits
        super().__init__(
            {
                "request": In(1),
                "address": In(range(groups)),
                "sums": In(data.ArrayLayout(signed(sum_bits), group)),
                "valid": Out(1),
                "centred": Out(data.ArrayLayout(signed(sum_bits + 1), group)),
                "held_sums": Out(data.ArrayLayout(signed(sum_bits), group)),
                "activations": Out(data.ArrayLayout(group, 2)),
                "windows": Out(group),
                "errors": In(data.ArrayLayout(signed(error_bits), group)),
                "fire": In(1),
                "train": In(1),
                "reset": In(1),
                "target": Out(range(groups)),
                "idle": Out(1),
                "get": In(1),
                "put": In(1),
                "shift": In(1),
                "word": In(2 * group),
                "exchange": Out(2 * group),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p, sum_bits = self._parameters, self._sum_bits
        state = data.StructLayout(
            {"offset": signed(p.offset_bits(sum_bits)), "spread": unsigned(p.spread_bits(sum_bits))}
        )
        states = data.ArrayLayout(state, self._group)
        m.submodules.states = block = memory.Memory(shape=unsigned(states.size), depth=self._groups, init=[])
        read, write = block.read_port(), block.write_port()

        # stage 0: request, read the state; 1: fire; 2: hand on, the errors are computed; 3: write the state
        valid = [self.request, Signal(name="valid1"), self.valid, Signal(name="valid3")]
        m.d.sync += [after.eq(before) for before, after in itertools.pairwise(valid)]
        target1 = held(m, "target1", valid[0], self.address)
        sums1 = held(m, "sums1", valid[0], self.sums)
        fired = [self._fire(m, lane, data.View(states, read.data)[lane], sums1[lane]) for lane in range(self._group)]
        with m.If(valid[1]):
            centred, fires, windows = zip(*fired, strict=True)
            m.d.sync += [
                *[held.eq(value) for held, value in zip(self.centred, centred, strict=True)],
                self.held_sums.eq(sums1),
                self.activations.as_value().eq(
                    Cat(*fires, *[f & (c < 0) for f, c in zip(fires, centred, strict=True)])
                ),
                self.windows.eq(Cat(*windows)),
                self.target.eq(target1),
            ]
        old2 = held(m, "old2", valid[1], read.data)
        old, centred = held(m, "old3", valid[2], old2), held(m, "centred3", valid[2], self.centred)
        sums = held(m, "sums3", valid[2], self.held_sums) if p.offset_follows else centred
        new = Signal(states, name="new")
        for lane in range(self._group):
            self._follow(m, lane, data.View(states, old)[lane], sums[lane], centred[lane], new[lane])
        # what the host loads and dumps, word by word
        exchange = Signal(ceil_div(states.size, 2 * self._group) * 2 * self._group, name="exchanged", reset_less=True)
        got = Signal(name="got")
        m.d.sync += got.eq(self.get)
        with m.If(got):
            m.d.sync += exchange.eq(read.data)
        with m.If(self.shift):
            m.d.sync += exchange.eq(Cat(exchange[2 * self._group :], self.word))
        m.d.comb += [
            self.exchange.eq(exchange),
            read.addr.eq(self.address),
            read.en.eq(valid[0] | self.get),
            write.addr.eq(Mux(self.put, self.address, held(m, "target3", valid[2], self.target))),
            write.data.eq(Mux(self.put, exchange, new)),
            write.en.eq(self.put | valid[3] & (self.fire | self.train | self.reset)),
            self.idle.eq(~Cat(*valid[1:]).any()),
        ]
        return m

    def _fire(self, m: Module, lane: int, old: data.View, total: Value) -> tuple[Signal, Signal, Signal]:
        """Build the firing circuit of one lane: the centred sum, whether it fires, its derivative window."""
        p, sum_bits = self._parameters, self._sum_bits
        centred = Signal(signed(sum_bits + 1), name=f"centred{lane}")
        size = Signal(sum_bits + 1, name=f"size{lane}")
        threshold = Signal(sum_bits + 2, name=f"threshold{lane}")
        half = Signal(sum_bits + 3, name=f"half{lane}")
        fires = Signal(name=f"fires{lane}")
        window = Signal(name=f"window{lane}")
        distance = Signal(signed(sum_bits + 3), name=f"distance{lane}")
        scaled = (old.spread * p.threshold_eighths) >> (3 + p.fraction)
        # centred == 0 never fires: the threshold is at least 1
        m.d.comb += [
            centred.eq(total - (old.offset >> p.fraction)),
            size.eq(Mux(centred < 0, -centred, centred)),
            threshold.eq(Mux(scaled == 0, 1, scaled)),
            half.eq((old.spread * p.window_eighths) >> (3 + p.fraction)),
            fires.eq(size >= threshold),
            distance.eq(size - threshold),
            window.eq(Mux(distance < 0, -distance, distance) <= half),
        ]
        return centred, fires, window

    def _follow(self, m: Module, lane: int, old: data.View, total: Value, centred: Value, new: data.View) -> None:
        """Build the next state of one lane."""
        p = self._parameters
        offset = old.offset
        if p.offset_follows:
            followed = offset + (((total << p.fraction) - offset) >> p.follow_shift)
            offset = Mux(self.fire, clamp(followed, len(offset)), offset)
        step = Mux(self.train, self.errors[lane] << p.train_shift, 0)
        size = Signal(self._sum_bits + 1, name=f"old_size{lane}")
        spread = old.spread + (((size << p.fraction) - old.spread) >> p.follow_shift)
        m.d.comb += [
            size.eq(Mux(centred < 0, -centred, centred)),
            new.offset.eq(Mux(self.reset, 0, clamp(offset - step, len(old.offset)))),
            new.spread.eq(
                Mux(self.reset, p.initial_spread << p.fraction, Mux(self.fire, spread, old.spread)),
            ),
        ]
