"""Models of generated Verilog as shared libraries: what Verilator and a shim make of it."""

import os
import shutil
from pathlib import Path

from sim import verilator
from sim.build import build_once, call

#: Where models are built, one folder per content.
BUILDS = Path("build/host")

_LIBRARY = "model.so"
_VERILATE = ["--cc", "--exe", "--prefix", "Vtop", "-Mdir", "obj", "-o", f"../{_LIBRARY}"]
# lint has its own control file and is not the business of a simulation
_VERILATE += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"]
_VERILATE += ["-CFLAGS", "-std=c++20 -fPIC", "-LDFLAGS", "-shared"]
#: How fast code is compiled, by `quick`: Verilator's own make variables.
_OPTIMIZE = {False: ["OPT_FAST=-O2 -march=native", "OPT_GLOBAL=-O2"], True: ["OPT_FAST=-O0", "OPT_GLOBAL=-O0"]}


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
    sim.build.BuildError
        If that fails.
    sim.verilator.ToolError
        If a tool is missing.
    """
    tool = verilator.find()
    files = {name: (folder / name).read_text() for name in (folder / "files.f").read_text().split()}
    files[shim.name] = shim.read_text()

    def make(place: Path) -> None:
        for name, content in files.items():
            (place / name).write_text(content)
        call(top, [str(tool.executable), *_VERILATE, "--top-module", top, *files], place, tool.environment)
        compile_ = ["make", "-s", f"-j{os.cpu_count()}", "-C", "obj", "-f", "Vtop.mk", *_OPTIMIZE[quick]]
        call(top, compile_, place, tool.environment)
        shutil.rmtree(place / "obj")

    content = (files, tool.version, _VERILATE, _OPTIMIZE[quick])
    return build_once(builds, top, content, make) / _LIBRARY
