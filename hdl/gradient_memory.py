"""Leaky gradient sums in block RAM (twin of `golden/gradient_memory.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.gradient_memory import GradientParameters
from hdl.planes import Planes, add, extend, named, scale_trit, subtract


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
    idle : Signal(1), out
        No command is under way.
    """

    def __init__(self, parameters: GradientParameters, *, rows: int, lanes: int, error_bits: int) -> None:
        self._parameters = parameters
        self._rows, self._lanes = rows, lanes
        row_bits = max(1, (rows - 1).bit_length())
        command = data.StructLayout({"op": GradientOp, "row": row_bits, "coefficient": signed(error_bits)})
        sums = data.StructLayout({"row": row_bits, "sums": data.ArrayLayout(lanes, parameters.bits)})
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "drive": In(data.ArrayLayout(lanes, error_bits)),
                "row": Out(stream.Signature(sums)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        bits, lanes, command = self._parameters.bits, self._lanes, self.command.payload

        m.submodules.sums = sums = memory.Memory(shape=unsigned(bits * lanes), depth=self._rows, init=[])
        read, write = sums.read_port(), sums.write_port()

        # stage 0: accept; stage 1: the row leaves the memory; stage 2: change it, hand it on, write it back
        stage1 = Signal(command.shape(), name="stage1")
        stage2 = Signal(command.shape(), name="stage2")
        valid1, valid2 = Signal(name="valid1"), Signal(name="valid2")
        old = Signal(data.ArrayLayout(lanes, bits), name="old")
        updating = named(m, "updating", valid2 & (stage2.op == GradientOp.UPDATE))
        advance = named(m, "advance", ~updating | self.row.ready)
        m.d.comb += [self.command.ready.eq(advance), read.addr.eq(command.row), read.en.eq(advance)]
        with m.If(advance):
            m.d.sync += [
                valid1.eq(self.command.valid),
                valid2.eq(valid1),
                stage1.eq(command),
                stage2.eq(stage1),
                old.as_value().eq(read.data),
            ]

        planes = list(old)
        accumulated = self._accumulate(m, planes, stage2)
        leaked = self._leak(m, planes)
        m.d.comb += [
            self.row.valid.eq(updating),
            self.row.payload.row.eq(stage2.row),
            self.row.payload.sums.eq(old),
            self.idle.eq(~valid1 & ~valid2),
            write.addr.eq(stage2.row),
            write.en.eq(valid2 & advance),
            write.data.eq(Mux(stage2.op == GradientOp.CLEAR, 0, Mux(updating, Cat(*leaked), Cat(*accumulated)))),
        ]
        return m

    def _accumulate(self, m: Module, planes: Planes, command: data.View) -> list[Value]:
        """Planes plus coefficient * drive, saturating."""
        bits, drive = self._parameters.bits, list(self.drive)
        # a trit times the drive is the drive, negated in one's complement where the trit is negative
        negate = command.coefficient[-1].replicate(self._lanes)
        by_trit, carry_by_trit = [plane ^ negate for plane in drive], negate
        of_trits, carry_of_trits = scale_trit(command.coefficient, drive[0], drive[-1])
        trits = named(m, "trits", (command.op == GradientOp.SCALE_TRITS).replicate(self._lanes))
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
        magnitude = [named(m, f"magnitude{bit}", plane ^ sign) for bit, plane in enumerate(planes[:-1])]
        zero = sign & ~sign
        shifted = [*magnitude[self._parameters.leak :], *[zero] * len(magnitude)][: len(magnitude)]
        return [plane ^ sign for plane in subtract(m, "leak", magnitude, shifted)] + [sign]
