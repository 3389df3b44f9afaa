"""Answers of the array become groups of sums (twin of `golden/collector.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig


class Collector(wiring.Component):
    """Takes column sums a group at a time, or row sums one at a time, and emits complete groups of sums.

    A group is emitted 2 cycles after its last sum arrived; it is never stalled. Row sums of several column blocks are
    added up in a memory of partial sums, where layers are folded.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    start : Signal(1), in
        Begin a vector: the next sum is its first.
    sensing : Signal(1), in
        The array answers with groups of column sums, not with row sums. Stable from `start` on, as all that follow.
    rows, elements : in
        Row sums to come; valid elements of the vector.
    first, last : Signal(1), in
        First and last column block of row sums.
    arrive : Signal(1), in
        A sum or group of sums is at the inputs.
    sums, row_sum : in
        The array's answer.
    valid : Signal(1), out
        A complete group is at the outputs.
    index : Signal, out
        Number of the group within the vector, from 0.
    group : array of signed, out
        Complete sums.
    mask : Signal(group), out
        Elements that belong to the vector.
    idle : Signal(1), out
        No group is under way.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._geometry = geometry = config.geometry
        largest = max(geometry.sizes)
        self._groups = max(geometry.groups(vector) for vector in range(len(geometry.sizes)))
        super().__init__(
            {
                "start": In(1),
                "sensing": In(1),
                "rows": In(range(largest + 1)),
                "elements": In(range(max(largest, geometry.lanes) + 1)),
                "first": In(1),
                "last": In(1),
                "arrive": In(1),
                "sums": In(data.ArrayLayout(signed(geometry.column_bits), geometry.group)),
                "row_sum": In(signed(geometry.row_bits)),
                "valid": Out(1),
                "index": Out(range(self._groups)),
                "group": Out(data.ArrayLayout(signed(geometry.sum_bits), geometry.group)),
                "mask": Out(geometry.group),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        g = self._geometry
        taken = Signal.like(self.rows, name="taken")
        slot = Signal(range(g.group), name="slot")
        gathered = Signal.like(self.group, name="gathered")
        complete = Signal(name="complete")
        index = Signal.like(self.index, name="next_index")
        left = Signal.like(self.elements, name="left")

        last_slot = (slot == g.group - 1) | (taken + 1 == self.rows)
        m.d.sync += complete.eq(self.arrive & (self.sensing | last_slot))
        with m.If(self.arrive):
            with m.If(self.sensing):
                m.d.sync += [target.eq(value) for target, value in zip(gathered, self.sums, strict=True)]
            with m.Else():
                m.d.sync += [taken.eq(taken + 1), slot.eq(Mux(last_slot, 0, slot + 1))]
                for element in range(g.group):
                    with m.If(slot == element):
                        m.d.sync += gathered[element].eq(self.row_sum)
                    with m.Elif(slot == 0):
                        m.d.sync += gathered[element].eq(0)

        finished = Signal(name="finished")
        m.d.sync += finished.eq(complete)
        m.d.comb += [
            self.valid.eq(finished & (self.sensing | self.last)),
            self.idle.eq(~complete & ~finished),
        ]
        before = self._partial(m, complete, finished) if g.folded else None
        with m.If(complete):
            m.d.sync += [
                *[
                    group.eq(gathered[element] + (0 if before is None else before[element]))
                    for element, group in enumerate(self.group)
                ],
                self.mask.eq(Cat(left > element for element in range(g.group))),
                self.index.eq(index),
                index.eq(index + 1),
                left.eq(Mux(left > g.group, left - g.group, 0)),
            ]
        with m.If(self.start):
            m.d.sync += [taken.eq(0), slot.eq(0), index.eq(0), left.eq(self.elements)]
        return m

    def _partial(self, m: Module, complete: Signal, finished: Signal) -> data.View:
        """Keep the sums of the blocks so far; return those of the group that comes next, 0 for the first block."""
        g = self._geometry
        m.submodules.partial = partial = memory.Memory(
            shape=unsigned(g.sum_bits * g.group), depth=self._groups, init=[]
        )
        read, write = partial.read_port(), partial.write_port()
        # a group may be complete in the cycle after the one before: the next one's sums are in a register, and those
        # of the one after it at the memory's output
        begun = Signal(name="begun")
        before = Signal(self.group.as_value().shape(), name="before")
        ahead = Signal.like(self.index, name="ahead")
        m.d.sync += begun.eq(self.start)
        m.d.comb += [
            read.addr.eq(Mux(self.start, 0, ahead)),
            read.en.eq(self.start | begun | complete),
            write.addr.eq(self.index),
            write.en.eq(finished & ~self.sensing & ~self.last),
            write.data.eq(self.group),
        ]
        with m.If(read.en):
            m.d.sync += ahead.eq(read.addr + 1)
        with m.If(begun | complete):
            m.d.sync += before.eq(Mux(self.sensing | self.first, 0, read.data))
        return data.View(self.group.shape(), before)
