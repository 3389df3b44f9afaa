"""Build a simulation of generated Verilog once per content, run cocotb tests in it, and fail when they fail."""

import hashlib
import os
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from cocotb_tools.runner import Runner, get_runner

from gen import verilator

#: Simulators that the tests know.
SIMULATORS = ("verilator", "icarus")


class SimulatorError(RuntimeError):
    """A simulator is unknown or missing; the message is one line."""


def check(simulator: str) -> None:
    """Raise `SimulatorError` when a simulator is unknown or missing."""
    if simulator not in SIMULATORS:
        raise SimulatorError(f"unknown SIM={simulator!r}: give one of {', '.join(SIMULATORS)}")
    if simulator == "icarus" and shutil.which("iverilog") is None:
        raise SimulatorError("SIM=icarus needs Icarus Verilog: install the package iverilog (apt-get install iverilog)")


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
        What Verilator must keep visible; the top level's ports are.
    waves : bool
        Whether waveforms can be recorded.
    """

    top: str
    files: dict[str, str]
    simulator: str = "verilator"
    public: tuple[tuple[str, str, bool], ...] = field(default=())
    waves: bool = False

    def control_file(self) -> str:
        """Write the control file that takes the place of cocotb's --public-flat-rw."""
        lines = ["`verilator_config"]
        for module, variable, writable in self.public:
            kind = "public_flat_rw" if writable else "public_flat_rd"
            lines.append(f'{kind} -module "{module}" -var "{variable}"')
        return "\n".join(lines) + "\n"


#: Verilator speed and language options; waivers are in the control file of `gen.lint`.
_VERILATOR_ARGS = ["--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3", "-CFLAGS", "-O2 -march=native -std=c++20"]


class _Verilator:
    """cocotb's runner, with the control file in the place of --public-flat-rw and our Verilator in front."""

    @staticmethod
    def prepare(runner: Runner) -> None:
        found = verilator.find()
        os.environ.update(found.environment)
        original = runner._build_command

        def build_command() -> list[list[str]]:
            commands = [[argument for argument in command if argument != "--public-flat-rw"] for command in original()]
            commands[0][0] = "perl" if found.executable.suffix == ".pl" else commands[0][0]
            return commands

        os.environ["PATH"] = f"{found.executable.parent}{os.pathsep}{os.environ['PATH']}"
        runner._build_command = build_command  # type: ignore[method-assign]


def run(
    simulation: Simulation,
    module: str,
    folder: Path,
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
        Variables for the tests.
    plusargs : list of str, optional
        Arguments for the simulation.
    tests : str, optional
        Regular expression that selects tests.
    name : str, optional
        Name of results and waveform, the module's last part by default.

    Raises
    ------
    AssertionError
        If a test failed, or none ran.
    """
    check(simulation.simulator)
    runner = get_runner(simulation.simulator)
    key = hashlib.sha256(repr((simulation, _VERILATOR_ARGS)).encode()).hexdigest()[:16]
    build = folder / f"{simulation.top}-{key}"
    build.mkdir(parents=True, exist_ok=True)
    if simulation.simulator == "verilator":
        _Verilator.prepare(runner)
    if not (build / "built").exists():
        for file, content in simulation.files.items():
            (build / file).write_text(content)
        (build / "public.vlt").write_text(simulation.control_file())
        sources: list[Path] = [build / file for file in simulation.files]
        verilating = simulation.simulator == "verilator"
        runner.build(
            sources=[*sources, build / "public.vlt"] if verilating else sources,
            hdl_toplevel=simulation.top,
            build_dir=build,
            build_args=[*_VERILATOR_ARGS, "--build-jobs", "2"] if verilating else ["-g2012"],
            waves=simulation.waves,
            always=True,
            log_file=build / "build.log",
            timescale=("1ns", "1ns"),
        )
        (build / "built").touch()
    label = name or module.rsplit(".", 1)[-1]
    results = runner.test(
        test_module=module,
        hdl_toplevel=simulation.top,
        hdl_toplevel_lang="verilog",
        build_dir=build,
        test_dir=build,
        results_xml=f"{label}.xml",
        waves=simulation.waves,
        plusargs=plusargs or [],
        extra_env=environment or {},
        test_filter=tests,
    )
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    failed = [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    assert cases, f"no cocotb test ran in {module}"
    assert not failed, f"cocotb tests failed in {module}: {', '.join(map(str, failed))} (see {build})"
