"""From a project to a bitstream and its report: synthesis, place and route, packing.

Results appear whole or not at all: everything is made in a folder of its own, which is renamed at the end. A project
whose identity (`fpga.project.Project.identity`) is that of what is there is not built again.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from fpga import netlist
from fpga.project import LANES, SEEDS, TOP, Project
from fpga.tools import FlowError, Tools, complaint, find
from golden.files import whole

#: Where bitstreams and reports go.
BUILD, REPORTS = Path("build/fpga"), Path("build/reports")
#: Files of a build beside the bitstream: netlists before place and route for nextpnr and for simulators.
NETLIST, NETLIST_VERILOG = "netlist.json", "netlist.v"
#: What place and route reports of itself.
TIMING = "timing.json"

_SYNTHESIS = {"ice40": "synth_ice40", "ecp5": "synth_ecp5", "gowin": "synth_gowin -noiopads"}
#: Columns of what a log says of a tool's progress.
_WIDTH = 100


class Steps:
    """Times the steps of a build and shows where it is.

    Parameters
    ----------
    name : str
        What is built.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.seconds: dict[str, float] = {}

    def run(self, step: str, call: Callable[[Callable[[], None]], bool], log: Path) -> bool:
        """Do a step; `call` is given what it calls now and then."""
        started = time.monotonic()
        tty = sys.stderr.isatty()

        def show() -> None:
            if tty:
                text = f"{self._name}: {step}, {time.monotonic() - started:.0f} s, {_last(log)}"
                print(f"\r\033[K{text[:_WIDTH]}", end="", file=sys.stderr, flush=True)

        print(f"{self._name}: {step} ...", end="" if tty else "\n", file=sys.stderr, flush=True)
        try:
            good = call(show)
        finally:
            taken = self.seconds[step] = time.monotonic() - started
            clear = "\r\033[K" if tty else ""
            print(f"{clear}{self._name}: {step}, {taken:.0f} s", file=sys.stderr, flush=True)
        return good


