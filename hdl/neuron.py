"""Neurons of one group at a time (twin of `golden/neuron.py`)."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.neuron import NeuronParameters


def clamp(value: Value, bits: int) -> Value:
    """Saturate a signed value to `bits` bits."""
    low, high = Const(-(1 << (bits - 1)), signed(bits)), Const((1 << (bits - 1)) - 1, signed(bits))
    return Mux(value < low, low, Mux(value > high, high, value[:bits].as_signed()))


class Neurons(wiring.Component):
    """Neuron state in block RAM and one firing circuit per lane of a group.

    One group per cycle; results 1 cycle after `request`, in which the state is written back too. A group must not be
    requested again before the cycle after its results.

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
        One cycle after `request`: all outputs belong to that request, and `errors` is expected.
    centred : array of signed, out
        Sums less the offsets' whole part.
    held_sums : array of signed, out
        The sums themselves.
    activations : array of signed(2), out
        Trits.
    windows : Signal(group), out
        Where the derivative is not zero.
    errors : array of signed, in
        Errors of the group, valid with `valid`; they train the offset where `train` is high.
    fire, train, reset : Signal(1), in
        What happens to the state at the end of the `valid` cycle: follow the sums, follow the errors, become initial.
    target : out
        `address` of the request.
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
                "activations": Out(data.ArrayLayout(signed(2), group)),
                "windows": Out(group),
                "errors": In(data.ArrayLayout(signed(error_bits), group)),
                "fire": In(1),
                "train": In(1),
                "reset": In(1),
                "target": Out(range(groups)),
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
        old, new = data.View(states, read.data), Signal(states, name="new")

        m.d.sync += [self.valid.eq(self.request), self.target.eq(self.address), self.held_sums.eq(self.sums)]
        m.d.comb += [
            read.addr.eq(self.address),
            read.en.eq(1),
            write.addr.eq(self.target),
            write.data.eq(new),
            write.en.eq(self.valid & (self.fire | self.train | self.reset)),
        ]
        for lane in range(self._group):
            self._lane(m, lane, old[lane], new[lane])
        return m

    def _lane(self, m: Module, lane: int, old: data.View, new: data.View) -> None:
        """Build the firing circuit of one lane."""
        p, sum_bits = self._parameters, self._sum_bits
        total = self.held_sums[lane]
        centred = self.centred[lane]
        size = Signal(sum_bits + 1, name=f"size{lane}")
        threshold = Signal(sum_bits + 2, name=f"threshold{lane}")
        half = Signal(sum_bits + 3, name=f"half{lane}")
        fires = Signal(name=f"fires{lane}")
        distance = Signal(signed(sum_bits + 3), name=f"distance{lane}")
        scaled = (old.spread * p.threshold_eighths) >> (3 + p.fraction)
        m.d.comb += [
            centred.eq(total - (old.offset >> p.fraction)),
            size.eq(Mux(centred < 0, -centred, centred)),
            threshold.eq(Mux(scaled == 0, 1, scaled)),
            half.eq((old.spread * p.window_eighths) >> (3 + p.fraction)),
            fires.eq(size >= threshold),
            distance.eq(size - threshold),
            self.activations[lane].eq(Mux(fires, Mux(centred < 0, -1, 1), 0)),
            self.windows[lane].eq(Mux(distance < 0, -distance, distance) <= half),
        ]
        # centred == 0 never fires: the threshold is at least 1
        offset = old.offset
        if p.offset_follows:
            followed = offset + (((total << p.fraction) - offset) >> p.follow_shift)
            offset = Mux(self.fire, clamp(followed, len(offset)), offset)
        step = Mux(self.train, self.errors[lane] << p.train_shift, 0)
        m.d.comb += [
            new.offset.eq(Mux(self.reset, 0, clamp(offset - step, len(old.offset)))),
            new.spread.eq(
                Mux(
                    self.reset,
                    p.initial_spread << p.fraction,
                    Mux(self.fire, old.spread + (((size << p.fraction) - old.spread) >> p.follow_shift), old.spread),
                )
            ),
        ]
