"""The microprogram at work (twin of `golden/sequencer.py`, which writes the program)."""

import itertools
from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from golden.geometry import Geometry
from golden.sequencer import HostOp, Instruction, Op

#: A command of the host: operation, number of samples, samples per mini-batch (both >= 1 for TRAIN and TEST). An
#: operation that the machine does not have must not be given.
HostCommand = data.StructLayout({"op": HostOp, "samples": 32, "batch": 16})

#: Field that says how long an operation sweeps, and the operations.
_SWEPT = {
    "groups": (Op.SENSE_COLUMNS, Op.RESET, Op.LOAD_NEURONS, Op.DUMP_NEURONS),
    "rows": (
        *(Op.INIT_RANDOM, Op.SENSE_ROWS, Op.UPDATE, Op.CLEAR_SWITCHED),
        *(Op.WRITE, Op.READ, Op.SEED, Op.LOAD_PULSE_TABLE, Op.THRESHOLDS),
    ),
}


def instruction_layout(geometry: Geometry, instructions: Sequence[Instruction]) -> data.StructLayout:
    """Layout of a microprogram word, as wide as the geometry and the instructions need."""
    needed = [getattr(instruction, name) for instruction in instructions for name in ("groups", "rows", "words")]
    number = range(max(*geometry.sizes, geometry.lanes, geometry.rows, geometry.vector_groups, *needed) + 1)
    return data.StructLayout(
        {
            "op": 5,
            "phase": 3,
            "source": 2,
            "unit": 2,
            "group": number,
            "groups": number,
            "row": number,
            "rows": number,
            "elements": number,
            "layer": range(len(geometry.layers)) if len(geometry.layers) > 1 else 1,
            "first": 1,
            "last": 1,
            "words": number,
        }
    )


def encode(instruction: Instruction, layout: data.StructLayout) -> int:
    """Encode one instruction as a word of the ROM."""
    word = 0
    for name, field in layout:
        word |= int(getattr(instruction, str(name))) << field.offset
    return word


