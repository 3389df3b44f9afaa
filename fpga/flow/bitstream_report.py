"""What place and route and the netlist say of a bitstream."""

import re
from typing import Any

from fpga.flow import netlist
from fpga.flow.project import LANES, Project
from fpga.flow.throughput import cycles_per_sample
from fpga.flow.tools import FlowError, Tools
from gen.provenance import stamp


def timing(report: dict[str, Any], target_mhz: float) -> dict[str, Any]:
    """Read the report of place and route.

    Parameters
    ----------
    report : dict
        What nextpnr wrote.
    target_mhz : float
        The clock that must be reached.

    Returns
    -------
    dict
        ``fmax_mhz`` of the machine's clock, ``utilization`` of the device.
    """
    # the oscillator may be a clock of its own, of a few registers
    clocks = [clock for clock in report["fmax"].values() if clock["constraint"] >= 0.99 * target_mhz]
    if not clocks:
        raise FlowError(f"place and route reports no clock of {target_mhz:g} MHz, but {list(report['fmax'])}")
    return {
        "fmax_mhz": round(min(clock["achieved"] for clock in clocks), 2),
        "utilization": {kind: use for kind, use in report["utilization"].items() if use["used"]},
    }


def misfit(project: Project, log: str) -> str:
    """Say by how much a design does not fit.

    Parameters
    ----------
    project : Project
        The design.
    log : str
        What nextpnr wrote.

    Returns
    -------
    str
        One line; empty if it does fit.
    """
    table = re.findall(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log)
    over = [(kind, int(used), int(room)) for kind, used, room in table if int(used) > int(room)]
    if not over:
        return ""
    return _too_large(
        project, " and ".join(f"{used} {kind} of {room} ({used / room:.0%})" for kind, used, room in over)
    )


def overfull(project: Project) -> str:
    """Say by how much a design cannot fit, whatever synthesis does with it.

    Random streams and column sums are registers; they alone need so many flip-flops.

    Returns
    -------
    str
        One line as of `misfit`; empty if it may fit.
    """
    config, room = project.config, project.board.flip_flops
    least = config.streams * config.random.width + config.array.lanes * config.geometry.column_bits
    if least <= room:
        return ""
    return _too_large(project, f"at least {least} flip-flops of {room} ({least / room:.0%})")


def _too_large(project: Project, needs: str) -> str:
    array, gradient = project.config.array, project.config.gradient
    return (
        f"{project.name} does not fit: it needs {needs} of the {project.board.device}; shrink array.lanes "
        f"({array.lanes}), layers ({', '.join(map(str, project.config.layers))}) or gradient.bits ({gradient.bits}) "
        "in the configuration"
    )


def report(
    project: Project, tools: Tools, found: dict[str, Any], placed: dict[str, Any], seconds: dict[str, float]
) -> dict[str, Any]:
    """Describe a bitstream.

    Parameters
    ----------
    project : Project
        What was built.
    tools : Tools
        With what.
    found : dict
        Cells of the netlist.
    placed : dict
        What `place` returned.
    seconds : dict
        Wall time of the steps.

    Returns
    -------
    dict
        Fields as docs/fpga.md explains them.
    """
    family, lanes = project.board.family, project.config.array.lanes
    whole_area = netlist.area(found.values(), family)
    cycles = cycles_per_sample(project.config)
    parts = {path: netlist.area(netlist.within(found, [path]), family).lut for path in LANES.values()}
    return {
        "name": project.name,
        "board": project.board.title,
        "device": project.board.device,
        "layers": list(project.config.layers),
        "lanes": lanes,
        "target_mhz": round(project.mhz, 3),
        "fmax_mhz": placed["fmax_mhz"],
        "lut": whole_area.lut,
        "ff": whole_area.ff,
        "bram": whole_area.bram,
        "dsp": whole_area.dsp,
        "spram": whole_area.spram,
        "lut_per_lane": round(sum(parts.values()) / lanes, 1),
        "lut_of_lanes": parts,
        "lut_per_lane_whole": round(whole_area.lut / lanes, 1),
        "cycles_per_sample": round(cycles, 1),
        "samples_per_second": round(project.mhz * 1e6 / cycles, 1),
        "utilization": placed["utilization"],
        "seed": placed["seed"],
        "tool_versions": tools.versions,
        "design_sha256": project.design,
        "identity": project.identity(tools),
        "step_seconds": {step: round(taken, 1) for step, taken in seconds.items()},
        "wall_seconds": round(sum(seconds.values()), 1),
        **stamp(),
    }
