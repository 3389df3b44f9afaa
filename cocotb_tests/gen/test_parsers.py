"""The generated Verilog, and the examples around it, as four tools that share no code read and elaborate them."""

import re
import shutil
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pyslang
import pytest

from gen import config as configs
from gen import constants, generated, verilog
from sim import lint, runner, verilator
from sim.random_config import random_config

_EXAMPLES = Path(verilog.__file__).parents[1] / "fpga" / "examples"

#: Top level -> files that it needs besides the machine.
_TOPS = {
    verilog.AXI: (),
    "mtj_gxnor_bench": (constants.FILE, "bench.sv"),
    "mtj_gxnor_subsystem": (constants.FILE, "mtj_gxnor_subsystem.sv"),
}
#: Rules of Verilator that the generated files name. Whoever adds one looks whether 5.006, of Debian 12, knows it.
_RULES_OF_5_006 = {
    *("CASEINCOMPLETE", "DECLFILENAME", "PINCONNECTEMPTY", "SYMRSVDWORD", "UNUSEDPARAM", "UNUSEDSIGNAL"),
}
#: What slang may warn of; `gen/waivers.vlt` says why most of it is no defect.
_SLANG = {
    (".v", "SignConversion"),  # constants without a sign beside signed numbers, in arithmetic modulo 2^n
    (".v", "ArithOpMismatch"),  # likewise
    (".v", "CaseDefault"),  # a default is assigned before the case statement
    (".v", "WidthTruncate"),  # update shifts of layers, shifted out of the packed ones
    (".sv", "EmptyOutputPortConn"),  # the bench has no use for the streams
}


@cache
def _machine() -> dict[str, str]:
    return generated.machine(configs.load("tiny"), "tiny")


@pytest.fixture(params=_TOPS)
def top(request: pytest.FixtureRequest) -> str:
    """A top level."""
    return request.param


@pytest.fixture
def files(tmp_path: Path, top: str) -> list[str]:
    """Files of a top level in the order of compilation; they are in the test's folder."""
    verilog.write(_machine(), tmp_path)
    for example in _EXAMPLES.glob("*.sv"):
        shutil.copy(example, tmp_path)
    package = [name for name in _TOPS[top] if name == constants.FILE]
    return [*package, *_machine()["files.f"].split(), *(name for name in _TOPS[top] if name not in package)]


def test_verilator(tmp_path: Path, files: list[str], top: str) -> None:
    """Verilator, all warnings on, says nothing but what is waived."""
    assert lint.with_verilator(tmp_path, files, top) == []


def test_verilator_as_users_run_it(tmp_path: Path) -> None:
    """Without options, and with all warnings and the waivers beside the Verilog; machines of all kinds."""
    for number in range(2):
        config = random_config(runner.seed(), number)
        verilog.write(generated.machine(config, f"lint{number}"), tmp_path)
        assert lint.as_users_run_it(tmp_path, verilog.AXI) == []
    text = (tmp_path / "axi.v").read_text()
    (tmp_path / "axi.v").write_text(text.replace("lint_off CASEINCOMPLETE", ""))
    assert "CASEINCOMPLETE" in lint.as_users_run_it(tmp_path, verilog.AXI)[0]


def test_no_loops(tmp_path: Path) -> None:
    """Verilator, when it orders what it simulates, finds no loop of combinational logic, and nothing else."""
    verilog.write(_machine(), tmp_path)
    tool = verilator.find()
    command = [tool.executable, "--cc", "-Wall", "--top-module", verilog.AXI, "waivers.vlt", "-f", "files.f"]
    code, output = lint.run(command, tmp_path, tool.environment)
    assert (code, [line for line in output.splitlines() if line.startswith("%")]) == (0, [])


def test_oldest_verilator(tmp_path: Path) -> None:
    """Verilator 5.006 takes the waivers: it knows all names in them. Where an older one is on PATH, it says nothing."""
    files = _machine()
    named = "".join(content for name, content in files.items() if name.endswith((".v", ".vlt")))
    assert set(re.findall(r"(?:-rule|lint_off) ([A-Z]+)", named)) == _RULES_OF_5_006
    system = shutil.which("verilator")
    if system is None:
        pytest.skip("no verilator on PATH but that of the environment")
    verilog.write(files, tmp_path)
    command = [system, "--lint-only", "-Wall", "--timing", "--top-module", "mtj_gxnor_bench", "waivers.vlt"]
    command += [constants.FILE, *files["files.f"].split(), "bench.sv"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_yosys(tmp_path: Path, files: list[str], top: str) -> None:
    """Yosys says nothing; a bench is nothing for a synthesizer."""
    if top == "mtj_gxnor_bench":
        pytest.skip("a bench has no netlist")
    assert lint.with_yosys(tmp_path, files, top) == []


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_icarus(tmp_path: Path, files: list[str], top: str) -> None:
    """Icarus elaborates without a word."""
    command = ["iverilog", "-g2012", "-Wall", "-Wno-timescale", "-s", top, "-o", "/dev/null", *files]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout + finished.stderr) == (0, "")


def test_slang(tmp_path: Path, files: list[str], top: str) -> None:
    """Slang finds no error, and warns of known kinds of things alone."""
    driver = pyslang.driver.Driver()
    driver.addStandardArgs()
    assert driver.parseCommandLine(
        " ".join(["slang", "-Weverything", "--top", top, *(str(tmp_path / f) for f in files)])
    )
    assert driver.processOptions()
    assert driver.parseAllSources()
    found = list(driver.createCompilation().getAllDiagnostics())
    assert not [diagnostic for diagnostic in found if diagnostic.isError()]
    kinds = Counter(
        (Path(driver.sourceManager.getFileName(diagnostic.location)).suffix, str(diagnostic.code).split("(")[-1][:-1])
        for diagnostic in found
    )
    assert kinds.keys() <= _SLANG, kinds
    assert kinds[".v", "WidthTruncate"] <= 1


def test_slang_sees_errors(tmp_path: Path) -> None:
    """A module that does not exist is found."""
    verilog.write(
        _machine() | {"axi.v": _machine()["axi.v"].replace("  mtj_gxnor_top machine (", "  none machine (")}, tmp_path
    )
    driver = pyslang.driver.Driver()
    driver.addStandardArgs()
    names = " ".join(str(tmp_path / name) for name in _machine()["files.f"].split())
    assert driver.parseCommandLine(f"slang --top {verilog.AXI} {names}")
    assert driver.processOptions()
    assert driver.parseAllSources()
    assert [diagnostic for diagnostic in driver.createCompilation().getAllDiagnostics() if diagnostic.isError()]
