"""The microprogram at work (twin of `golden/sequencer.py`, which writes the program)."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, enum, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.geometry import Geometry
from golden.sequencer import Instruction, Op, Program


class HostOp(enum.Enum, shape=2):
    """Commands of the host."""

    FORM = 0  #: random weights, zero gradient sums, initial neurons
    TRAIN = 1  #: train on samples
    TEST = 2  #: classify samples


#: A command of the host: operation, number of samples, samples per mini-batch (both >= 1 but for FORM).
HostCommand = data.StructLayout({"op": HostOp, "samples": 32, "batch": 16})


def instruction_layout(geometry: Geometry) -> data.StructLayout:
    """Layout of a microprogram word, as wide as the geometry needs."""
    largest = max(*geometry.sizes, geometry.lanes, geometry.rows, geometry.vector_groups)
    number = range(largest + 1)
    return data.StructLayout(
        {
            "op": 4,
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
    geometry : Geometry
        Memory layout, for the width of the fields.
    program : Program
        The microprogram.

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
        ``index`` 0 .. n - 1, one per row or group of a FORM, RESET, SENSE, COLLECT or UPDATE.
    quiet : Signal(1), in
        Nothing is under way outside the sequencer.
    training : Signal(1), out
        The present command trains.
    running : Signal(1), out
        An operation runs whose cycles count for `instruction.phase`.
    batch_done : Signal(1), out
        One cycle after every update section.
    """

    def __init__(self, geometry: Geometry, program: Program) -> None:
        self._layout = instruction_layout(geometry)
        sections = (program.form, program.sample, program.update)
        self._rom = [encode(instruction, self._layout) for section in sections for instruction in section]
        self._entry = [0, len(program.form), len(program.form) + len(program.sample)]
        index = data.StructLayout({"index": range(max(geometry.rows, geometry.vector_groups, geometry.lanes) + 1)})
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
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.rom = rom = memory.Memory(shape=unsigned(self._layout.size), depth=len(self._rom), init=self._rom)
        read = rom.read_port()
        pc, next_pc = Signal(range(len(self._rom) + 1), name="pc"), Signal(range(len(self._rom) + 1), name="next_pc")
        m.d.comb += [
            next_pc.eq(pc),
            read.addr.eq(next_pc),
            read.en.eq(1),
            self.instruction.as_value().eq(read.data),
        ]
        m.d.sync += pc.eq(next_pc)

        samples = Signal(32, name="samples_left")
        batch, batch_left = Signal(16, name="batch"), Signal(16, name="batch_left")
        sweep_left = Signal.like(self.sweep.payload.index, name="sweep_left")
        op = self.instruction.op
        m.d.comb += self.sweep.valid.eq(sweep_left != 0)
        with m.If(self.sweep.valid & self.sweep.ready):
            m.d.sync += [self.sweep.payload.index.eq(self.sweep.payload.index + 1), sweep_left.eq(sweep_left - 1)]

        m.d.sync += self.batch_done.eq(0)
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += self.command.ready.eq(1)
                with m.If(self.command.valid):
                    m.d.sync += [
                        self.training.eq(self.command.payload.op == HostOp.TRAIN),
                        samples.eq(self.command.payload.samples),
                        batch.eq(self.command.payload.batch),
                        batch_left.eq(self.command.payload.batch),
                    ]
                    with m.If(self.command.payload.op == HostOp.FORM):
                        m.d.comb += next_pc.eq(self._entry[0])
                        m.d.sync += samples.eq(0)
                        m.next = "START"
                    with m.Else():
                        m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += next_pc.eq(self._entry[1])
                with m.If(samples == 0):
                    m.next = "IDLE"
                with m.Elif(self.available):
                    m.d.sync += [samples.eq(samples - 1), batch_left.eq(batch_left - 1)]
                    m.next = "START"
            with m.State("START"):
                m.d.comb += [self.running.eq(1), self.start.eq(1)]
                m.d.sync += self.sweep.payload.index.eq(0)
                with m.If((op == Op.SENSE) | (op == Op.RESET)):
                    m.d.sync += sweep_left.eq(self.instruction.groups)
                with m.Elif((op == Op.FORM) | (op == Op.COLLECT) | (op == Op.UPDATE)):
                    m.d.sync += sweep_left.eq(self.instruction.rows)
                m.next = "RUN"
                with m.If((op == Op.END) | ((op == Op.BRANCH) & ~(self.training & self.learn))):
                    m.next = "END"
            with m.State("RUN"):
                m.d.comb += self.running.eq(1)
                with m.If((sweep_left == 0) & self.quiet):
                    m.d.comb += next_pc.eq(pc + 1)
                    m.next = "START"
            with m.State("END"):
                with m.If(pc < self._entry[1]):
                    m.next = "IDLE"
                with m.Elif(pc < self._entry[2]):
                    m.d.comb += self.result_valid.eq(1)
                    with m.If(self.result_ready):
                        m.d.comb += self.release.eq(1)
                        m.next = "WAIT"
                        with m.If(self.training & ((batch_left == 0) | (samples == 0))):
                            m.d.comb += next_pc.eq(self._entry[2])
                            m.d.sync += batch_left.eq(batch)
                            m.next = "START"
                with m.Else():
                    m.d.sync += self.batch_done.eq(1)
                    m.next = "WAIT"
        return m
