"""From a project to a bitstream and its report: synthesis, place and route, packing.

Results appear whole or not at all: everything is made in a folder of its own, which is renamed at the end. A project
whose identity (`fpga.flow.project.Project.identity`) is that of what is there is not built again.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from fpga.flow import floorplan, netlist
from fpga.flow.bitstream_report import misfit, overfull, report, timing
from fpga.flow.project import LANES, TOP, Project
from fpga.flow.steps import Steps
from fpga.flow.tools import FlowError, Tools, complaint, find
from golden.lib.atomic_write import write_json
from golden.lib.build_once import whole_folder

#: Where bitstreams and reports go.
BUILD, REPORTS = Path("build/fpga"), Path("build/reports")
#: Files of a build beside the bitstream: netlists before place and route for nextpnr and for simulators.
NETLIST, NETLIST_VERILOG = "netlist.json", "netlist.v"
#: What place and route reports of itself.
TIMING = "timing.json"

#: Seconds that a seed has to be placed and routed in: nearly full devices have seeds whose routing goes on forever.
PATIENCE = 3600.0

#: Command of Yosys, by family.
SYNTHESIS = {"ice40": "synth_ice40", "ecp5": "synth_ecp5", "gowin": "synth_gowin -noiopads"}


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
    command = f"{SYNTHESIS[project.board.family]} {project.board.synthesis} -top {TOP}"
    return "\n".join(
        [
            f"read_verilog {' '.join(project.verilog)}",
            f"read_rtlil {TOP}.il",
            # these blocks keep their bounds until their cells have names, which say where they belong
            f"setattr -mod -set keep_hierarchy 1 {lanes}",
            *([f"scratchpad -set abc9.D {project.board.mapping_ps}"] if project.board.mapping_ps else []),
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
    content = json.loads((folder / NETLIST).read_text())
    found = netlist.cells(content, TOP)
    if project.board.floor:
        for name, place in floorplan.plan(found, project.config.array.lanes, project.board.floor).items():
            found[name]["attributes"]["BEL"] = place
        (folder / NETLIST).write_text(json.dumps(content))
    return found


def _place_arguments(project: Project, seed: int) -> list[str]:
    common = ["--json", NETLIST, "--report", TIMING, "--seed", str(seed), "--freq", f"{project.mhz:g}"]
    # the report tells whether the clock is reached, also when it is not
    common += ["--timing-allow-fail"]
    outputs = {
        "ice40": ["--pcf", project.constraints, "--asc", f"{TOP}.asc"],
        "ecp5": ["--lpf", project.constraints, "--textcfg", f"{TOP}.config"],
        "gowin": ["--vopt", f"cst={project.constraints}", "--write", f"{TOP}.routed.json"],
    }
    return [*project.board.place.split(), *common, *outputs[project.board.family]]


def _pack_arguments(project: Project) -> list[str]:
    return {
        "ice40": [f"{TOP}.asc", project.bitstream],
        "ecp5": [*project.board.pack.split(), "--input", f"{TOP}.config", "--bit", project.bitstream],
        "gowin": [*project.board.pack.split(), "-o", project.bitstream, f"{TOP}.routed.json"],
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
    reached, endless = 0.0, []
    for seed in project.board.seeds:
        log = folder / f"place-{seed}.log"
        arguments = _place_arguments(project, seed)
        (folder / TIMING).unlink(missing_ok=True)
        step = f"place and route, seed {seed}"
        try:
            good = steps.run(
                step, lambda show, a=arguments, log=log: tools.place.run(a, folder, log.name, show, PATIENCE), log
            )
        except TimeoutError:
            endless.append(seed)
            continue
        if not (good and (folder / TIMING).is_file()):
            raise FlowError(misfit(project, log.read_text(errors="replace")) or f"{step} failed: {complaint(log)}")
        found = timing(json.loads((folder / TIMING).read_text()), project.mhz)
        reached = max(reached, found["fmax_mhz"])
        if found["fmax_mhz"] >= project.mhz:
            return {"seed": seed, **found}
    seeds = ", ".join(map(str, project.board.seeds))
    ended = f" ({', '.join(map(str, endless))} not ended in {PATIENCE:g} s)" if endless else ""
    raise FlowError(
        f"{project.name} reaches {reached:.1f} MHz of {project.mhz:g} MHz with seeds {seeds}{ended}: "
        "lower target_mhz in fpga/flow/boards.py, or shrink array.lanes, array.group or layers in the configuration"
    )


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
        If it cannot fit, or a step fails; what that has left is then in ``NAME.failed``.
    """
    tools, folder = find(project.board.family), builds / project.name
    content = current(project, tools, folder)
    made = content is None
    if content is None:
        if reason := overfull(project):
            raise FlowError(reason)
        content = whole_folder(folder, lambda partial: _build(project, partial, tools))
    write_json(reports / f"fpga-{project.name}.json", content)
    return content, made


def netlists(project: Project, builds: Path = BUILD) -> Path:
    """Give the folder with the netlists of a project; synthesize it only if that has not been done.

    Parameters
    ----------
    project : Project
        The project.
    builds : Path
        As for `build`; netlists without a bitstream are kept under their identity.

    Returns
    -------
    Path
        Folder with `NETLIST` and `NETLIST_VERILOG`, the same that a bitstream is made of.

    Raises
    ------
    FlowError
        If synthesis fails.
    """
    tools, folder = find(project.board.family), builds / project.name
    if current(project, tools, folder) is None:
        folder = builds / "netlists" / project.identity(tools)[:16]
        if not folder.is_dir():
            whole_folder(folder, lambda partial: synthesize(project, partial, tools, Steps(project.name)))
    return folder


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
