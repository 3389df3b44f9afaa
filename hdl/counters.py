"""Event counters (twin of `golden/counters.py`, which names them)."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from hdl.array.array_interface import ArraySignature
from hdl.lib.ram_pipeline import APART


def _increment_widths(macro: ArraySignature) -> dict[str, int]:
    """Widths of the increments that may be more than 1, from what the array answers."""
    ports = {"forward_products": "products", "backward_products": "products"}
    ports |= {name: name for name in ("pulses", "pulse_width", "switches")}
    return {name: Shape.cast(macro.members[port].shape).width for name, port in ports.items()}


class EventCounters(wiring.Component):
    """Adds up increments and shows the counters, one per cycle, in turn.

    What comes in gathers in a small register per counter. Once per turn of all counters it is added to the counter's
    word in memory, and the sum is shown: it has all increments up to 3 cycles before, and the counter is shown again
    `len(COUNTERS)` cycles later.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    increments : one unsigned per counter, in
        What to add in this cycle.
    counter : in range(len(COUNTERS)), out
        Which counter is shown, in the order of `COUNTERS`.
    count : Signal(48), out
        Its count; it wraps.
    """

    def __init__(self, config: MachineConfig) -> None:
        widths = _increment_widths(ArraySignature(config))
        self._widths = {name: widths.get(name, 1) for name in COUNTERS}
        increments = data.StructLayout({name: unsigned(width) for name, width in self._widths.items()})
        super().__init__(
            {"increments": In(increments), "counter": Out(range(len(COUNTERS))), "count": Out(COUNTER_BITS)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        turns = len(COUNTERS)
        m.submodules.counts = counts = memory.Memory(shape=unsigned(COUNTER_BITS), depth=turns, init=[], attrs=APART)
        read, write = counts.read_port(), counts.write_port()

        # stage 0: what has gathered; 1: add; 2: show and write. A counter is back at stage 0 long after that
        turn, adding = Signal(range(turns), name="turn"), Signal(range(turns), name="adding")
        added, shown = Signal(name="added"), Signal(name="shown")
        # in the first turn after reset what is in memory does not count
        kept = Signal(name="kept")
        most = {name: turns * ((1 << width) - 1) for name, width in self._widths.items()}
        addend = Signal(range(max(most.values()) + 1), name="addend")
        low = len(addend)
        small = {name: Signal(range(largest + 1), name=name) for name, largest in most.items()}
        for name, gathered in small.items():
            m.d.sync += gathered.eq(gathered + self.increments[name])
        with m.Switch(turn):
            for at, (name, gathered) in enumerate(small.items()):
                with m.Case(at):
                    m.d.sync += [addend.eq(gathered), gathered.eq(self.increments[name])]
        m.d.comb += [read.addr.eq(turn), read.en.eq(1)]
        m.d.sync += [
            turn.eq(Mux(turn == turns - 1, 0, turn + 1)),
            adding.eq(turn),
            added.eq(1),
            shown.eq(added),
            self.counter.eq(adding),
            self.count.eq(Cat(Mux(kept, read.data[:low], 0), read.data[low:]) + addend),
        ]
        # of the bits that no addend reaches nothing is left but what was in memory
        with m.If(~kept):
            m.d.sync += self.count[low:].eq(0)
        with m.If(adding == turns - 1):
            m.d.sync += kept.eq(1)
        m.d.comb += [write.addr.eq(self.counter), write.data.eq(self.count), write.en.eq(shown)]
        return m
