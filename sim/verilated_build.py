"""Models of generated Verilog as shared libraries: what Verilator and a shim make of it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sim import verilator

#: Where models are built, one folder per content.
BUILDS = Path(__file__).resolve().parents[1] / "build" / "host"

_LIBRARY = "model.so"
_VERILATE = ["--cc", "--exe", "--prefix", "Vtop", "-Mdir", "obj", "-o", f"../{_LIBRARY}"]
# lint has its own control file and is not the business of a simulation
_VERILATE += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"]
_VERILATE += ["-CFLAGS", "-std=c++20 -fPIC", "-LDFLAGS", "-shared"]
#: How fast code is compiled, by `quick`: Verilator's own make variables.
_OPTIMIZE = {False: ["OPT_FAST=-O2 -march=native", "OPT_GLOBAL=-O2"], True: ["OPT_FAST=-O0", "OPT_GLOBAL=-O0"]}


class BuildError(RuntimeError):
    """A model cannot be built; the message holds the tools' own words."""


def build(folder: Path, top: str, shim: Path, builds: Path = BUILDS, *, quick: bool = False) -> Path:
    """Build the model of generated Verilog, unless the same one is there already.

    Parameters
    ----------
    folder : Path
        Verilog and ``files.f``, which lists it.
    top : str
        Module that is the top level.
    shim : Path
        C++ with the functions that the library shall have. The run-time library of Verilator has a file verilated.cpp.
    builds : Path
        Folder under which models are kept, one per content.
    quick : bool
        Compile quickly instead of for speed: right for short runs.

    Returns
    -------
    Path
        A shared library.

    Raises
    ------
    BuildError
        If that fails.
    sim.verilator.ToolError
        If a tool is missing.
    """
    tool = verilator.find()
    files = {name: (folder / name).read_text() for name in (folder / "files.f").read_text().split()}
    files[shim.name] = shim.read_text()
    manner = (files, tool.version, _VERILATE, _OPTIMIZE[quick])
    built = builds / f"{top}-{hashlib.sha256(repr(manner).encode()).hexdigest()[:16]}"
    if (built / _LIBRARY).is_file():
        return built / _LIBRARY
    builds.mkdir(parents=True, exist_ok=True)
    # a folder appears under its name only when it is complete
    partial = Path(tempfile.mkdtemp(prefix=f".{top}-", dir=builds))
    try:
        for name, content in files.items():
            (partial / name).write_text(content)
        _call([str(tool.executable), *_VERILATE, "--top-module", top, *files], partial, tool.environment)
        make = ["make", "-s", f"-j{os.cpu_count()}", "-C", "obj", "-f", "Vtop.mk", *_OPTIMIZE[quick]]
        _call(make, partial, tool.environment)
        shutil.rmtree(partial / "obj")
        try:
            partial.replace(built)
        except OSError:
            if not built.is_dir():  # else another process has built the same meanwhile
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return built / _LIBRARY


def _call(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    answer = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise BuildError(f"{Path(command[0]).name} failed: {(answer.stdout + answer.stderr).strip()[-2000:]}")
