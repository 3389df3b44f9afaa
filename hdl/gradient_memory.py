"""Leaky gradient sums in block RAM (twin of `golden/gradient_memory.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.gradient_memory import GradientParameters
from hdl.planes import Planes, add, extend, held, named, scale_trit, spread, subtract


class GradientOp(enum.Enum, shape=2):
    """Commands of the gradient memory."""

    CLEAR = 0  #: set the row to zero
    SCALE_DRIVE = 1  #: add coefficient * drive, the coefficient -1 or +1
    SCALE_TRITS = 2  #: add coefficient * drive, the drive trits
    UPDATE = 3  #: hand the row to the update unit, then let it leak


class GradientMemory(wiring.Component):
    """One gradient sum per synapse; a row is read, changed and written back, one row per cycle.

    A command is accepted in any cycle in which `command.ready` is high; its row is written back 3 cycles later. The
    memory does not guard against a second command to a row under way: a pass visits every row once, and the sequencer
    waits for `idle` between passes.

    Parameters
    ----------
    parameters : GradientParameters
        Width and leak.
    rows, lanes : int
        Shape, equal to the synapse array's.
    error_bits : int
        Width of coefficients and column drive.

    Attributes
    ----------
    command : stream, in
        ``op``, ``row``, ``coefficient``.
    drive : planes, in
        Column factor, signed, stable during a pass.
    row : stream, out
        For UPDATE, two cycles after the command: ``row`` and the planes ``sums`` before the leak.
    switched : valid and payload, in
        After an UPDATE, for every pulse: ``row``, and the ``lanes`` that have switched. Taken in the cycle in which
        ``valid`` is high; unused without reset on switch. A pass that accumulates begins only when all have been told.
    idle : Signal(1), out
        No command is under way.
    """

    def __init__(self, parameters: GradientParameters, *, rows: int, lanes: int, error_bits: int) -> None:
        self._parameters = parameters
        self._rows, self._lanes = rows, lanes
        row_bits = max(1, (rows - 1).bit_length())
        command = data.StructLayout({"op": GradientOp, "row": row_bits, "coefficient": signed(error_bits)})
        sums = data.StructLayout({"sums": data.ArrayLayout(lanes, parameters.bits), "row": row_bits})
        switched = data.StructLayout({"lanes": lanes, "row": row_bits})
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "drive": In(data.ArrayLayout(lanes, error_bits)),
                "row": Out(stream.Signature(sums)),
                "switched": In(wiring.Signature({"valid": Out(1), "payload": Out(switched)})),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        bits, lanes, command = self._parameters.bits, self._lanes, self.command.payload

        m.submodules.sums = sums = memory.Memory(shape=unsigned(bits * lanes), depth=self._rows, init=[])
        read, write = sums.read_port(), sums.write_port()

        # stage 0: accept; 1: the row leaves the memory; 2: change it and hand it on; 3: write it back
        valid = [self.command.valid, *[Signal(name=f"valid{stage}") for stage in (1, 2, 3)]]
        stage = [command, *[Signal(command.shape(), name=f"stage{n}", reset_less=True) for n in (1, 2)]]
        updating = named(m, "updating", valid[2] & (stage[2].op == GradientOp.UPDATE))
        advance = named(m, "advance", ~updating | self.row.ready)
        m.d.sync += valid[3].eq(valid[2] & advance)
        with m.If(advance):
            m.d.sync += [valid[1].eq(valid[0]), valid[2].eq(valid[1])]
        for n in range(2):
            with m.If(advance & valid[n]):
                m.d.sync += stage[n + 1].eq(stage[n])
        row3 = held(m, "row3", advance & valid[2], stage[2].row)

        stored: Value = read.data
        if self._parameters.reset_on_switch:
            rewritten = Signal(name="rewritten")
            m.d.sync += rewritten.eq(valid[2] & (stage[2].op != GradientOp.UPDATE))
            stored = stored & ~self._moved(m, read, rewritten, row3).replicate(bits)
        with m.If(named(m, "arriving", advance & valid[1])):
            m.d.sync += [self.row.payload.sums.as_value().eq(stored), self.row.payload.row.eq(stage[1].row)]
        planes = list(self.row.payload.sums)
        new = Signal(bits * lanes, name="new", reset_less=True)
        scaling = (stage[2].op == GradientOp.SCALE_DRIVE) | (stage[2].op == GradientOp.SCALE_TRITS)
        accumulated, leaked = self._accumulate(m, planes, stage[2]), self._leak(m, planes)
        with m.If(named(m, "accumulating", valid[2] & scaling)):
            m.d.sync += new.eq(Cat(*accumulated))
        with m.If(updating):
            m.d.sync += new.eq(Cat(*leaked))
        with m.If(named(m, "clearing", valid[2] & (stage[2].op == GradientOp.CLEAR))):
            m.d.sync += new.eq(0)
        m.d.comb += [
            self.command.ready.eq(advance),
            read.addr.eq(command.row),
            read.en.eq(advance & valid[0]),
            self.row.valid.eq(updating),
            self.idle.eq(~valid[1] & ~valid[2] & ~valid[3]),
            write.addr.eq(row3),
            write.en.eq(valid[3]),
            write.data.eq(new),
        ]
        return m

    def _moved(self, m: Module, sums: memory.ReadPort, rewritten: Value, row3: Value) -> Value:
        """Lanes of the row in stage 1 that have switched since their sums were last written by an accumulation.

        Their sums count as zero. An UPDATE writes such zeros back, so a row's note may then be replaced by a new one;
        only the pulses of one UPDATE to the same row, which follow each other, add up.
        """
        m.submodules.moved = moved = memory.Memory(shape=unsigned(self._lanes), depth=self._rows, init=[])
        read, write = moved.read_port(), moved.write_port()
        last = Signal.like(self.switched.payload, name="last_switched", reset_less=True)
        lasting = Signal(name="lasting")
        again = named(m, "again", lasting & (last.row == self.switched.payload.row))
        lanes = self.switched.payload.lanes | (last.lanes & spread(again, self._lanes))
        with m.If(self.switched.valid):
            m.d.sync += [last.row.eq(self.switched.payload.row), last.lanes.eq(lanes), lasting.eq(1)]
        with m.If(rewritten):
            m.d.sync += lasting.eq(0)
        m.d.comb += [
            read.addr.eq(sums.addr),
            read.en.eq(sums.en),
            write.addr.eq(Mux(rewritten, row3, self.switched.payload.row)),
            write.en.eq(rewritten | self.switched.valid),
            write.data.eq(Mux(rewritten, 0, lanes)),
        ]
        return read.data

    def _accumulate(self, m: Module, planes: Planes, command: data.View) -> list[Value]:
        """Planes plus coefficient * drive, saturating."""
        bits, drive = self._parameters.bits, list(self.drive)
        # a trit times the drive is the drive, negated in one's complement where the trit is negative
        negate = spread(command.coefficient[-1], self._lanes)
        by_trit, carry_by_trit = [plane ^ negate for plane in drive], negate
        of_trits, carry_of_trits = scale_trit(command.coefficient, drive[0], drive[-1])
        trits = named(m, "trits", spread(command.op == GradientOp.SCALE_TRITS, self._lanes))
        term = [
            named(m, f"term{bit}", (trits & a) | (~trits & b))
            for bit, (a, b) in enumerate(zip(of_trits, by_trit, strict=True))
        ]
        carry = named(m, "term_carry", (trits & carry_of_trits) | (~trits & carry_by_trit))
        total = add(m, "total", extend(planes, bits + 1), extend(term, bits + 1), carry)
        sign = named(m, "sign", total[-1])
        over = named(m, "over", total[-1] ^ total[-2])
        return [(over & ~sign) | (~over & plane) for plane in total[: bits - 1]] + [sign]

    def _leak(self, m: Module, planes: Planes) -> list[Value]:
        """Planes after the leak: a one's-complement magnitude loses itself shifted right."""
        sign = planes[-1]
        if self._parameters.leak == self._parameters.bits:
            return list(planes)
        magnitude = [named(m, f"magnitude{bit}", plane ^ sign) for bit, plane in enumerate(planes[:-1])]
        zero = sign & ~sign
        shifted = [*magnitude[self._parameters.leak :], *[zero] * len(magnitude)][: len(magnitude)]
        return [plane ^ sign for plane in subtract(m, "leak", magnitude, shifted)] + [sign]