class Sequencer(wiring.Component):
    """Runs the microprogram: per sample the sample section, per mini-batch the update section.

    An instruction takes 1 cycle to start and then its own, until everything under way is done. The host gives
    one command and waits for `ready` again; between the samples of a command nothing is needed from it.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command : stream, in
        The host's commands.
    available : Signal(1), in
        A sample is in the input buffer.
    release : Signal(1), out
        The present sample is done.
    result_valid : Signal(1), out
        The present sample's prediction is final.
    result_ready : Signal(1), in
        The prediction has been taken.
    learn : Signal(1), in
        The present sample has an error to learn from.
    instruction : view of `instruction_layout`, out
        The present instruction, stable while it runs.
    start : Signal(1), out
        First cycle of the present instruction.
    sweep : stream, out
        ``index`` 0 .. n - 1, ``last`` with n - 1, one per row or group of an INIT_RANDOM, RESET, SENSE_COLUMNS,
        SENSE_ROWS, UPDATE or CLEAR_SWITCHED, one per row, group, bit or word of a load or dump.
    quiet : Signal(1), in
        Nothing is under way outside the sequencer.
    training : Signal(1), out
        The present command trains.
    running : Signal(1), out
        An operation runs whose cycles count for `instruction.phase`.
    batch_done : Signal(1), out
        One cycle after every update section.
    last : Signal(1), out
        With `result_valid`: of the command's last sample.
    waiting : Signal(1), out
        The command needs a sample and there is none.
    stop : Signal(1), in
        Begin no further sample; a mini-batch that is not complete is written.
    abort : Signal(1), in
        End the command where it would wait for a sample; a mini-batch that is not complete is not written.
    abandon : Signal(1), in
        End the command in the middle of a load.
    """

    def __init__(self, config: MachineConfig) -> None:
        geometry, program = config.geometry, config.program
        sections = (program.initialise, program.sample, program.update, *program.transfers.values())
        instructions = [instruction for section in sections for instruction in section]
        self._layout = instruction_layout(geometry, instructions)
        self._rom = [encode(instruction, self._layout) for instruction in instructions]
        self._entry = list(itertools.accumulate((len(section) for section in sections), initial=0))
        self._transfers = dict(zip(program.transfers, self._entry[3:], strict=False))
        index = data.StructLayout({"index": self._layout["rows"].shape, "last": 1})
        super().__init__(
            {
                "command": In(stream.Signature(HostCommand)),
                "available": In(1),
                "release": Out(1),
                "result_valid": Out(1),
                "result_ready": In(1),
                "learn": In(1),
                "instruction": Out(self._layout),
                "start": Out(1),
                "sweep": Out(stream.Signature(index)),
                "quiet": In(1),
                "training": Out(1),
                "running": Out(1),
                "batch_done": Out(1),
                "last": Out(1),
                "waiting": Out(1),
                "stop": In(1),
                "abort": In(1),
                "abandon": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        r = _Registers(self.sweep.payload.index, len(self._rom))
        self._fetch(m, r)
        with m.If(self.sweep.valid & self.sweep.ready):
            m.d.sync += [r.sweep_index.eq(r.sweep_index + 1), r.sweep_left.eq(r.sweep_left - 1)]
        m.d.comb += [
            self.sweep.valid.eq(r.sweep_left != 0),
            self.sweep.payload.index.eq(r.sweep_index),
            self.sweep.payload.last.eq(r.sweep_left == 1),
        ]
        m.d.sync += self.batch_done.eq(0)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                self._idle(m, r)
            with m.State("WAIT"):
                self._wait(m, r)
            with m.State("START"):
                self._start(m, r)
            with m.State("RUN"):
                self._run(m, r)
            with m.State("END"):
                self._end(m, r)
        return m

    def _fetch(self, m: Module, r: "_Registers") -> None:
        """Read the instruction at the program counter."""
        m.submodules.rom = rom = memory.Memory(shape=unsigned(self._layout.size), depth=len(self._rom), init=self._rom)
        read = rom.read_port()
        m.d.comb += [
            r.next_pc.eq(r.pc),
            read.addr.eq(r.next_pc),
            read.en.eq(1),
            self.instruction.as_value().eq(read.data),
        ]
        m.d.sync += [r.pc.eq(r.next_pc), r.after_pc.eq(r.next_pc + 1)]

    def _idle(self, m: Module, r: "_Registers") -> None:
        """Accept a command."""
        command = self.command.payload
        m.d.comb += self.command.ready.eq(1)
        with m.If(self.command.valid):
            m.d.sync += [
                self.training.eq(command.op == HostOp.TRAIN),
                r.samples.eq(command.samples),
                r.exhausted.eq(command.samples == 0),
                r.begun.eq(0),
                r.batch_complete.eq(0),
                r.batch.eq(command.batch),
                r.batch_left.eq(command.batch),
            ]
            with m.If((command.op == HostOp.TRAIN) | (command.op == HostOp.TEST)):
                m.next = "WAIT"
            with m.Else():
                m.d.comb += r.next_pc.eq(self._entry[0])
                m.next = "START"
            for transfer, entry in self._transfers.items():
                with m.If(command.op == transfer):
                    m.d.comb += r.next_pc.eq(entry)

    def _wait(self, m: Module, r: "_Registers") -> None:
        """Wait for the next sample, if there is to be one."""
        m.d.comb += r.next_pc.eq(self._entry[1])
        m.d.comb += self.waiting.eq(~r.exhausted & ~self.available)
        with m.If(r.exhausted):
            m.next = "IDLE"
        with m.Elif(self.stop):
            m.d.sync += [r.exhausted.eq(1), r.begun.eq(0), r.batch_complete.eq(0)]
            m.next = "IDLE"
            with m.If(self.training & r.begun):
                m.d.comb += r.next_pc.eq(self._entry[2])
                m.next = "START"
        with m.Elif(self.waiting & self.abort):
            m.next = "IDLE"
        with m.Elif(self.available):
            m.d.sync += [
                r.samples.eq(r.samples - 1),
                r.exhausted.eq(r.samples == 1),
                r.batch_left.eq(r.batch_left - 1),
                r.begun.eq(1),
                r.batch_complete.eq(r.batch_left == 1),
            ]
            m.next = "START"

    def _start(self, m: Module, r: "_Registers") -> None:
        """Begin an instruction."""
        op = self.instruction.op
        m.d.comb += [self.running.eq(1), self.start.eq(1)]
        m.d.sync += r.sweep_index.eq(0)
        for number, ops in _SWEPT.items():
            with m.If(Cat(op == swept for swept in ops).any()):
                m.d.sync += r.sweep_left.eq(getattr(self.instruction, number))
        m.next = "RUN"
        with m.If((op == Op.END) | ((op == Op.BRANCH) & ~(self.training & self.learn))):
            m.next = "END"

    def _run(self, m: Module, r: "_Registers") -> None:
        """Wait until everything of an instruction is done."""
        m.d.comb += self.running.eq(1)
        with m.If((r.sweep_left == 0) & self.quiet):
            m.d.comb += r.next_pc.eq(r.after_pc)
            m.next = "START"
        with m.If(self.abandon):
            m.d.sync += r.sweep_left.eq(0)
            m.next = "IDLE"

    def _end(self, m: Module, r: "_Registers") -> None:
        """Leave a section."""
        with m.If((r.pc < self._entry[1]) | (r.pc >= self._entry[3])):
            m.next = "IDLE"
        with m.Elif(r.pc < self._entry[2]):
            m.d.comb += [self.result_valid.eq(1), self.last.eq(r.exhausted)]
            with m.If(self.result_ready):
                m.d.comb += self.release.eq(1)
                m.next = "WAIT"
                with m.If(self.training & (r.batch_complete | r.exhausted)):
                    m.d.comb += r.next_pc.eq(self._entry[2])
                    m.d.sync += [r.batch_left.eq(r.batch), r.begun.eq(0), r.batch_complete.eq(0)]
                    m.next = "START"
        with m.Else():
            m.d.sync += self.batch_done.eq(1)
            m.next = "WAIT"


class _Registers:
    """What the sequencer remembers besides its state.

    Parameters
    ----------
    index : Signal
        A number as wide as the rows or groups of an instruction.
    depth : int
        Instructions.

    Attributes
    ----------
    pc, next_pc, after_pc : Signal
        Address of the present instruction, of the one in the next cycle, and of the one behind that.
    samples, batch, batch_left : Signal
        Samples of the command that are left, samples per mini-batch, and those of the present one that are left.
    exhausted, begun, batch_complete : Signal(1)
        No sample is left; samples of a mini-batch have been worked on; all of them have.
    sweep_index, sweep_left : Signal
        The row or group that is next, and how many of the instruction are left.
    """

    def __init__(self, index: Signal, depth: int) -> None:
        self.pc, self.next_pc = Signal(range(depth + 1), name="pc"), Signal(range(depth + 1), name="next_pc")
        self.after_pc = Signal.like(self.pc, name="after_pc")
        self.samples = Signal(32, name="samples_left")
        self.batch, self.batch_left = Signal(16, name="batch"), Signal(16, name="batch_left")
        self.exhausted, self.begun = Signal(name="exhausted"), Signal(name="begun")
        self.batch_complete = Signal(name="batch_complete")
        self.sweep_index = Signal.like(index, name="sweep_index")
        self.sweep_left = Signal.like(index, name="sweep_left")
