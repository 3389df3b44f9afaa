"""Random streams in hardware: one leap-forward Fibonacci LFSR per lane (twin of `golden/lfsr.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lfsr import LfsrParameters
from hdl.lib.planes import any_of, broadcast, wire


class Lfsr(wiring.Component):
    """A bank of parallel random streams, held as bit-planes.

    The word is a view of the state: latency 0, one word per stream and cycle while `draw` is high.

    Parameters
    ----------
    parameters : LfsrParameters
        Common to all streams.
    first : int
        Number of the bank's first stream.
    lanes : int
        Streams in the bank.
    streams : int
        Streams in the whole array, which sets their separation.
    bits : int
        Word width, 1 .. parameters.width.

    Attributes
    ----------
    draw : Signal(1), in
        Advance all streams by one draw.
    shift : Signal(1), in
        Shift `newest` into the states; not together with `draw`. Only with `parameters.loadable`, as what follows.
    newest : Signal(lanes), in
        One bit per stream.
    word : Signal(ArrayLayout(lanes, bits)), out
        Planes of the present word, bit 0 the oldest bit of the sequence.
    """

    def __init__(self, parameters: LfsrParameters, *, first: int, lanes: int, streams: int, bits: int) -> None:
        self._parameters = parameters
        self._seeds = parameters.seeds(streams)[first : first + lanes]
        self._bits = bits
        loading = {"shift": In(1), "newest": In(lanes)} if parameters.loadable else {}
        super().__init__({"draw": In(1), "word": Out(data.ArrayLayout(lanes, bits)), **loading})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p, lanes = self._parameters, len(self._seeds)
        # one register per plane: a leap copies planes, and a simulator reads and writes no more than it needs
        planes = [
            sum((int(seed) >> bit & 1) << lane for lane, seed in enumerate(self._seeds)) for bit in range(p.width)
        ]
        state = [Signal(lanes, init=plane, name=f"state{bit}") for bit, plane in enumerate(planes)]
        leaped: list[Value] = list(state)
        for leap, steps in enumerate(p.strides):
            new = [wire(m, f"new{leap}_{at}", leaped[at] ^ leaped[p.tap + at]) for at in range(steps)]
            leaped = leaped[steps:] + new
        with m.If(self.draw):
            m.d.sync += [plane.eq(value) for plane, value in zip(state, leaped, strict=True)]
        if p.loadable:
            shifts = Signal(range(p.width), name="shifts")
            last = shifts == p.width - 1
            # a state that a load would leave all zero, for ever, gets a one
            newest = wire(m, "repaired", self.newest | (broadcast(last, lanes) & ~any_of(state[1:], lanes)))
            with m.If(self.shift):
                m.d.sync += [plane.eq(value) for plane, value in zip(state, [*state[1:], newest], strict=True)]
                m.d.sync += shifts.eq(Mux(last, 0, shifts + 1))
        m.d.comb += self.word.eq(Cat(state[: self._bits]))
        return m
