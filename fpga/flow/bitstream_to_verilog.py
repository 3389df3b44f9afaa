"""A bitstream of iCE40 turned back into Verilog, with the tools of Project IceStorm."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from fpga.flow.project import TOP, Project
from fpga.flow.tools import FlowError

#: Programs of IceStorm: bits to text, text to Verilog. No package of PyPI has the second.
PROGRAMS = ("iceunpack", "icebox_vlog")


def missing() -> str:
    """Name the programs that are not installed; empty if all are."""
    return ", ".join(program for program in PROGRAMS if shutil.which(program) is None)


def verilog(project: Project, bitstream: Path) -> str:
    """Turn a bitstream back into Verilog.

    Parameters
    ----------
    project : Project
        What it was made of; its constraint file names the pins, nothing else is used.
    bitstream : Path
        The bitstream.

    Returns
    -------
    str
        A module `fpga.flow.project.TOP` with the pins as ports.

    Raises
    ------
    FlowError
        If a tool is missing or fails.
    """
    if missing():
        raise FlowError(f"{missing()} is missing: apt-get install fpga-icestorm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pins.pcf").write_text(project.files[project.constraints])
        (folder / "bits").write_bytes(bitstream.read_bytes())
        _call(["iceunpack", "bits", "bits.asc"], folder)
        text = _call(["icebox_vlog", "-s", "-n", TOP, "-p", "pins.pcf", "bits.asc"], folder)
    # the pad of the PLL is a pin that icebox_vlog leaves without a name
    text, pads = re.subn(r"\.PACKAGEPIN\(n\d+\)", f".PACKAGEPIN({project.pins['clock']})", text)
    if pads != 1:
        raise FlowError(f"the bitstream {bitstream} has {pads} PLLs at a pad instead of 1")
    # ports are declared once more among the wires
    return re.sub(r"^wire (.*);$", lambda line: _wires(line[1], set(project.pins.values())), text, flags=re.MULTILINE)


def _wires(names: str, ports: set[str]) -> str:
    """Declare wires but for those that are ports."""
    return f"wire {', '.join(name for name in names.split(', ') if name not in ports)};"


def _call(command: list[str], folder: Path) -> str:
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise FlowError(f"{command[0]} failed: {' '.join(answer.stderr.split())[-500:]}")
    return answer.stdout
