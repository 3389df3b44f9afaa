"""Neurons of one group at a time (twin of `golden/neuron.py`)."""

import itertools
from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.geometry import ceil_div
from hdl.lib.planes import reg_en, wire
from hdl.lib.ram_pipeline import APART


def clamp(value: Value, bits: int) -> Value:
    """Saturate a signed value to `bits` bits."""
    if len(value) <= bits:
        return value
    sign, above = value[-1], value[bits - 1 : -1]
    fits = Mux(sign, above.all(), ~above.any())
    # the largest magnitude of that sign: all bits below the sign are its inverse
    return Mux(fits, value[:bits], Cat((~sign).replicate(bits - 1), sign)).as_signed()


def times(value: Value, factor: int) -> Value:
    """Multiply an unsigned value by a small constant, with additions: synthesis would take a multiplier for it."""
    terms = [value << bit for bit in range(factor.bit_length()) if factor >> bit & 1]
    return sum(terms, start=Const(0, 1))[: len(value) + factor.bit_length()]


class Neurons(wiring.Component):
    """Neuron state in block RAM and one firing circuit per lane of a group.

    One group per cycle; centred sums 2 cycles after `request`, activations and windows 3 cycles after it, when the
    state is written back. A group must not be requested again before that.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    request : Signal(1), in
        The inputs below are valid.
    address : in
        The group.
    sums : array of signed, in
        Sums of the group.
    valid : Signal(1), out
        Two cycles after `request`: `centred`, `held_sums` and `target` belong to that request; in the next cycle
        `activations` and `windows` do, and `errors` is expected.
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
    fire : Signal(1), in
        With `valid`: the state follows the sums.
    train, reset : Signal(1), in
        In the cycle after `valid`: the state follows the errors, or becomes initial.
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

    def __init__(self, config: MachineConfig) -> None:
        geometry = config.geometry
        self._parameters, self._groups = config.neuron, geometry.vector_groups
        self._group, self._sum_bits = group, sum_bits = geometry.group, geometry.sum_bits
        super().__init__(
            {
                "request": In(1),
                "address": In(range(self._groups)),
                "sums": In(data.ArrayLayout(signed(sum_bits), group)),
                "valid": Out(1),
                "centred": Out(data.ArrayLayout(signed(sum_bits + 1), group)),
                "held_sums": Out(data.ArrayLayout(signed(sum_bits), group)),
                "activations": Out(data.ArrayLayout(group, 2)),
                "windows": Out(group),
                "errors": In(data.ArrayLayout(signed(config.error.bits), group)),
                "fire": In(1),
                "train": In(1),
                "reset": In(1),
                "target": Out(range(self._groups)),
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
            {"offset": signed(p.offset_bits(sum_bits)), "scale": unsigned(p.scale_bits(sum_bits))}
        )
        states = data.ArrayLayout(state, self._group)
        m.submodules.states = block = memory.Memory(
            shape=unsigned(states.size), depth=self._groups, init=[], attrs=APART
        )
        read, write = block.read_port(), block.write_port()

        # stage 0: request, read the state; 1: centre; 2: distance from the threshold, and hand on to the error unit;
        # 3: fire, and write the state, to which the errors have come
        valid = [self.request, Signal(name="valid1"), self.valid, Signal(name="valid3")]
        fire3 = reg_en(m, "fire3", valid[2], self.fire)
        m.d.sync += [after.eq(before) for before, after in itertools.pairwise(valid)]
        target1 = reg_en(m, "target1", valid[0], self.address)
        sums1 = reg_en(m, "sums1", valid[0], self.sums)
        target3 = reg_en(m, "target3", valid[2], self.target)
        with m.If(valid[1]):
            m.d.sync += [self.held_sums.eq(sums1), self.target.eq(target1)]
        state1 = data.View(states, read.data)
        state2 = reg_en(m, "state2", valid[1], state1)
        state3 = reg_en(m, "state3", valid[2], state2)
        new = Signal(states, name="new")
        for lane in range(self._group):
            stages = (state1[lane], state2[lane], state3[lane])
            self._lane(m, lane, valid, fire3, sums1[lane], stages, new[lane])
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
            write.addr.eq(Mux(self.put, self.address, target3)),
            write.data.eq(Mux(self.put, exchange, new)),
            write.en.eq(self.put | valid[3] & (fire3 | self.train | self.reset)),
            self.idle.eq(~Cat(*valid[1:]).any()),
        ]
        return m

    def _lane(
        self,
        m: Module,
        lane: int,
        valid: Sequence[Value],
        fire3: Signal,
        total: Value,
        states: tuple[data.View, data.View, data.View],
        new: data.View,
    ) -> None:
        """Build one lane: it fires, and its state follows sums or errors."""
        p, bits = self._parameters, self._sum_bits
        state1, state2, state3 = states

        # stage 1
        with m.If(valid[1]):
            m.d.sync += self.centred[lane].eq(total - (state1.offset >> p.fraction))

        # stage 2
        centred, eighths = self.centred[lane], 3 + p.fraction
        threshold = wire(m, f"threshold{lane}", times(state2.scale, p.threshold_eighths) >> eighths)
        # the threshold is at least 1, so that a centred sum of 0 never fires
        least = wire(m, f"least{lane}", threshold | (threshold == 0))
        size = wire(m, f"size{lane}", Mux(centred < 0, -centred, centred)[: bits + 1])
        distance = reg_en(m, f"distance{lane}", valid[2], size - least)
        half = reg_en(m, f"half{lane}", valid[2], times(state2.scale, p.window_eighths) >> eighths)
        negative = reg_en(m, f"negative{lane}", valid[2], centred < 0)
        grown = ((size << p.fraction) - state2.scale) >> p.ema_shift
        growth = reg_en(m, f"growth{lane}", valid[2], Mux(self.fire, grown, 0)[: len(state3.scale)])

        # stage 3
        fires = wire(m, f"fires{lane}", distance >= 0)
        step = wire(m, f"step{lane}", Mux(self.train, self.errors[lane] << p.train_shift, 0))
        offset = wire(m, f"offset{lane}", clamp(state3.offset - step, len(state3.offset)))
        if p.offset_tracks_mean:
            drifted = ((self.held_sums[lane] << p.fraction) - state2.offset) >> p.ema_shift
            drift = reg_en(m, f"drift{lane}", valid[2], drifted)
            followed = wire(m, f"followed{lane}", clamp(state3.offset + drift, len(state3.offset)))
            offset = Mux(fire3, followed, offset)
        m.d.comb += [
            self.activations[0][lane].eq(fires),
            self.activations[1][lane].eq(fires & negative),
            self.windows[lane].eq((half >= distance) & (half + distance >= 0)),
            new.offset.eq(Mux(self.reset, 0, offset)),
            new.scale.eq(
                Mux(self.reset, p.initial_scale << p.fraction, state3.scale + growth),
            ),
        ]
