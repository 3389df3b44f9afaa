"""Commands of a bus: checked, started, watched (twin of `golden/bus/control.py`)."""

from collections.abc import Iterable

from amaranth.hdl import Array, Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.bus.control import VALID_AFTER
from golden.bus.errors import HALTING, Error
from golden.config import MachineConfig
from golden.sequencer import HostOp
from hdl.periphery.host_interface import HostSignature

#: Bits of an update shift in its register.
SHIFT_BITS = 6
#: Ports of the machine that are driven and watched here.
_OF_HOST = ("command", "update_shifts", "waiting", "abandoned", "stop", "abort", "flush")


class Control(wiring.Component):
    """Turns START into a command of the machine, or into errors, and follows the command to its end.

    A command begins 2 cycles after `start`; `done` comes 1 cycle after the last output word has been taken.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    start : Signal(1), in
        Begin what the following say.
    operation, samples, batch, timeout : Signal, in
        Fields of the registers of these names; samples and batch are the command's, and stay until it is taken.
    update_shift : one unsigned per layer, in
        log2 of the gradient sum that stands for one weight step.
    hold : Signal(1), in
        The host wants the machine to stop.
    error : Signal(15), in
        Errors that are pending.
    errors : Signal(15), out
        Errors that happen in this cycle, but for those of the bus.
    faults : Signal(3), in
        ``label``, ``short`` and ``long`` of the framer.
    busy, done : Signal(1), out
        A command is under way; it has ended, one cycle.
    pulse_table, switching_table, neurons, gradients : Signal(1), out
        State that is valid, see `golden.bus.control.VALID_AFTER`.
    command, update_shifts, waiting, abandoned, stop, abort, flush : as in `HostSignature`, seen from the other side
        The machine's.
    output_idle : Signal(1), in
        No output word waits.
    unfinished, taken : Signal(1), in
        Of the framer.
    loading, end, discard : out
        For the framer.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        layers, host = len(config.geometry.layers), HostSignature(config).flip().members
        self._words = config.program.words
        super().__init__(
            {
                "start": In(1),
                "operation": In(4),
                "samples": In(32),
                "batch": In(16),
                "timeout": In(32),
                "update_shift": In(data.ArrayLayout(SHIFT_BITS, layers)),
                "hold": In(1),
                "error": In(len(Error)),
                "errors": Out(len(Error)),
                "faults": In(3),
                "busy": Out(1),
                "done": Out(1),
                "pulse_table": Out(1),
                "switching_table": Out(1),
                "neurons": Out(1),
                "gradients": Out(1),
                **{name: host[name] for name in _OF_HOST},
                "output_idle": In(1),
                "unfinished": In(1),
                "taken": In(1),
                "loading": Out(1),
                "end": Out(range(max(self._words.values()))),
                "discard": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        idle, running = Signal(name="idle"), Signal(name="running")
        loads = _one_of(self.operation, [command for command in self._words if command.name.startswith("LOAD")])
        begin = self._begin(m, idle, loads)
        command = self.command.payload
        present, failed = Signal.like(command.op, name="present"), Signal(name="failed")
        self._watch(m, idle, running, present)
        m.d.comb += [command.op.eq(present), command.samples.eq(self.samples), command.batch.eq(self.batch)]
        valid = {name: Signal(name=f"{name}_valid", init=name.endswith("table")) for name in VALID_AFTER}
        m.d.comb += [getattr(self, name).eq(signal) for name, signal in valid.items()]
        with m.If(self.abandoned):
            m.d.sync += failed.eq(1)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += idle.eq(1)
                with m.If(begin):
                    self._latch(m, loads, present)
                    m.d.sync += failed.eq(0)
                    for name, commands in VALID_AFTER.items():
                        with m.If(_one_of(self.operation, commands)):
                            m.d.sync += valid[name].eq(0)
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.comb += self.command.valid.eq(1)
                with m.If(self.command.ready):
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += running.eq(1)
                with m.If(self.command.ready & self.output_idle):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += self.loading.eq(0)
                    for name, commands in VALID_AFTER.items():
                        with m.If(~failed & _one_of(present, commands)):
                            m.d.sync += valid[name].eq(1)
                    m.next = "IDLE"
        return m

    def _refusals(self, loads: Value) -> dict[Error, Value]:
        """Why a command cannot start."""
        op, offered = self.operation, self._config.offered_shifts
        trains, tests = op == HostOp.TRAIN, op == HostOp.TEST
        not_offered = Cat((shift < offered[0]) | (shift > offered[-1]) for shift in self.update_shift).any()
        missing = [command for command in HostOp if command.name.startswith("LOAD") and command not in self._words]
        return {
            Error.SAMPLES: (trains | tests) & (self.samples == 0),
            Error.BATCH: trains & (self.batch == 0),
            Error.UPDATE_SHIFT: trains & not_offered,
            Error.TABLE: trains & ~(self.pulse_table & self.switching_table),
            Error.LOADABLE: _one_of(op, missing),
            Error.STATE: (trains | tests) & ~(self.neurons & (self.gradients | tests)),
            Error.UNFINISHED: loads & self.unfinished,
        }

    def _begin(self, m: Module, idle: Signal, loads: Value) -> Signal:
        """Check a START; tell whether a command begins."""
        begin, exists = Signal(name="begin"), self.operation < len(HostOp)
        refusals = self._refusals(loads)
        errors = {
            Error.BUSY: self.start & ~idle,
            Error.OPERATION: self.start & idle & ~exists,
            **{error: self.start & idle & exists & why for error, why in refusals.items()},
        }
        for error in Error:
            if error in errors:
                m.d.comb += self.errors[error].eq(errors[error] & ~self.error.any())
        m.d.comb += begin.eq(self.start & idle & exists & ~Cat(refusals.values()).any() & ~self.error.any())
        return begin

    def _latch(self, m: Module, loads: Value, present: Signal) -> None:
        """Keep what a command that begins is made of."""
        op, lowest = self.operation, self._config.offered_shifts[0]
        m.d.sync += [
            present.eq(op),
            self.loading.eq(loads),
            self.end.eq(Array(max(self._words.get(command, 0) - 1, 0) for command in HostOp)[op]),
            *[
                update_shift.eq(given - lowest)
                for update_shift, given in zip(self.update_shifts, self.update_shift, strict=True)
            ],
        ]

    def _watch(self, m: Module, idle: Signal, running: Signal, present: Signal) -> None:
        """End a command early: by STOP, an error, or when its input has not come in time."""
        waited = Signal(32, name="waited")
        m.d.comb += [
            Cat(self.errors[error] for error in HALTING[:3]).eq(self.faults),
            self.errors[Error.TIMEOUT].eq(running & self.waiting & (self.timeout != 0) & (waited >= self.timeout)),
        ]
        m.d.sync += waited.eq(waited + 1)
        with m.If(~running | ~self.waiting | self.taken):
            m.d.sync += waited.eq(0)
        halted, cut = Signal(name="halted"), Signal(name="cut")
        # a command that was to end early ends, even if the reason is gone before it comes to that
        ending = Signal(name="ending")
        presents = (present == HostOp.TRAIN) | (present == HostOp.TEST)
        m.d.comb += [
            halted.eq(Cat(self.error[error] for error in HALTING).any()),
            self.stop.eq(self.hold & presents),
            cut.eq(halted | (self.hold & self.loading)),
            self.abort.eq(cut | ending),
            self.discard.eq(halted | (self.hold & (idle | self.loading)) | (ending & self.loading)),
            self.flush.eq(idle & (halted | self.hold)),
            self.busy.eq(~idle),
        ]
        m.d.sync += ending.eq(~idle & self.abort)


def _one_of(operation: Value, commands: Iterable[HostOp]) -> Value:
    """Whether an operation is one of those."""
    return Cat(operation == command for command in commands).any()
