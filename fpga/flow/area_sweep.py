"""What each option of a machine costs: machines that differ in one, synthesized for ECP5."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from fpga.flow import bitstream, netlist
from fpga.flow.boards import BOARDS
from fpga.flow.project import LANES, TOP, project
from gen import config as configs
from gen.provenance import stamp
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig
from golden.lib.atomic_write import write_json

#: The board whose flow is used, and the lanes of the machines: what a lane costs does not depend on how many there are.
BOARD, COUNT = "ulx3s", 32
#: Name of the report.
REPORT = "fpga-options.json"

Change = Callable[[MachineConfig], MachineConfig]


def _same(config: MachineConfig) -> MachineConfig:
    """Change nothing."""
    return config


def _part(name: str, **values: Any) -> Change:
    """Change fields of a block's parameters."""
    return lambda config: replace(config, **{name: replace(getattr(config, name), **values)})


def _converters(config: MachineConfig) -> MachineConfig:
    converter = ConverterParameters(bits=6, step=1, offset=4, noise=8)
    return _part("nonideal", columns=converter, rows=converter)(config)


#: Of a real device, whose critical currents may differ.
_device = _part(
    "switching",
    model="macrospin",
    device="perpendicular_50nm",
    current_to_antiparallel=47e-6,
    current_to_parallel=47e-6,
)

#: What is compared: name, the machine without, the machine with it, both made from the plain one.
OPTIONS: dict[str, tuple[Change, Change]] = {
    "verified writes instead of blind ones": (_part("array", scheme="blind"), _same),
    "gradient sums one bit wider": (_same, _part("gradient", bits=11, leak=11)),
    "gradient sums cleared when a weight switches": (
        _part("gradient", reset_on_switch=False),
        _same,
    ),
    "gradient sums that leak": (_same, _part("gradient", leak=6)),
    "a device's switching curve instead of tanh": (_same, _device),
    "8 device bins (`variation_bins`)": (
        _device,
        lambda config: _part("switching", variation_bins=8, variation=0.05)(_device(config)),
    ),
    "converters: 6 bits, offset, noise (ADC model)": (_same, _converters),
    "stuck devices": (_same, _part("nonideal", stuck_parallel=0.005, stuck_antiparallel=0.005)),
    "loadable switching table": (_same, _part("switching", loadable=True)),
    "loadable seeds": (_same, _part("random", loadable=True)),
    "learned offsets of neurons": (_part("neuron", offset_learned=False), _same),
    "writers of its own for every lane (`slices = 1`)": (_same, _part("array", slices=1)),
    "adders in planes instead of carry chains": (_same, _part("array", adders="planes")),
}


def plain() -> MachineConfig:
    """Give the machine that the others are compared with: the board's own, with fewer lanes."""
    config = configs.load(BOARDS[BOARD].config)
    return replace(
        config,
        layers=(config.sizes[0], COUNT, config.sizes[-1]),
        array=replace(config.array, lanes=COUNT),
    )


def measure(
    builds: Path = bitstream.BUILD, options: dict[str, tuple[Change, Change]] = OPTIONS
) -> Iterator[dict[str, Any]]:
    """Synthesize the machines; those that have been are not synthesized again.

    Parameters
    ----------
    builds : Path
        Netlists are kept below it.
    options : dict
        As `OPTIONS`.

    Yields
    ------
    dict
        ``option``, and what it adds: ``lut`` and ``lut_per_lane`` (LUT4-equivalents of the machine, and of its lanes
        divided by their number), ``ff``, ``bram``, ``dsp``.

    Raises
    ------
    FlowError
        If a synthesis fails.
    """
    base = plain()
    area = partial(_area, builds)
    for name, changes in options.items():
        without, together = (area(change(base)) for change in changes)
        yield {"option": name, **{field: round(together[field] - without[field], 1) for field in without}}
    yield {"option": "all of the gradient memory", **area(base, "machine.periphery.gradient_memory")}
    yield {"option": "the plain machine", **area(base)}


def _area(builds: Path, config: MachineConfig, block: str = "") -> dict[str, float]:
    """Area of a machine, or of one of its blocks."""
    made = project(f"{BOARD}-{COUNT}", BOARDS[BOARD], config, "options")
    found = netlist.cells(json.loads((bitstream.netlists(made, builds) / bitstream.NETLIST).read_text()), TOP)
    family = made.board.family
    lanes = netlist.area(netlist.within(found, [block] if block else LANES.values()), family)
    everything = netlist.area(netlist.within(found, [block]) if block else found.values(), family)
    return {"lut_per_lane": round(lanes.lut / COUNT, 1), **asdict(everything)}


def row(found: dict[str, Any]) -> str:
    """Write what an option costs as a line of Markdown."""
    numbers = (f"{found[name]:{'' if found['option'].startswith(_WHOLE) else '+'}g}" for name in FIELDS)
    return f"| {found['option']} | {' | '.join(numbers)} |"


#: Rows that are no differences.
_WHOLE = ("all of", "the plain")
#: Columns of the table.
FIELDS = ("lut_per_lane", "lut", "ff", "bram")
HEAD = ("option", "LUT4 per lane", "LUT4 of the whole", "flip-flops", "block RAM")


def write(reports: Path = bitstream.REPORTS) -> list[dict[str, Any]]:
    """Measure all options and write the report."""
    made = list(measure())
    write_json(reports / REPORT, {"board": BOARD, "lanes": COUNT, "options": made, **stamp()})
    return made
