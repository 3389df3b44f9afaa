"""Commands in the pipeline of the emulated array, cycle by cycle, simulated."""

from dataclasses import dataclass
from typing import Any

from amaranth.sim import (
    Simulator,
    SimulatorContext,  # pyright: ignore[reportAttributeAccessIssue]  missing from the stubs
)
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gen import config
from gen.blocks import BLOCKS
from golden.config import MachineConfig, variant
from hdl.array.array_interface import ArrayOp

_COMMANDS = (
    (ArrayOp.PULSE, 5),
    (ArrayOp.DRIVE_ROW, 5),
    (ArrayOp.DRIVE_ROW, 6),
    (ArrayOp.PULSE, 7),
    (ArrayOp.SENSE_ROW, 6),
)
_SLICED = (ArrayOp.PULSE, ArrayOp.INIT_RANDOM, ArrayOp.WRITE, ArrayOp.READ)
_COLOURS = {
    "0": "white",
    "1": "lightblue",
    "stall": "lightcoral",
    "2": "moccasin",
    "3": "lightgreen",
    "done": "lightgrey",
}
_LEGEND = (
    "0 accepted    1 states on their way from memory    "
    "2 act, slice by slice    3 accumulate, write back    done: answer"
)


@dataclass(frozen=True)
class Passage:
    """Cycles in which a command is offered, taken and answered."""

    offered: int
    taken: int
    done: int


def passages(machine: MachineConfig) -> list[Passage]:
    """Simulate the array: every command is offered as soon as the one before is taken."""
    array: Any = BLOCKS["synapse_array"](machine)
    taken: list[int] = []
    done: list[int] = []

    async def periphery(context: SimulatorContext) -> None:
        cycle = 0
        while len(done) < len(_COMMANDS):
            offered = len(taken) < len(_COMMANDS)
            context.set(array.macro.command.valid, offered)
            if offered:
                op, row = _COMMANDS[len(taken)]
                context.set(array.macro.command.payload, {"op": op, "row": row, "coefficient": 1})
            if context.get(array.macro.done):
                done.append(cycle)
            if offered and context.get(array.macro.command.ready):
                taken.append(cycle)
            await context.tick()
            cycle += 1

    simulator = Simulator(array)
    simulator.add_clock(1e-8)
    simulator.add_testbench(periphery)
    simulator.run()
    offered = [0, *(cycle + 1 for cycle in taken[:-1])]
    return [Passage(*cycles) for cycles in zip(offered, taken, done, strict=True)]


def _stages(machine: MachineConfig, op: ArrayOp, passage: Passage) -> list[str]:
    """Stage of a command in every cycle from its acceptance to its answer."""
    acting = machine.array_writing if op in _SLICED else 1
    stalled = passage.done - passage.taken - acting - 3
    return ["0", *["stall"] * stalled, "1", *["2"] * acting, "3", "done"]


def _panel(panel: Any, machine: MachineConfig) -> None:
    """Draw the commands below one another, cycles to the right."""
    found = passages(machine)
    for line, ((op, _), passage) in enumerate(zip(_COMMANDS, found, strict=True)):
        for cycle in range(passage.offered, passage.taken):
            panel.text(cycle + 0.5, line + 0.5, "not ready", ha="center", va="center", fontsize=5.5, color="grey")
        for cycle, stage in enumerate(_stages(machine, op, passage), start=passage.taken):
            panel.add_patch(Rectangle((cycle, line), 1, 1, facecolor=_COLOURS[stage], edgecolor="black", linewidth=0.6))
            panel.text(cycle + 0.5, line + 0.5, stage, ha="center", va="center", fontsize=8)
    panel.set(
        xlim=(0, found[-1].done + 1),
        ylim=(len(_COMMANDS), 0),
        yticks=[line + 0.5 for line in range(len(_COMMANDS))],
        yticklabels=[f"{op.name} {row}" for op, row in _COMMANDS],
        xticks=[cycle + 0.5 for cycle in range(found[-1].done + 1)],
        xticklabels=range(found[-1].done + 1),
    )
    panel.tick_params(length=0)


def draw() -> Figure:
    """Draw the pipeline without slices and with four."""
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    panels: Any = figure.subplots(2, 1)
    titles = {
        1: "slices = 1: every lane writes by itself; a row that changes is read again after two cycles",
        4: "slices = 4: the lanes share writers, a PULSE takes four cycles",
    }
    for panel, (slices, title) in zip(panels, titles.items(), strict=True):
        _panel(panel, variant(config.load("tiny"), array={"slices": slices}))
        panel.set_title(title, fontsize="medium")
    panels[-1].set_xlabel(f"clock cycle\n{_LEGEND}", fontsize="small")
    return figure
