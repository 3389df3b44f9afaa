"""Event counters (twin of `golden/counters.py`, which names them)."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.counters import COUNTER_BITS, COUNTERS

#: One field per counter.
CounterLayout = data.StructLayout({name: unsigned(COUNTER_BITS) for name in COUNTERS})


class EventCounters(wiring.Component):
    """Adds up increments; a count shows them in the next cycle.

    Parameters
    ----------
    bits : int
        Width of an increment.

    Attributes
    ----------
    increments : one unsigned per counter, in
        What to add in this cycle.
    counts : CounterLayout, out
        The counters; they wrap.
    """

    def __init__(self, bits: int) -> None:
        increments = data.StructLayout({name: unsigned(bits) for name in COUNTERS})
        super().__init__({"increments": In(increments), "counts": Out(CounterLayout)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        for name in COUNTERS:
            count = Signal(COUNTER_BITS, name=name)
            m.d.sync += count.eq(count + self.increments[name])
            m.d.comb += self.counts[name].eq(count)
        return m
