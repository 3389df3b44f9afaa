"""The host's side: commands, samples, predictions and what the host is to know."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from hdl.periphery.blocks import Blocks


def host(m: Module, blocks: Blocks, ports: Any) -> None:
    """Connect the ports of the host but for loads and dumps.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    blocks : Blocks
        The blocks.
    ports : Periphery
        The periphery's ports.
    """
    sequencer, inputs, errors, loader = blocks.sequencer, blocks.inputs, blocks.errors, blocks.loader
    wiring.connect(m, wiring.flipped(ports.command), sequencer.command)
    wiring.connect(m, wiring.flipped(ports.samples), inputs.samples)
    m.d.comb += [
        sequencer.available.eq(inputs.available),
        inputs.release.eq(sequencer.release),
        inputs.drop.eq(ports.drop),
        inputs.flush.eq(ports.flush),
        # the largest output may not have come through yet
        ports.results.valid.eq(sequencer.result_valid & errors.idle),
        ports.results.payload.prediction.eq(errors.prediction),
        ports.results.payload.label.eq(inputs.label),
        sequencer.result_ready.eq(ports.results.ready & errors.idle),
        sequencer.learn.eq(errors.learn),
        sequencer.stop.eq(ports.stop),
        sequencer.abort.eq(ports.abort),
        sequencer.abandon.eq(loader.abandon),
        blocks.update.update_shift.eq(ports.update_shifts[sequencer.instruction.layer]),
        ports.batch_done.eq(sequencer.batch_done),
        ports.last.eq(sequencer.last | loader.last),
        ports.waiting.eq(sequencer.waiting | loader.starved),
        ports.abandoned.eq(loader.abandon),
        ports.counter.eq(blocks.counters.counter),
        ports.count.eq(blocks.counters.count),
    ]
