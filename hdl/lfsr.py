"""Random streams in hardware: one leap-forward Fibonacci LFSR per lane (twin of `golden/lfsr.py`)."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lfsr import LfsrParameters


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
    word : Signal(ArrayLayout(lanes, bits)), out
        Planes of the present word, bit 0 the oldest bit of the sequence.
    """

    def __init__(self, parameters: LfsrParameters, *, first: int, lanes: int, streams: int, bits: int) -> None:
        self._parameters = parameters
        self._seeds = parameters.seeds(streams)[first : first + lanes]
        self._bits = bits
        super().__init__({"draw": In(1), "word": Out(data.ArrayLayout(lanes, bits))})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        lanes = len(self._seeds)
        state = []
        for bit in range(self._parameters.width):
            init = sum((int(seed) >> bit & 1) << lane for lane, seed in enumerate(self._seeds))
            state.append(Signal(lanes, init=init, name=f"state{bit}"))
        for plane, word in zip(state, self.word, strict=False):
            m.d.comb += word.eq(plane)
        with m.If(self.draw):
            for bit, sources in enumerate(self._parameters.leap_map):
                value = state[sources[0]]
                for source in sources[1:]:
                    value = value ^ state[source]
                m.d.sync += state[bit].eq(value)
        return m
