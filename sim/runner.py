"""Build a simulation of generated Verilog once per content, run cocotb tests in it, and fail when they fail.

Environment: ``SEED`` is the random seed (default 1); ``WAVES=1`` records one waveform per run of a simulation, named
after the test, under ``build/waves``.
"""

import hashlib
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TextIO

from cocotb_tools.runner import Icarus, Runner, Verilator

from golden.lib.errors import UserError
from sim import verilator
from sim.build import LOG, build_once, failure

#: Where the packages are, on the path of the Python inside a simulation.
ROOT = Path(__file__).resolve().parents[1]
#: Where simulations are built, one folder per content, and where waveforms go.
BUILDS, WAVES = Path("build/sim"), Path("build/waves")

#: Simulators that the tests know.
SIMULATORS = ("verilator", "icarus")


class SimulatorError(UserError):
    """A simulator is unknown or missing; the message is one line."""


def check(simulator: str) -> None:
    """Raise `SimulatorError` when a simulator is unknown or missing, or cannot build where this process is."""
    if simulator not in SIMULATORS:
        raise SimulatorError(f"unknown SIM={simulator!r}: give one of {', '.join(SIMULATORS)}")
    if simulator == "icarus" and shutil.which("iverilog") is None:
        raise SimulatorError("SIM=icarus needs Icarus Verilog: install the package iverilog (apt-get install iverilog)")
    for place in (ROOT, Path.cwd()):
        if any(character.isspace() for character in str(place)):
            raise SimulatorError(f"make cannot build in a folder with a blank in its name: move {str(place)!r}")


def seed() -> int:
    """Read the random seed of this run from ``SEED``, 1 by default."""
    text = os.environ.get("SEED", "1")
    if not text.isdecimal():
        raise ValueError(f"SEED must be a decimal number >= 0, not {text!r}")
    return int(text)


def waves_wanted() -> bool:
    """Whether ``WAVES`` asks for waveforms."""
    return os.environ.get("WAVES", "0") not in ("", "0")


@cache
def waveform_format() -> str:
    """Say what Verilator records: FST, a fiftieth of the size, where there are headers of zlib and LZ4, else VCD."""
    includes = "#include <zlib.h>\n#include <lz4.h>\n"
    found = subprocess.run(["c++", "-E", "-x", "c++", "-"], input=includes, capture_output=True, text=True, check=False)
    return "vcd" if found.returncode else "fst"


@dataclass(frozen=True)
class Simulation:
    """One simulation to build.

    Attributes
    ----------
    top : str
        Top-level module.
    files : dict of str to str
        Source file name -> content, in the order of compilation.
    simulator : str
        ``verilator`` or ``icarus``.
    public : tuple of (module, variable, writable)
        What Verilator must keep visible, ports of the top level included.
    waves : bool
        Whether waveforms are recorded; ``WAVES=1`` sets it everywhere.
    quick : bool
        Compile quickly instead of for speed: right for short simulations.
    header : str
        C++ that Verilator's main program begins with.
    """

    top: str
    files: dict[str, str]
    simulator: str = "verilator"
    public: tuple[tuple[str, str, bool], ...] = field(default=())
    waves: bool = False
    quick: bool = False
    header: str = ""

    def control_file(self) -> str:
        """Write the control file that takes the place of cocotb's --public-flat-rw."""
        lines = ["`verilator_config"]
        for module, variable, writable in self.public:
            kind = "public_flat_rw" if writable else "public_flat_rd"
            lines.append(f'{kind} -module "{module}" -var "{variable}"')
        return "\n".join(lines) + "\n"


#: Language options and waivers; lint has its own control file and is not the business of a simulation.
VERILATOR_ARGS = ["--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-BLKANDNBLK", "-O3"]
VERILATOR_ARGS += ["-CFLAGS", "-std=c++20"]
#: Verilog files as Verilog 2005: there an initial value is an event, which starts combinational blocks at time 0.
_ICARUS_ARGS = ["-g2005"]
#: How fast code is compiled, by `Simulation.quick`: Verilator's own make variables.
OPTIMIZE = {False: ["OPT_FAST=-O2 -march=native", "OPT_GLOBAL=-O2"], True: ["OPT_FAST=-O0", "OPT_GLOBAL=-O2"]}


