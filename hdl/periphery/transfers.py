"""Transfers: loads and dumps; rows go through the column driver, neurons through their exchange register."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux
from amaranth.lib import wiring

from golden.sequencer import Op
from hdl.array.array_interface import ArrayOp
from hdl.gradient_memory import GradientOp
from hdl.lib.planes import wire
from hdl.periphery.blocks import Blocks
from hdl.periphery.commands import CommandPort

#: Operations that act through commands of the array.
_OF_ARRAY = {
    Op.WRITE: ArrayOp.WRITE,
    Op.READ: ArrayOp.READ,
    Op.SEED: ArrayOp.SEED,
    Op.THRESHOLDS: ArrayOp.THRESHOLDS,
}
_LOADS = (*(op for op in _OF_ARRAY if op != Op.READ), Op.LOAD_NEURONS, Op.LOAD_PULSE_TABLE)


def transfers(m: Module, blocks: Blocks, ports: Any, port: CommandPort) -> None:
    """Wire the loader to the host's streams and to all that can be loaded and dumped.

    Parameters
    ----------
    m : Module
        Where the logic goes, after that of `hdl.periphery.commands`.
    blocks : Blocks
        The blocks.
    ports : Periphery
        The periphery's ports.
    port : CommandPort
        The array's command port.
    """
    macro, loader, doing, sweep = ports.macro, blocks.loader, blocks.doing, blocks.sequencer.sweep
    columns, neurons, two_devices = blocks.columns, blocks.neurons, blocks.config.array.devices == 2
    group = blocks.config.geometry.group
    loading = wire(m, "loading", Cat(doing[op] for op in _LOADS).any())
    dumping = wire(m, "dumping", doing[Op.READ] | doing[Op.DUMP_NEURONS])
    exchanging = wire(m, "exchanging", doing[Op.LOAD_NEURONS] | doing[Op.DUMP_NEURONS])
    second = columns.drive[1][:group] if two_devices else Const(0, group)
    wiring.connect(m, wiring.flipped(ports.load), loader.load)
    m.d.comb += [
        loader.step.valid.eq(sweep.valid & (loading | dumping)),
        loader.step.last.eq(sweep.payload.last),
        loader.loading.eq(loading),
        loader.words.eq(blocks.sequencer.instruction.words),
        loader.twice.eq(doing[Op.READ] & int(two_devices)),
        ports.dump.valid.eq(loader.dump.valid),
        ports.dump.payload.eq(Mux(doing[Op.DUMP_NEURONS], neurons.exchange, Cat(columns.drive[0][:group], second))),
        loader.dump.ready.eq(ports.dump.ready),
        loader.answered.eq(exchanging | doing[Op.LOAD_PULSE_TABLE] | macro.done),
        loader.abandon.eq(loader.starved & ports.abort),
        columns.shift.eq(loader.shift & ~exchanging & ~doing[Op.LOAD_PULSE_TABLE]),
        columns.capture.eq(Mux(doing[Op.READ] & macro.done, Mux(loader.second, 2, 1), 0)),
        columns.lanes.eq(macro.lanes),
        neurons.shift.eq(loader.shift & exchanging),
        neurons.word.eq(ports.load.payload),
        neurons.put.eq(loader.act.valid & doing[Op.LOAD_NEURONS]),
        neurons.get.eq(loader.act.valid & doing[Op.DUMP_NEURONS]),
    ]
    if blocks.config.pulse.loadable:
        update = blocks.update
        m.d.comb += [update.shift.eq(loader.shift & doing[Op.LOAD_PULSE_TABLE]), update.word.eq(ports.load.payload)]
    with m.If(loading | dumping):
        m.d.comb += [sweep.ready.eq(loader.step.ready), loader.act.ready.eq(1)]
    _commands(m, blocks, macro.command.payload, port)


def _commands(m: Module, blocks: Blocks, command: Any, port: CommandPort) -> None:
    """Give the array the commands of loads and dumps; what is written loses its gradient sums."""
    act, gradient = blocks.loader.act, blocks.gradient.command
    for op, array_op in _OF_ARRAY.items():
        with m.If(blocks.doing[op]):
            m.d.comb += [port.valid.eq(act.valid), act.ready.eq(port.ready), command.op.eq(array_op)]
    with m.If(blocks.doing[Op.WRITE]):
        m.d.comb += [gradient.valid.eq(act.valid & port.ready), gradient.payload.op.eq(GradientOp.CLEAR)]
    with m.If(blocks.doing[Op.READ]):
        m.d.comb += command.coefficient.eq(blocks.loader.second)
    with m.If(blocks.doing[Op.SEED]):
        m.d.comb += command.coefficient.eq(blocks.sequencer.instruction.group[:2])
