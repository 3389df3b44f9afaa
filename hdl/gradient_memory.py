"""Leaky gradient sums in block RAM (twin of `golden/gradient_memory.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.chains import add
from hdl.lib.planes import Planes, broadcast, extend, reg_en, subtract, wire
from hdl.lib.ram_pipeline import BLOCK_RAM, When, fetched


class GradientOp(enum.Enum, shape=3):
    """Commands of the gradient memory."""

    CLEAR = 0  #: set the row's sums to zero, and clear its mask of switched lanes
    SCALE_DRIVE = 1  #: add coefficient * drive, the coefficient -1 or +1
    SCALE_TRITS = 2  #: add coefficient * drive, the drive trits
    UPDATE = 3  #: hand the row to the update unit, then let it leak
    CLEAR_SWITCHED = 4  #: set sums of switched lanes to zero, and clear the row's mask; only with reset on switch


class GradientMemory(wiring.Component):
    """One gradient sum per synapse; a row is read, changed and written back, one row per cycle.

    A command is accepted in any cycle in which `command.ready` is high; its row is written back 3 cycles later. The
    memory does not guard against a second command to a row under way: a pass visits every row once, and the sequencer
    waits for `idle` between passes.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command : stream, in
        ``op``, ``row``, ``coefficient``.
    drive : planes, in
        Column factor, signed, stable during a pass.
    row : stream, out
        For UPDATE, two cycles after the command: the row.
    row_sums : planes, out
        Of the row offered: its sums before the leak.
    switched : valid and payload, in
        After an UPDATE, for every pulse: ``row``, and the ``lanes`` that have switched. Taken in the cycle in which
        ``valid`` is high; unused without reset on switch. Those of a row follow each other; a CLEAR_SWITCHED of every
        row with switched lanes follows the pass, 2 cycles after the last one or later, and before anything accumulates.
    idle : Signal(1), out
        No command is under way.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._parameters, self._adders, self._stages = config.gradient, config.array.adders, config.array.stages
        self._rows, self._lanes = rows, lanes = config.geometry.rows, config.geometry.lanes
        error_bits = config.error.bits
        row_bits = max(1, (rows - 1).bit_length())
        command = data.StructLayout({"op": GradientOp, "row": row_bits, "coefficient": signed(error_bits)})
        switched = data.StructLayout({"lanes": lanes, "row": row_bits})
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "drive": In(data.ArrayLayout(lanes, error_bits)),
                "row": Out(stream.Signature(row_bits)),
                "row_sums": Out(data.ArrayLayout(lanes, config.gradient.bits)),
                "switched": In(wiring.Signature({"valid": Out(1), "payload": Out(switched)})),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        bits, lanes, command = self._parameters.bits, self._lanes, self.command.payload
        leaks, resets = self._parameters.leak < bits, self._parameters.reset_on_switch

        m.submodules.sums = sums = memory.Memory(
            shape=unsigned(bits * lanes), depth=self._rows, init=[], attrs=BLOCK_RAM
        )
        read, write = sums.read_port(), sums.write_port()

        # stage 0: accept; 1: the row is on its way; 2: change it and hand it on; 3: write it back
        valid = [self.command.valid, *[Signal(name=f"valid{stage}") for stage in (1, 2, 3)]]
        present = Signal(command.shape(), name="present", reset_less=True)
        # of stage 2, decoded in stage 1, because they reach every lane
        updating, clearing = Signal(name="updating"), Signal(name="clearing")
        advance = wire(m, "advance", ~updating | self.row.ready)
        m.d.sync += valid[3].eq(valid[2] & advance)
        with m.If(advance):
            m.d.sync += [
                valid[1].eq(valid[0]),
                valid[2].eq(valid[1]),
                updating.eq(valid[1] & (present.op == GradientOp.UPDATE)),
            ]
        entering = wire(m, "entering", advance & valid[0])
        with m.If(entering):
            m.d.sync += present.eq(command)
        arriving = wire(m, "arriving", advance & valid[1])
        row2 = reg_en(m, "row2", arriving, present.row)
        row3 = reg_en(m, "row3", advance & valid[2], row2)
        m.d.sync += clearing.eq(arriving & (present.op == GradientOp.CLEAR))
        early, late = When(entering, command.row), When(arriving, present.row)
        row = fetched(m, "fetched", read, early, late, stages=self._stages)
        m.d.comb += [self.row_sums.as_value().eq(row), self.row.payload.eq(row2)]

        planes = list(self.row_sums)
        changed = self._accumulate(m, planes, present, arriving)
        if resets:
            kept = wire(m, "kept", ~self._switched(m, early, late, present))
            changed = [plane & kept for plane in changed]
        new = Signal(bits * lanes, name="new", reset_less=True)
        with m.If(wire(m, "changing", valid[2] & ~updating)):
            m.d.sync += new.eq(Cat(*changed))
        rewritten: Value = valid[3]
        if leaks:
            with m.If(updating):
                m.d.sync += new.eq(Cat(*self._leak(m, planes)))
        else:
            rewritten = Signal(name="rewritten")
            m.d.sync += rewritten.eq(valid[2] & ~updating)
        with m.If(clearing):
            m.d.sync += new.eq(0)
        m.d.comb += [
            self.command.ready.eq(advance),
            self.row.valid.eq(updating),
            self.idle.eq(~valid[1] & ~valid[2] & ~valid[3]),
            write.addr.eq(row3),
            write.en.eq(rewritten),
            write.data.eq(new),
        ]
        return m

    def _switched(self, m: Module, early: When, late: When, present: data.View) -> Value:
        """Lanes of the row in stage 2 that have switched: none but in a CLEAR_SWITCHED, since only updates precede it.

        A mask is written without a look at the one before, which CLEAR_SWITCHED or CLEAR has cleared; only the
        pulses of one UPDATE to the same row, which follow each other, add up in a register,
        from which they are written.
        """
        m.submodules.switched_mask = mask = memory.Memory(
            shape=unsigned(self._lanes), depth=self._rows, init=[], attrs=BLOCK_RAM
        )
        read, write = mask.read_port(), mask.write_port()
        last = Signal.like(self.switched.payload, name="last_switched", reset_less=True)
        again = wire(m, "again", last.row == self.switched.payload.row)
        lanes = self.switched.payload.lanes | (last.lanes & broadcast(again, self._lanes))
        with m.If(self.switched.valid):
            m.d.sync += [last.row.eq(self.switched.payload.row), last.lanes.eq(lanes)]
        cleared, changed = Signal(name="mask_cleared"), Signal(name="mask_changed")
        m.d.sync += cleared.eq(
            late.enable & ((present.op == GradientOp.CLEAR_SWITCHED) | (present.op == GradientOp.CLEAR))
        )
        with m.If(cleared):
            m.d.sync += [last.row.eq(self.row.payload), last.lanes.eq(0)]
        m.d.sync += changed.eq(self.switched.valid | cleared)
        m.d.comb += [
            write.addr.eq(last.row),
            write.en.eq(changed),
            write.data.eq(last.lanes),
        ]
        return fetched(m, "fetched_mask", read, early, late, stages=self._stages)

    def _accumulate(self, m: Module, planes: Planes, present: data.View, arriving: Value) -> list[Value]:
        """Planes plus coefficient * drive, saturating; for CLEAR_SWITCHED plus 0.

        Either factor is a trit, and the product the other one, negated in one's complement where the trit is negative,
        and a carry that makes it two's complement. A common coefficient that is a trit negates the planes of the drive.
        Of a drive that is a trit all planes but the lowest are its sign, which negates the bits of the coefficient.
        """
        bits, lanes, drive = self._parameters.bits, self._lanes, list(self.drive)
        trits = Signal(name="trits", reset_less=True)
        factor = Signal(len(drive), name="factor", reset_less=True)
        coefficient, by_trit = present.coefficient, present.op == GradientOp.SCALE_DRIVE
        with m.If(arriving):
            m.d.sync += [
                trits.eq(~by_trit),
                factor.eq(Mux(by_trit, coefficient[-1].replicate(len(drive)), coefficient)),
            ]
        lowest: Value = drive[0]
        if self._parameters.reset_on_switch:
            lowest = reg_en(m, "lowest", arriving, drive[0])
            with m.If(arriving & (present.op == GradientOp.CLEAR_SWITCHED)):
                m.d.sync += lowest.eq(0)
        trit = broadcast(trits, lanes)
        there = wire(m, "there", lowest | ~trit)
        negated = [(trit & drive[-1]) | (~trit & lowest), *drive[1:]]
        term = [
            wire(m, f"term{bit}", (plane ^ broadcast(factor[bit], lanes)) & there) for bit, plane in enumerate(negated)
        ]
        carry = wire(m, "term_carry", Mux(trits, drive[-1], broadcast(factor[-1], lanes)) & there)
        total = add(m, "total", extend(planes, bits + 1), extend(term, bits + 1), carry, adders=self._adders)
        sign = wire(m, "sign", total[-1])
        over = wire(m, "over", total[-1] ^ total[-2])
        return [(over & ~sign) | (~over & plane) for plane in total[: bits - 1]] + [sign]

    def _leak(self, m: Module, planes: Planes) -> list[Value]:
        """Planes after the leak: a one's-complement magnitude loses itself shifted right."""
        sign = planes[-1]
        magnitude = [wire(m, f"magnitude{bit}", plane ^ sign) for bit, plane in enumerate(planes[:-1])]
        zero = sign & ~sign
        shifted = [*magnitude[self._parameters.leak :], *[zero] * len(magnitude)][: len(magnitude)]
        return [plane ^ sign for plane in subtract(m, "leak", magnitude, shifted)] + [sign]
