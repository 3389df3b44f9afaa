"""Row driver and column driver (twin of `golden/drivers.py`)."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.planes import any_of, shift_in


class RowDriver(wiring.Component):
    """Walks through a vector in memory and emits its non-zero elements, one event per cycle.

    The first event appears 3 cycles after `start`; a group without events takes one cycle. Groups are fetched while
    the events of the group before are emitted.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    start : Signal(1), in
        Begin; accepted when not `busy`.
    first, groups, row : in
        First memory word, number of words, row of the first element; valid with `start`.
    address : out
        Word to read; `word` answers in the next cycle.
    word : planes, in
        The elements at the address of the cycle before, signed.
    event : stream, out
        ``row``, ``coefficient``, in ascending row order.
    busy : Signal(1), out
        Events are left.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._group = group = config.geometry.group
        value_bits, depth = config.error.bits, config.geometry.vector_depth
        row_bits = max(1, (config.geometry.rows - 1).bit_length())
        event = data.StructLayout({"row": row_bits, "coefficient": signed(value_bits)})
        super().__init__(
            {
                "start": In(1),
                "first": In(range(depth)),
                "groups": In(range(depth + 1)),
                "row": In(row_bits),
                "address": Out(range(depth)),
                "word": In(data.ArrayLayout(group, value_bits)),
                "event": Out(stream.Signature(event)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        group = self._group
        at = Signal.like(self.address, name="at")
        left = Signal.like(self.groups, name="left")
        row = Signal.like(self.row, name="next_row")
        fetched = Signal(name="fetched")
        mask = Signal(group, name="mask")
        values = Signal.like(self.word, name="values", reset_less=True)
        base = Signal.like(self.row, name="base")

        lowest = Signal(group, name="lowest")
        rest = Signal(group, name="rest")
        take = Signal(name="take")
        emitted = self.event.valid & self.event.ready
        m.d.comb += [
            lowest.eq(mask & (~mask + 1)),
            rest.eq(mask & ~lowest),
            take.eq(fetched & (left != 0) & ((mask == 0) | ((rest == 0) & emitted))),
            self.address.eq(at + take),
            self.busy.eq((left != 0) | (mask != 0)),
            self.event.valid.eq(mask != 0),
        ]
        # the lowest element's number: bit b is set where the elements with that bit set hold it
        numbers = [sum(1 << e for e in range(group) if e >> bit & 1) for bit in range((group - 1).bit_length())]
        index = Cat((lowest & elements).any() for elements in numbers)
        m.d.comb += [
            self.event.payload.row.eq(base + index),
            self.event.payload.coefficient.eq(Cat((lowest & plane).any() for plane in values).as_signed()),
        ]

        with m.If(emitted):
            m.d.sync += mask.eq(rest)
        m.d.sync += fetched.eq(left != 0)
        with m.If(take):
            m.d.sync += [
                mask.eq(any_of(list(self.word), group)),
                values.eq(self.word),
                base.eq(row),
                row.eq(row + group),
                at.eq(at + 1),
                left.eq(left - 1),
            ]
        with m.If(self.start):
            m.d.sync += [at.eq(self.first), left.eq(self.groups), row.eq(self.row), fetched.eq(0)]
        return m


class ColumnDriver(wiring.Component):
    """Holds the column drive as bit-planes and loads it from memory, one group per cycle.

    A load of g groups takes g + 2 cycles from `start`; it must fill all lanes. The same register takes the host's words
    in, group by group, and gives device states out.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    start : Signal(1), in
        Begin; accepted when not `busy`.
    first : in
        First memory word, valid with `start`.
    address : out
        Word to read; `word` answers in the next cycle.
    word : planes, in
        The elements at the address of the cycle before, or to shift in, signed.
    shift : Signal(1), in
        Shift `word` in, lowest lanes out; not while `busy`.
    capture : Signal(2), in
        Load plane 0, or plane 1, from `lanes`; not while `busy`.
    lanes : Signal(lanes), in
        One bit per lane.
    drive : planes, out
        The column drive.
    busy : Signal(1), out
        Loading.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._lanes, self._group = lanes, group = config.geometry.lanes, config.geometry.group
        value_bits, depth = config.error.bits, config.geometry.vector_depth
        super().__init__(
            {
                "start": In(1),
                "first": In(range(depth)),
                "address": Out(range(depth)),
                "word": In(data.ArrayLayout(group, value_bits)),
                "shift": In(1),
                "capture": In(2),
                "lanes": In(lanes),
                "drive": Out(data.ArrayLayout(lanes, value_bits)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        groups = self._lanes // self._group
        left = Signal(range(groups + 1), name="left")
        fetched = Signal(name="fetched")
        # a register per plane: a simulator then changes one without copying all
        drive = [Signal.like(plane, name=f"drive{bit}") for bit, plane in enumerate(self.drive)]
        m.d.comb += [self.busy.eq((left != 0) | fetched), *map(Value.eq, self.drive, drive)]
        m.d.sync += fetched.eq(left != 0)
        with m.If(left != 0):
            m.d.sync += [self.address.eq(self.address + 1), left.eq(left - 1)]
        with m.If(fetched | self.shift):
            shift_in(m, drive, list(self.word))
        for plane in range(2):
            with m.If(self.capture[plane]):
                m.d.sync += drive[plane].eq(self.lanes)
        with m.If(self.start):
            m.d.sync += [self.address.eq(self.first), left.eq(groups)]
        return m
