"""Commands: vectors go to the drivers, and from them, or row by row, to the array and the gradient memory."""

from typing import Any, NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from golden.sequencer import Op
from hdl.array.array_interface import ArrayOp
from hdl.gradient_memory import GradientOp
from hdl.lib.planes import extend, wire
from hdl.periphery.blocks import Blocks

#: Most array commands that may be under way.
OUTSTANDING = 63


class CommandPort(NamedTuple):
    """The array's command port, shared by all that give commands.

    Attributes
    ----------
    valid : Signal(1)
        A command is given; assigned by the operation that is in charge.
    ready : Signal(1)
        A command that is given would be accepted.
    accepted : Signal(1)
        A command is accepted.
    idle : Value
        No command is under way.
    """

    valid: Signal
    ready: Signal
    accepted: Signal
    idle: Value


def commands(m: Module, blocks: Blocks, ports: Any) -> CommandPort:
    """Wire the drivers, and give the commands of all operations but loads and dumps.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    blocks : Blocks
        The blocks.
    ports : Periphery
        The periphery's ports.

    Returns
    -------
    CommandPort
        The array's command port.
    """
    macro, gradient, update = ports.macro, blocks.gradient, blocks.update
    _drivers(m, blocks, ports)
    port = _command_port(m, macro)
    m.d.comb += [
        macro.command.payload.row.eq(blocks.row),
        macro.increase.eq(update.pulse.payload.increase),
        macro.codes.eq(update.pulse.payload.codes),
        gradient.command.payload.row.eq(blocks.row),
        gradient.switched.valid.eq(macro.done & blocks.doing[Op.UPDATE]),
        gradient.switched.payload.row.eq(macro.row),
        gradient.switched.payload.lanes.eq(macro.lanes),
    ]
    wiring.connect(m, gradient.row, update.row)
    m.d.comb += update.row_sums.eq(gradient.row_sums)
    _operations(m, blocks, macro, port)
    return port


def _drivers(m: Module, blocks: Blocks, ports: Any) -> None:
    """Let the drivers read vectors; they never run at the same time."""
    sequencer, inputs, vectors = blocks.sequencer, blocks.inputs, blocks.vectors
    rows, columns, doing = blocks.rows, blocks.columns, blocks.doing
    group, instruction = blocks.config.geometry.group, sequencer.instruction
    address = wire(m, "address", Mux(columns.busy, columns.address, rows.address))
    m.d.comb += [
        inputs.address.eq(address),
        vectors.address.eq(address),
        vectors.errors.eq(blocks.from_errors),
        rows.start.eq(sequencer.start & (doing[Op.ACCUMULATE] | doing[Op.GRADIENT])),
        rows.first.eq(instruction.group),
        rows.groups.eq(instruction.groups),
        rows.row.eq(instruction.row),
        columns.start.eq(sequencer.start & doing[Op.DRIVE]),
        columns.first.eq(instruction.group),
        ports.macro.drive.eq(columns.drive),
        blocks.gradient.drive.eq(columns.drive),
    ]
    word = wire(m, "word", Mux(blocks.from_input, inputs.word.as_value(), vectors.word.as_value()))
    loaded = extend([ports.load.payload[:group], ports.load.payload[group:]], blocks.config.error.bits)
    m.d.comb += [
        rows.word.as_value().eq(word),
        columns.word.as_value().eq(Mux(columns.shift, Cat(*loaded), word)),
    ]


def _command_port(m: Module, macro: Any) -> CommandPort:
    """Count the commands under way, and accept no more than the counter holds."""
    outstanding = Signal(range(OUTSTANDING + 1), name="outstanding")
    room = wire(m, "room", outstanding != OUTSTANDING)
    ready = wire(m, "array_ready", macro.command.ready & room)
    accepted = wire(m, "accepted", macro.command.valid & macro.command.ready)
    valid = Signal(name="array_valid")
    m.d.comb += macro.command.valid.eq(valid & room)
    m.d.sync += outstanding.eq(outstanding + accepted - macro.done)
    return CommandPort(valid, ready, accepted, outstanding == 0)


def _operations(m: Module, blocks: Blocks, macro: Any, port: CommandPort) -> None:
    """Let the block that the operation puts in charge give commands to the array and the gradient memory."""
    sweep, event, pulse = blocks.sequencer.sweep, blocks.rows.event, blocks.update.pulse
    command, gradient = macro.command.payload, blocks.gradient.command
    with m.Switch(blocks.sequencer.instruction.op):
        with m.Case(Op.INIT_RANDOM):
            # the gradient memory is always ready, since no row waits for the update unit
            m.d.comb += [
                port.valid.eq(sweep.valid),
                gradient.valid.eq(sweep.valid & port.ready),
                gradient.payload.op.eq(GradientOp.CLEAR),
                sweep.ready.eq(port.ready),
                command.op.eq(ArrayOp.INIT_RANDOM),
            ]
        with m.Case(Op.RESET):
            m.d.comb += sweep.ready.eq(1)
        with m.Case(Op.ACCUMULATE):
            m.d.comb += [
                port.valid.eq(event.valid),
                event.ready.eq(port.ready),
                command.op.eq(ArrayOp.DRIVE_ROW),
                command.row.eq(event.payload.row),
                command.coefficient.eq(event.payload.coefficient),
            ]
        with m.Case(Op.SENSE_COLUMNS, Op.SENSE_ROWS):
            m.d.comb += [
                port.valid.eq(sweep.valid),
                sweep.ready.eq(port.ready),
                command.op.eq(Mux(blocks.doing[Op.SENSE_COLUMNS], ArrayOp.SENSE_COLUMNS, ArrayOp.SENSE_ROW)),
            ]
        with m.Case(Op.GRADIENT):
            m.d.comb += [
                gradient.valid.eq(event.valid),
                event.ready.eq(gradient.ready),
                gradient.payload.op.eq(Mux(blocks.from_errors, GradientOp.SCALE_TRITS, GradientOp.SCALE_DRIVE)),
                gradient.payload.row.eq(event.payload.row),
                gradient.payload.coefficient.eq(event.payload.coefficient),
            ]
        with m.Case(Op.UPDATE):
            m.d.comb += [
                gradient.valid.eq(sweep.valid),
                sweep.ready.eq(gradient.ready),
                gradient.payload.op.eq(GradientOp.UPDATE),
                port.valid.eq(pulse.valid),
                pulse.ready.eq(port.ready),
                command.op.eq(ArrayOp.PULSE),
                command.row.eq(pulse.payload.row),
            ]
        with m.Case(Op.CLEAR_SWITCHED):
            m.d.comb += [
                gradient.valid.eq(sweep.valid),
                sweep.ready.eq(gradient.ready),
                gradient.payload.op.eq(GradientOp.CLEAR_SWITCHED),
            ]
