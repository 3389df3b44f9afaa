"""Build a simulation of generated Verilog once per content, run cocotb tests in it, and fail when they fail.

Environment: ``SEED`` is the random seed (default 1); ``WAVES=1`` records one waveform per run of a simulation, named
after the test, under ``build/waves``.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cocotb_tools import config
from cocotb_tools.runner import Icarus, Runner, Verilator

from golden.lib.build_once import build_once
from golden.lib.errors import UserError
from sim import verilate
from sim.build import LOG, failure

#: Where the packages are, on the path of the Python inside a simulation.
ROOT = Path(__file__).resolve().parents[1]
#: Where simulations are built, one folder per content, and where waveforms go.
BUILDS, WAVES = Path("build/sim"), Path("build/waves")

#: Settings of cocotb. By default pytest rewrites every module that is imported, NumPy's too: two seconds a start.
_COCOTB = {"COCOTB_ANSI_OUTPUT": "0", "COCOTB_REWRITE_ASSERTION_FILES": "test_*.py"}

#: Simulators that the tests know.
SIMULATORS = ("verilator", "icarus")


class SimulatorError(UserError):
    """A simulator is unknown or missing; the message is one line."""


def check(simulator: str) -> None:
    """Raise `SimulatorError` when a simulator is unknown or missing."""
    if simulator not in SIMULATORS:
        raise SimulatorError(f"unknown simulator {simulator!r}: give one of {', '.join(SIMULATORS)}")
    if simulator == "icarus" and shutil.which("iverilog") is None:
        raise SimulatorError("icarus needs Icarus Verilog: install the package iverilog (apt-get install iverilog)")


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


def waveform_file(label: str, simulator: str) -> Path:
    """Where the waveform of a run goes that has this name."""
    return WAVES / f"{label}.{'fst' if simulator == 'icarus' else waveform_format()}"


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


#: Verilog files as Verilog 2005: there an initial value is an event, which starts combinational blocks at time 0.
_ICARUS_ARGS = ["-g2005"]


class _OurRunner(Runner):
    """cocotb's runner with our environment and waveform name."""

    def __init__(self, environment: dict[str, str], waveform: Path) -> None:
        super().__init__()
        self._environment, self._waveform = environment, waveform

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env.update(self._environment)


class _IcarusRunner(_OurRunner, Icarus):
    """That for Icarus."""

    def _test_command(self) -> list[list[str]]:
        self.plusargs = [f"+dumpfile_path={self._waveform}", *self.plusargs]
        return super()._test_command()


class _VerilatorRunner(_OurRunner, Verilator):
    """That for Verilator, which runs what `sim.verilate` has built."""

    def _test_command(self) -> list[list[str]]:
        if self.waves:
            self.test_args = ["--trace-file", str(self._waveform), *self.test_args]
        return super()._test_command()


def _runner(simulation: Simulation, environment: dict[str, str], waveform: Path) -> Runner:
    if simulation.simulator == "icarus":
        return _IcarusRunner(environment, waveform)
    return _VerilatorRunner(environment, waveform)


def _build(runner: Runner, simulation: Simulation, folder: Path, waves: bool) -> Path:
    """Build, unless the same content is there already; say where."""
    if simulation.simulator == "verilator":
        return verilate.build(_model(simulation, waves), folder).parent

    def make(place: Path) -> None:
        for file, content in simulation.files.items():
            (place / file).write_text(content)
        try:
            runner.build(
                sources=[place / file for file in simulation.files],
                hdl_toplevel=simulation.top,
                build_dir=place,
                build_args=_ICARUS_ARGS,
                waves=waves,
                always=True,
                log_file=place / LOG,
                timescale=("1ns", "1ns"),
            )
        except (RuntimeError, SystemExit) as error:
            raise failure(simulation.top, place) from error

    return build_once(folder, simulation.top, (simulation, waves, _ICARUS_ARGS), make)


def _model(simulation: Simulation, waves: bool) -> verilate.Model:
    """Put a simulation together with cocotb's main program and library."""
    main = config.share_dir / "lib" / "verilator" / "verilator.cpp"
    options = ["--vpi", "--timing", "--timescale", "1ns/1ns", *([f"--trace-{waveform_format()}"] if waves else [])]
    libraries = f"-Wl,-rpath,{config.libs_dir}", f"-L{config.libs_dir}", "-lcocotbvpi_verilator"
    return verilate.Model(
        simulation.top,
        simulation.files | {"public.vlt": simulation.control_file()},
        simulation.header + main.read_text(),
        simulation.top,
        options=tuple(options),
        libraries=libraries,
        quick=simulation.quick,
    )


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
    waveform = waveform_file(label, simulation.simulator).resolve()
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    extra = {"PYTHONPATH": path, "WAVES": str(int(waves)), **_COCOTB, **(environment or {})}
    runner = _runner(simulation, extra, waveform)
    build = _build(runner, simulation, folder, waves)
    if waves:
        waveform.parent.mkdir(parents=True, exist_ok=True)
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