class _IcarusRunner(Icarus):
    """cocotb's runner for Icarus, with our environment and waveform name."""

    def __init__(self, environment: dict[str, str], waveform: Path) -> None:
        super().__init__()
        self._environment, self._waveform = environment, waveform

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env.update(self._environment)

    def _test_command(self) -> list[list[str]]:
        self.plusargs = [f"+dumpfile_path={self._waveform}", *self.plusargs]
        return super()._test_command()


class _VerilatorRunner(Verilator):
    """cocotb's runner for Verilator: no --public-flat-rw, our Verilator, one run-time library for all designs."""

    def __init__(self, environment: dict[str, str], waveform: Path, *, quick: bool) -> None:
        super().__init__()
        self._tool = verilator.find()
        self._environment = environment | self._tool.environment
        self._waveform, self._quick = waveform, quick

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env.update(self._environment)

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(self._tool.executable)

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        # only the main program has the header: the rest is compiled as ever
        main = "verilator.o: CXXFLAGS += -include main.h"
        # cocotb knows the option for VCD alone
        fst = waveform_format() == "fst"
        kept = ["--trace-fst" if fst and argument == "--trace" else argument for argument in verilate]
        return [
            [argument for argument in kept if argument != "--public-flat-rw"],
            [*make, f"--eval={main}", *OPTIMIZE[self._quick]],
        ]

    def _test_command(self) -> list[list[str]]:
        if self.waves:
            self.test_args = ["--trace-file", str(self._waveform), *self.test_args]
        return super()._test_command()

    def _execute_cmds(
        self, cmds: Sequence[list[str]], cwd: os.PathLike[str] | str, stdout: TextIO | None = None
    ) -> None:
        if len(cmds) != 2:
            super()._execute_cmds(cmds, cwd, stdout)
            return
        super()._execute_cmds(cmds[:1], cwd, stdout)
        # Verilator's run-time library does not depend on the design: compile it once
        objects, shared = self._library()
        for name in objects:
            if (shared / name).is_file():
                shutil.copyfile(shared / name, self.build_dir / name)
        super()._execute_cmds(cmds[1:], cwd, stdout)
        shared.mkdir(parents=True, exist_ok=True)
        for name in objects:
            if not (shared / name).exists():
                temporary = shared / f".{name}.{os.getpid()}"
                shutil.copyfile(self.build_dir / name, temporary)
                temporary.replace(shared / name)

    def _library(self) -> tuple[list[str], Path]:
        """Object files of the run-time library, and the folder of those compiled before in the same manner."""
        text = (self.build_dir / "Vtop_classes.mk").read_text()
        objects = re.search(r"VM_GLOBAL_FAST \+= \\\n(.*?)\n\n", text, re.DOTALL)
        switches = re.findall(r"^VM_\w+ = \d$", text, re.MULTILINE)
        manner = repr((switches, VERILATOR_ARGS, OPTIMIZE[self._quick], str(self._tool.executable), self._tool.version))
        names = [f"{name}.o" for name in objects[1].replace("\\", " ").split()] if objects else []
        return names, BUILDS / f"library-{hashlib.sha256(manner.encode()).hexdigest()[:16]}"


def _runner(simulation: Simulation, environment: dict[str, str], waveform: Path) -> Runner:
    if simulation.simulator == "icarus":
        return _IcarusRunner(environment, waveform)
    return _VerilatorRunner(environment, waveform, quick=simulation.quick)