def _last(log: Path) -> str:
    """Last line of a log that is being written."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 500))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def script(project: Project) -> str:
    """Write the commands of the synthesis.

    Parameters
    ----------
    project : Project
        What is synthesized.

    Returns
    -------
    str
        A script for Yosys.
    """
    lanes = " ".join(LANES)
    command = f"{_SYNTHESIS[project.board.family]} {project.board.synthesis} -top {TOP}"
    return "\n".join(
        [
            f"read_verilog {' '.join(project.verilog)}",
            f"read_rtlil {TOP}.il",
            # these blocks keep their bounds until their cells have names, which say where they belong
            f"setattr -mod -set keep_hierarchy 1 {lanes}",
            command,
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "opt_clean",
            f"write_json {NETLIST}",
            f"write_verilog -noattr {NETLIST_VERILOG}",
            "",
        ]
    )


def synthesize(project: Project, folder: Path, tools: Tools, steps: Steps) -> dict[str, Any]:
    """Write a project's files to a folder and synthesize them.

    Parameters
    ----------
    project : Project
        The project.
    folder : Path
        Where.
    tools : Tools
        The tools of its family.
    steps : Steps
        Times it.

    Returns
    -------
    dict
        Cells of the netlist.

    Raises
    ------
    FlowError
        If that fails.
    """
    for name, content in project.files.items():
        (folder / name).write_text(content)
    (folder / "synthesis.ys").write_text(script(project))
    log = folder / "synthesis.log"
    arguments = ["-q", "-l", log.name, "synthesis.ys"]
    good = steps.run("synthesis", lambda show: tools.yosys.run(arguments, folder, "yosys.out", show), log)
    # the last of its files: Yosys of YoWASP may end without a word
    if not (good and (folder / NETLIST_VERILOG).is_file()):
        raise FlowError(f"synthesis failed: {complaint(log)}")
    return netlist.cells(json.loads((folder / NETLIST).read_text()), TOP)


def _place_arguments(project: Project, seed: int) -> list[str]:
    common = ["--json", NETLIST, "--report", TIMING, "--seed", str(seed), "--freq", f"{project.mhz:g}"]
    # the report tells whether the clock is reached, also when it is not
    common += ["--timing-allow-fail"]
    outputs = {
        "ice40": ["--pcf", project.constraints, "--asc", f"{TOP}.asc"],
        "ecp5": ["--lpf", project.constraints, "--textcfg", f"{TOP}.config"],
        "gowin": ["--vopt", f"cst={project.constraints}", "--write", f"{TOP}.routed.json"],
    }
    return [*project.board.place, *common, *outputs[project.board.family]]


def _pack_arguments(project: Project) -> list[str]:
    return {
        "ice40": [f"{TOP}.asc", project.bitstream],
        "ecp5": [*project.board.pack, "--input", f"{TOP}.config", "--bit", project.bitstream],
        "gowin": [*project.board.pack, "-o", project.bitstream, f"{TOP}.routed.json"],
    }[project.board.family]


def place(project: Project, folder: Path, tools: Tools, steps: Steps) -> dict[str, Any]:
    """Place and route, with one seed after the other until the clock is reached.

    Parameters
    ----------
    project, folder, tools, steps
        As for `synthesize`, which comes before.

    Returns
    -------
    dict
        ``seed``, ``fmax_mhz``, ``utilization``.

    Raises
    ------
    FlowError
        If it does not fit, or the clock is not reached.
    """
    reached = 0.0
    for seed in SEEDS:
        log = folder / f"place-{seed}.log"
        arguments = _place_arguments(project, seed)
        (folder / TIMING).unlink(missing_ok=True)
        step = f"place and route, seed {seed}"
        good = steps.run(step, lambda show, a=arguments, log=log: tools.place.run(a, folder, log.name, show), log)
        if not (good and (folder / TIMING).is_file()):
            raise FlowError(misfit(project, log.read_text(errors="replace")) or f"{step} failed: {complaint(log)}")
        found = timing(json.loads((folder / TIMING).read_text()), project.mhz)
        reached = max(reached, found["fmax_mhz"])
        if found["fmax_mhz"] >= project.mhz:
            return {"seed": seed, **found}
    raise FlowError(
        f"{project.name} reaches {reached:.1f} MHz of {project.mhz:g} MHz with seeds {', '.join(map(str, SEEDS))}: "
        "lower target_mhz in fpga/boards.py, or shrink array.lanes, array.group or layers in the configuration"
    )


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
    array, gradient = project.config.array, project.config.gradient
    needs = " and ".join(f"{used} {kind} of {room} ({used / room:.0%})" for kind, used, room in over)
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
        "utilization": placed["utilization"],
        "seed": placed["seed"],
        "tool_versions": tools.versions,
        "design_sha256": project.design,
        "identity": project.identity(tools),
        "step_seconds": {step: round(taken, 1) for step, taken in seconds.items()},
        "wall_seconds": round(sum(seconds.values()), 1),
        "command": " ".join(["python -m fpga", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def current(project: Project, tools: Tools, folder: Path) -> dict[str, Any] | None:
    """Give the report of a bitstream that is there already, if it is the one that a build would make."""
    try:
        found = json.loads((folder / "report.json").read_text())
        digest = sha256((folder / project.bitstream).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    return found if (found["identity"], found["bitstream_sha256"]) == (project.identity(tools), digest) else None


def build(project: Project, builds: Path = BUILD, reports: Path = REPORTS) -> tuple[dict[str, Any], bool]:
    """Make a bitstream and its report.

    Parameters
    ----------
    project : Project
        What is built.
    builds : Path
        The bitstream goes to a folder of the project's name in it.
    reports : Path
        The report goes to ``fpga-NAME.json`` in it.

    Returns
    -------
    report : dict
        Content of the report.
    made : bool
        Whether anything had to be done.

    Raises
    ------
    FlowError
        If a step fails; what it has left is then in ``NAME.failed``.
    """
    tools, folder = find(project.board.family), builds / project.name
    content = current(project, tools, folder)
    made = content is None
    if content is None:
        builds.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{project.name}-", dir=builds))
        try:
            content = _build(project, partial, tools)
            _rename(partial, folder)
        except FlowError as error:
            failed = builds / f"{project.name}.failed"
            _rename(partial, failed)
            raise FlowError(f"{error} (logs in {failed})") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    with whole(reports / f"fpga-{project.name}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    return content, made


def _build(project: Project, folder: Path, tools: Tools) -> dict[str, Any]:
    steps = Steps(project.name)
    found = synthesize(project, folder, tools, steps)
    placed = place(project, folder, tools, steps)
    log = folder / "pack.log"
    good = steps.run("packing", lambda show: tools.pack.run(_pack_arguments(project), folder, log.name, show), log)
    bitstream = folder / project.bitstream
    if not (good and bitstream.is_file()):
        raise FlowError(f"packing failed: {complaint(log)}")
    content = report(project, tools, found, placed, steps.seconds)
    content["bitstream_sha256"] = sha256(bitstream.read_bytes()).hexdigest()
    (folder / "report.json").write_text(json.dumps(content, indent=1) + "\n")
    return content


def _rename(partial: Path, folder: Path) -> None:
    """Put a folder in the place of another one, which goes."""
    old = partial.with_name(f"{partial.name}.old")
    if folder.exists():
        os.rename(folder, old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    # mkdtemp made it for its owner alone
    folder.chmod(0o755)
