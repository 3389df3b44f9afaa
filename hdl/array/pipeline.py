"""The array's pipeline: stages of a command, hazards between commands, and when each is answered."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream

from golden.config import MachineConfig
from hdl.array.array_interface import ArrayOp
from hdl.array.slices import Slices
from hdl.lib.planes import pipeline, reg_en, wire
from hdl.lib.ram_pipeline import When

#: Commands that change states, and those that go through the slices.
_CHANGING = (ArrayOp.PULSE, ArrayOp.INIT_RANDOM, ArrayOp.WRITE)
_SLICED = (*_CHANGING, ArrayOp.READ)


class Pipeline:
    """Stages of a command.

    0: accept. 1: states are on their way from the memory; a command to a row that changes stalls here, and reads until
    it has the new states. 2: act on them, slice by slice where they change or are read. 3: accumulate, write back. Then
    add up, and answer.

    What a command does in stages 2 and 3 is decoded a stage before: it reaches every lane.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    config : MachineConfig
        The machine.
    command : stream
        The commands, see `hdl.array.array_interface.ArraySignature`.

    Attributes
    ----------
    stall, advance : Signal(1)
        The command in stage 1 stays there, or goes on.
    stage1 : view of a command
        The command in stage 1.
    states : When
        Which row's states to read in this cycle.
    row2 : Signal
        Row of the command in stage 2.
    select2 : Signal
        Low bits of its coefficient: the device of a READ, the bank of a SEED.
    acted : Signal(1)
        The command in stage 2 goes on, its last slice done.
    slices : Slices
        Its way through the slices.
    changes : Signal(1)
        It changes states.
    answered : Signal(1)
        A command is answered in the next cycle.
    answered_row : Value
        Its row.
    answering : dict of ArrayOp to Signal(1)
        It is such a command.
    """

    def __init__(self, m: Module, config: MachineConfig, command: stream.Interface) -> None:
        self._m, self._stages = m, config.array.stages
        self._command = command.payload
        self.stall, self.advance = Signal(name="stall"), Signal(name="advance")
        self.acted = Signal(name="acted")
        self.stage1 = Signal(command.payload.shape(), name="stage1", reset_less=True)
        accept = wire(m, "accept", command.valid & command.ready)
        slicing, valid2, valid3 = Signal(name="slicing"), Signal(name="valid2"), Signal(name="valid3")
        self._valid = (accept, self.advance)
        self.slices = Slices(m, config.array, slicing)
        m.d.sync += [
            slicing.eq(self.advance & _one_of(self.stage1.op, *_SLICED)),
            valid2.eq(self.advance),
            valid3.eq(self.acted),
        ]
        m.d.comb += self.acted.eq((valid2 & ~slicing) | self.slices.last)
        with m.If(accept):
            m.d.sync += self.stage1.eq(command.payload)
        self._op2 = self._entering("op2", Value.cast(self.stage1.op))
        self.row2 = self._entering("row2", self.stage1.row)
        self.select2 = self._entering("select2", self.stage1.coefficient[: 2 if config.random.loadable else 1])
        self.changes = self.decoded("changes", *_CHANGING)
        op3, row3 = reg_en(m, "op3", self.acted, self._op2), reg_en(m, "row3", self.acted, self.row2)

        m.d.comb += command.ready.eq(self._free(accept, row3))
        self.states = When(
            accept | self.stall, wire(m, "read_row", Mux(self.stall, self.stage1.row, command.payload.row))
        )

        self.answered = valid3
        for n in range(1, self._stages):
            before, self.answered = self.answered, Signal(name=f"valid{3 + n}")
            m.d.sync += self.answered.eq(before)
        self.answered_row = self.final("row", row3)
        op = self.final("op", op3)
        self.answering = {one: wire(m, f"answering_{one.name.lower()}", self.answered & (op == one)) for one in ArrayOp}

    def active(self, op: ArrayOp, stage: int) -> Signal:
        """Whether a command is in a stage, 0 .. 3, for the first cycle; in 2 and 3 from a register."""
        m, found = self._m, Signal(name=f"{op.name.lower()}{stage}")
        if stage < 2:
            m.d.comb += found.eq(self._valid[stage] & ((self._command, self.stage1)[stage].op == op))
        elif stage == 2:
            m.d.sync += found.eq(self.advance & (self.stage1.op == op))
        else:
            m.d.sync += found.eq(self.acted & (self._op2 == op.value))
        return found

    def decoded(self, name: str, *ops: ArrayOp) -> Signal:
        """Whether the command in stage 2 is one of those, as long as it is there."""
        return self._entering(name, _one_of(self.stage1.op, *ops))

    def final(self, name: str, value: Value) -> Value:
        """Pass a value of stage 3 to the cycle before the answer."""
        return pipeline(self._m, f"final_{name}", value, self._stages - 1)

    def _entering(self, name: str, value: Value) -> Signal:
        """Register a value of the command that enters stage 2."""
        return reg_en(self._m, name, self.advance, value)

    def _free(self, accept: Signal, row3: Signal) -> Value:
        """Stall commands to rows that change; tell whether another command can be accepted.

        None is while slices are chosen.
        """
        m, stage1, slices = self._m, self.stage1, self.slices
        arrived, changed = Signal(name="arrived"), Signal(name="changed")
        m.d.sync += [changed.eq(self.acted & self.changes), arrived.eq(accept | self.stall)]
        under_way = ((slices.working & self.changes, self.row2), (changed, row3))
        hazard = Cat(change & (row == stage1.row) for change, row in under_way).any()
        m.d.comb += [self.stall.eq(arrived & hazard), self.advance.eq(arrived & ~hazard)]
        holds = self.stall
        if self._stages > 2:
            # what follows a change at once keeps others out as if it stalled: rows are not compared on the way to ready
            holds = Signal(name="holds")
            m.d.sync += holds.eq(self.changes & slices.ending & (accept | holds))
        return slices.free(accept & _one_of(self._command.op, *_SLICED), self.stall) & ~holds


def _one_of(op: Value, *ops: ArrayOp) -> Value:
    """Whether a command is one of those."""
    return Cat(op == one for one in ops).any()