def _build(runner: Runner, simulation: Simulation, folder: Path, waves: bool) -> Path:
    """Build, unless the same content is there already; say where."""
    verilating = simulation.simulator == "verilator"
    tool = verilator.find().version if verilating else ""

    def make(place: Path) -> None:
        for file, content in simulation.files.items():
            (place / file).write_text(content)
        sources = [place / file for file in simulation.files]
        if verilating:
            (place / "public.vlt").write_text(simulation.control_file())
            (place / "main.h").write_text(simulation.header)
            sources.append(place / "public.vlt")
        try:
            runner.build(
                sources=sources,
                hdl_toplevel=simulation.top,
                build_dir=place,
                build_args=VERILATOR_ARGS if verilating else _ICARUS_ARGS,
                waves=waves,
                always=True,
                log_file=place / LOG,
                timescale=("1ns", "1ns"),
            )
        except (RuntimeError, SystemExit) as error:
            raise failure(simulation.top, place) from error

    content = (simulation, waves and waveform_format(), VERILATOR_ARGS, _ICARUS_ARGS, OPTIMIZE, tool)
    return build_once(folder, simulation.top, content, make)


def label_of(module: str, name: str | None) -> str:
    """Name results and waveform: as given, else like the running pytest test, else like the module."""
    current = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    # folder/test_block.py::test_function[case] -> test_block-test_function-case
    text = name or re.sub(r"^.*/|\.py", "", current).replace("::", "-") or module.rsplit(".", 1)[-1]
    return re.sub(r"[^\w.+-]+", "-", text).strip("-")


def run(
    simulation: Simulation,
    module: str,
    folder: Path = BUILDS,
    *,
    environment: dict[str, str] | None = None,
    plusargs: list[str] | None = None,
    tests: str | None = None,
    name: str | None = None,
) -> None:
    """Build a simulation, unless the same one is there already, and run the cocotb tests of a module in it.

    Parameters
    ----------
    simulation : Simulation
        What to build.
    module : str
        Python module with the cocotb tests.
    folder : Path
        Folder under which builds are kept, one per content.
    environment : dict of str to str, optional
        Variables for the tests; they win over those of this process.
    plusargs : list of str, optional
        Arguments for the simulation.
    tests : str, optional
        Regular expression that selects tests.
    name : str, optional
        Name of results and waveform, the running pytest test's by default.

    Raises
    ------
    SimulatorError
        If the simulator is unknown or missing.
    sim.build.BuildError
        If the simulation cannot be built.
    AssertionError
        If a test failed, or none ran.
    """
    check(simulation.simulator)
    label, waves = label_of(module, name), simulation.waves or waves_wanted()
    suffix = "fst" if simulation.simulator == "icarus" else waveform_format()
    waveform = (WAVES / f"{label}.{suffix}").resolve()
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    extra = {"PYTHONPATH": path, "WAVES": str(int(waves)), "COCOTB_ANSI_OUTPUT": "0", **(environment or {})}
    runner = _runner(simulation, extra, waveform)
    build = _build(runner, simulation, folder, waves)
    if waves:
        waveform.parent.mkdir(parents=True, exist_ok=True)
    print(f"SEED={seed()} SIM={simulation.simulator} {label} in {build}")
    results = build / f"{label}.xml"
    results.unlink(missing_ok=True)
    crashed = ""
    try:
        runner.test(
            test_module=module,
            hdl_toplevel=simulation.top,
            hdl_toplevel_lang="verilog",
            build_dir=build,
            test_dir=build,
            results_xml=str(results),
            waves=waves,
            plusargs=plusargs or [],
            test_filter=tests,
            seed=seed(),
        )
    except (RuntimeError, SystemExit) as error:
        crashed = f" ({error})"
    where = f"SEED={seed()}, see {build}"
    assert results.is_file(), f"the simulation of {module} ended without results{crashed} ({where})"
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    failed = [
        str(case.get("name")) for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    ran = [case for case in cases if case.find("skipped") is None]
    assert ran, f"no cocotb test ran in {module} ({where})"
    assert not failed, f"cocotb tests failed in {module}: {', '.join(failed)} ({where})"
    assert not crashed, f"the simulation of {module} ended badly{crashed} ({where})"
