"""Generated Verilog as a program or a shared library: what Verilator makes of it, compiled with a main program or shim.

Verilator's makefile is not used, because a small build spends most of its time on headers, which it parses for every
file anew. Here a small build is one translation unit; the headers of the run-time library are precompiled and the
library itself is compiled once for all builds with the same options.
"""

import functools
import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from golden.lib.build_once import build_once
from sim import verilator
from sim.build import call

#: File of a build with what it cost: ``processor_seconds``.
COST = "cost.json"

# lint has its own control file and is not the business of a simulation
_VERILATE = ["--cc", "--prefix", "Vtop", "-Mdir", "obj", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"]
_COMPILE = ["-std=c++20", "-pthread", "-DVERILATOR=1", "-DVM_SC=0"]
#: Optimisation by `Model.quick`; the run-time library, which all builds share, has its own.
_OPTIMIZE = {False: ["-O2", "-march=native"], True: ["-O0"]}
_LIBRARY = ["-O2", "-fPIC"]


@dataclass(frozen=True)
class Model:
    """What is built.

    Attributes
    ----------
    top : str
        Module that is the top level.
    files : dict of str to str
        Verilog and control files: name -> content, in the order of compilation.
    main : str
        C++ with the main program, or with the functions of the library; it finds the model in ``Vtop.h``.
    output : str
        Name of the program or library.
    shared : bool
        Whether it is a shared library.
    options : tuple of str
        Options for Verilator.
    libraries : tuple of str
        Arguments for the linker.
    quick : bool
        Compile quickly instead of for speed: right for short runs.
    """

    top: str
    files: dict[str, str]
    main: str
    output: str
    shared: bool = False
    options: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    quick: bool = False


def build(model: Model, builds: Path) -> Path:
    """Build a model, unless the same one is there already.

    Parameters
    ----------
    model : Model
        The model.
    builds : Path
        Folder under which builds are kept, one per content.

    Returns
    -------
    Path
        The program or library; `COST` and `sim.build.LOG` are beside it.

    Raises
    ------
    sim.build.BuildError
        If that fails.
    sim.verilator.ToolError
        If a tool is missing.
    """
    tool = verilator.find()

    def make(place: Path) -> None:
        before = _processor_seconds()
        for name, content in model.files.items():
            (place / name).write_text(content)
        verilate = [str(tool.executable), *_VERILATE, *model.options, "--top-module", model.top, *model.files]
        call(model.top, verilate, place, tool.environment)
        _compile(model, place, builds)
        shutil.rmtree(place / "obj")
        (place / COST).write_text(json.dumps({"processor_seconds": _processor_seconds() - before}))

    content = (model, _VERILATE, _manner(model), tool.version)
    return build_once(builds, model.top, content, make) / model.output


def _processor_seconds() -> float:
    """Processor time of all programs that this process has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@functools.cache
def _compiler() -> str:
    """What the C++ compiler says of itself, and of the processor it compiles for."""
    command = ["c++", "-march=native", "-E", "-v", "-x", "c++", os.devnull]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def _manner(model: Model) -> tuple[object, ...]:
    """Everything about the compiler that decides what comes out."""
    return _COMPILE, _flags(model), _LIBRARY, _compiler()


def _flags(model: Model) -> list[str]:
    """Options of the compiler for the model, besides those that the run-time library has too."""
    return [*_OPTIMIZE[model.quick], *(["-fPIC"] if model.shared else [])]


def _compile(model: Model, place: Path, builds: Path) -> None:
    """Compile what Verilator has written into ``obj``, and link it."""
    obj = place / "obj"
    listed = (obj / "Vtop_classes.mk").read_text()
    switches = [f"-D{name}={value}" for name, value in re.findall(r"^(VM_\w+) = (\d)$", listed, re.MULTILINE)]
    include = verilator.include(verilator.find())
    common = [*_COMPILE, *switches, "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]
    flags = [*_flags(model), *common]
    parts = _names(listed, "GLOBAL_FAST", "GLOBAL_SLOW")

    def make_library(folder: Path) -> None:
        _all(model.top, [["c++", *_LIBRARY, *common, "-c", str(include / f"{part}.cpp")] for part in parts], folder)

    def make_headers(folder: Path) -> None:
        headers = [f"{part}.h" for part in (*parts, "verilated_syms") if (include / f"{part}.h").is_file()]
        (folder / "headers.h").write_text("".join(f'#include "{header}"\n' for header in headers))
        call(model.top, ["c++", *flags, "-x", "c++-header", "headers.h", "-o", "headers.h.gch"], folder)

    tool = verilator.find().version
    headers = build_once(builds, "headers", (flags, parts, _compiler(), tool), make_headers)
    library = build_once(builds, "library", (common, parts, _LIBRARY, _compiler(), tool), make_library)

    (obj / "main.cpp").write_text(model.main)
    fast, slow = _names(listed, "CLASSES_FAST", "SUPPORT_FAST"), _names(listed, "CLASSES_SLOW", "SUPPORT_SLOW")
    # a large model is worth all processors; what runs at the start alone is one unit, with the main program
    split = "VM_PARALLEL_BUILDS = 1" in listed and not model.quick
    units = [*([name] for name in fast if split), [*([] if split else fast), *slow, "main"]]
    for number, unit in enumerate(units):
        (obj / f"unit{number}.cpp").write_text("".join(f'#include "{name}.cpp"\n' for name in unit))
    with_headers = [*flags, "-include", str(headers / "headers.h")]
    _all(model.top, [["c++", *with_headers, "-c", f"unit{number}.cpp"] for number in range(len(units))], place, "obj")
    objects = [f"unit{number}.o" for number in range(len(units))] + [str(library / f"{part}.o") for part in parts]
    libraries = [*model.libraries, *(["-llz4", "-lz"] if "-DVM_TRACE_FST=1" in switches else [])]
    kind = ["-shared"] if model.shared else []
    call(model.top, ["c++", *kind, "-pthread", *objects, *libraries, "-o", f"../{model.output}"], place, at="obj")


def _names(listed: str, *kinds: str) -> list[str]:
    """Names of the source files that Verilator's list has under these headings."""
    names: list[str] = []
    for kind in kinds:
        (found,) = re.findall(rf"^VM_{kind} \+= \\\n((?:  \S+ \\\n)*)", listed, re.MULTILINE)
        names += found.replace("\\", " ").split()
    return names


def _all(name: str, commands: Sequence[Sequence[str]], folder: Path, at: str = ".") -> None:
    """Run tools side by side; arguments as for `sim.build.call`."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(call, name, command, folder, at=at) for command in commands]:
            done.result()
