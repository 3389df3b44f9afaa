"""Events: what the counters count."""

from typing import Any

from amaranth.hdl import Module

from golden.sequencer import Op, Phase
from hdl.array.array_interface import ArrayOp
from hdl.periphery.blocks import Blocks
from hdl.periphery.commands import CommandPort


def events(m: Module, blocks: Blocks, ports: Any, port: CommandPort) -> None:
    """Connect the event counters.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    blocks : Blocks
        The blocks.
    ports : Periphery
        The periphery's ports.
    port : CommandPort
        The array's command port.
    """
    add, macro, sequencer = blocks.counters.increments, ports.macro, blocks.sequencer
    command, instruction = macro.command.payload, sequencer.instruction
    phase = {phase: sequencer.running & (instruction.phase == phase) for phase in Phase}
    passes = {"forward": instruction.phase == Phase.FORWARD, "backward": instruction.phase == Phase.BACKWARD}
    taken, result = ports.results.valid & ports.results.ready, ports.results.payload
    gradient_accepted = blocks.gradient.command.valid & blocks.gradient.command.ready
    m.d.comb += [
        add.cycles_wait.eq(~sequencer.running | phase[Phase.WAIT]),
        add.cycles_init.eq(phase[Phase.INIT]),
        add.cycles_forward.eq(phase[Phase.FORWARD]),
        add.cycles_backward.eq(phase[Phase.BACKWARD]),
        add.cycles_gradient.eq(phase[Phase.GRADIENT]),
        add.cycles_update.eq(phase[Phase.UPDATE]),
        add.samples.eq(taken),
        add.correct.eq(taken & (result.prediction == result.label)),
        add.updates.eq(sequencer.batch_done),
        add.gradient_rows.eq(gradient_accepted & (instruction.op == Op.GRADIENT)),
        add.update_rows.eq(gradient_accepted & (instruction.op == Op.UPDATE)),
        add.rows_initialised.eq(port.accepted & (command.op == ArrayOp.INIT_RANDOM)),
        add.rows_pulsed.eq(port.accepted & (command.op == ArrayOp.PULSE)),
        add.rows_written.eq(port.accepted & (command.op == ArrayOp.WRITE)),
        add.rows_read.eq(port.accepted & (command.op == ArrayOp.READ)),
    ]
    for name, active in passes.items():
        m.d.comb += [
            add[f"{name}_rows_driven"].eq(port.accepted & active & (command.op == ArrayOp.DRIVE_ROW)),
            add[f"{name}_rows_sensed"].eq(port.accepted & active & (command.op == ArrayOp.SENSE_ROW)),
            add[f"{name}_groups_sensed"].eq(port.accepted & active & (command.op == ArrayOp.SENSE_COLUMNS)),
        ]
        with m.If(macro.done & active):
            m.d.comb += add[f"{name}_products"].eq(macro.products)
    with m.If(macro.done):
        m.d.comb += [
            add.pulses.eq(macro.pulses),
            add.pulse_width.eq(macro.pulse_width),
            add.switches.eq(macro.switches),
        ]
