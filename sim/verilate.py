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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from golden.lib.build_once import build_once
from sim import verilator
from sim.build import call

#: Headers of the run-time library that models and main programs include.
_HEADERS = [f"verilated{part}.h" for part in ("", "_dpi", "_vpi", "_threads", "_timing", "_syms")]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Where the run-time library of Verilator and its headers are kept, compiled.
_RUNTIME = Path("build/verilator")

#: File of a build with what it cost: ``processor_seconds``.
COST = "cost.json"

# lint has its own control file and is not the business of a simulation
_VERILATE = ["--cc", "--prefix", "Vtop", "-Mdir", "obj", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"]
_COMPILE = ["-std=c++20", "-pthread", "-DVERILATOR=1", "-DVM_SC=0"]
#: Optimisation by `Model.quick`, and that of the run-time library, which is the same for all.
_OPTIMIZE = {False: ["-O3", "-march=native"], True: ["-O0", "-fPIC"]}
_LIBRARY = ["-O1", "-fPIC"]


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
        _compile(model, place, tool)
        shutil.rmtree(place / "obj")
        (place / COST).write_text(json.dumps({"processor_seconds": _processor_seconds() - before}))

    content = (model, _VERILATE, _COMPILE, _flags(model), _LIBRARY, _compiler(), tool.version)
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


def _flags(model: Model) -> list[str]:
    """Options of the compiler for the model, besides those that the run-time library has too."""
    return [*_OPTIMIZE[model.quick], *(["-fPIC"] if model.shared and not model.quick else [])]


def _compile(model: Model, place: Path, tool: verilator.Verilator) -> None:
    """Compile what Verilator has written into ``obj``, and link it."""
    obj = place / "obj"
    listed = (obj / "Vtop_classes.mk").read_text()
    # of Verilator's switches its own headers and cocotb's main program ask for these alone
    switches = [f"-D{name}=1" for name in re.findall(r"^(VM_TRACE\w*) = 1$", listed, re.MULTILINE)]
    include = verilator.include(tool)
    common = [*_COMPILE, *switches, "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]
    flags = [*_flags(model), *common]
    parts = _names(listed, "GLOBAL_FAST", "GLOBAL_SLOW")

    def make_headers(folder: Path) -> None:
        tracing = [f"{part}.h" for part in parts if part.endswith("_c")]
        (folder / "headers.h").write_text("".join(f'#include "{header}"\n' for header in [*_HEADERS, *tracing]))
        call(model.top, ["c++", *flags, "-x", "c++-header", "headers.h", "-o", "headers.h.gch"], folder)

    def compiled(part: str) -> Path:
        command = ["c++", *_LIBRARY, *common, "-c", str(include / f"{part}.cpp")]
        key = command, _compiler(), tool.version
        return build_once(_RUNTIME, part, key, lambda folder: call(model.top, command, folder)) / f"{part}.o"

    headers = build_once(_RUNTIME, "headers", (flags, _compiler(), tool.version), make_headers)
    library = _each(compiled, parts)

    (obj / "main.cpp").write_text(model.main)
    fast, slow = _names(listed, "CLASSES_FAST", "SUPPORT_FAST"), _names(listed, "CLASSES_SLOW", "SUPPORT_SLOW")
    # a large model is worth all processors; what runs at the start alone is one unit, with the main program
    split = "VM_PARALLEL_BUILDS = 1" in listed and not model.quick
    units = [*([name] for name in fast if split), [*([] if split else fast), *slow, "main"]]
    for number, unit in enumerate(units):
        (obj / f"unit{number}.cpp").write_text("".join(f'#include "{name}.cpp"\n' for name in unit))
    compile_ = ["c++", *flags, "-include", str(headers / "headers.h"), "-c"]
    _each(lambda number: call(model.top, [*compile_, f"unit{number}.cpp"], place, at="obj"), range(len(units)))
    objects = [f"unit{number}.o" for number in range(len(units))] + list(map(str, library))
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


def _each(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Do something for every item, side by side."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))
