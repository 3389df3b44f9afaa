"""What other projects include a machine by: file lists, the FuseSoC core, constants for SystemVerilog."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cocotb_tests.machine import slow_array
from gen import config as configs
from gen import constants, generated, packages, verilog
from gen.names import Names
from golden.sequencer import HostOp
from hdl.array.array_interface import ArrayOp
from sim import verilator

_EXAMPLES = Path(verilog.__file__).parents[1] / "fpga" / "examples"
#: The core of a project that brings an array of its own.
_CORE = """\
CAPI=2:
name: "elsewhere:chip:macro:1.0"
filesets:
  macro:
    files: [macro.v]
    file_type: systemVerilogSource
    depend: ["mtj-gxnor:machine:tiny"]
targets:
  default: &default
    filesets: [macro]
    toplevel: mtj_gxnor_axi
  lint:
    <<: *default
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [{options}]
"""


@cache
def _machine() -> dict[str, str]:
    return generated.machine(configs.load("tiny"), "tiny")


def _fusesoc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run FuseSoC in a folder; cores are in its folder `cores`, nothing comes from a network."""
    tool = verilator.find()
    environment = os.environ | tool.environment
    # a bench is short
    environment["MAKEFLAGS"] = f"{tool.environment.get('MAKEFLAGS', '')} OPT_FAST=-O0 OPT_GLOBAL=-O0".strip()
    environment |= {"PATH": verilator.on_path()["PATH"], "HOME": str(folder)}
    environment |= {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
    return subprocess.run(
        [sys.executable, "-m", "fusesoc.main", "--cores-root", "cores", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_lists() -> None:
    """One list of all Verilog, in the order of compilation, and one without the array."""
    files = _machine()
    every, rest = files["files.f"].split(), files["periphery.f"].split()
    assert {name for name in files if name.endswith(".v")} == set(every)
    assert [name for name in every if name != "array.v"] == rest


def test_constants() -> None:
    """Every constant is what the manifest says."""
    described = json.loads(_machine()["manifest.json"])
    array, bus = (described["modules"][name]["ports"] for name in (verilog.ARRAY, verilog.AXI))
    text = _machine()[constants.FILE]
    found = {
        name: int(value.split("'h")[-1], 16 if "'h" in value else 10)
        for name, value in re.findall(r"localparam [\w \[\]:]+? (\w+) = (\S+);", text)
    }
    assert text.count("localparam") == len(found)
    expected = {f"REG_{name}": register["address"] for name, register in described["registers"].items()}
    expected |= {f"OP_{op.name}": op.value for op in HostOp} | {f"ARRAY_OP_{op.name}": op.value for op in ArrayOp}
    expected |= {
        f"ARRAY_{name.removeprefix('macro__').upper()}_BITS": port["width"]
        for name, port in array.items()
        if name not in ("clk", "rst") and "command" not in name
    }
    for name, field in array["macro__command__payload"]["fields"].items():
        expected[f"ARRAY_COMMAND_{name.upper()}_LSB"] = field["offset"]
        expected[f"ARRAY_COMMAND_{name.upper()}_BITS"] = field["width"]
    assert found == expected | {
        "INPUTS": 10,
        "CLASSES": 3,
        "LAYERS": 3,
        "ROWS": described["derived"]["rows"],
        "LANES": described["config"]["array"]["lanes"],
        "GROUP": described["config"]["array"]["group"],
        "ADDRESS_BITS": bus["s_axi_araddr"]["width"],
        "DATA_BITS": bus["s_axi_rdata"]["width"],
        "TDATA_BITS": bus["m_axis_tdata"]["width"],
        "ID_VALUE": described["registers"]["ID"]["fields"]["VALUE"]["reset"],
        "DESIGN_VALUE": int(described["design"], 16),
        "ARRAY_COMMAND_BITS": array["macro__command__payload"]["width"],
    }


def test_name() -> None:
    """Whatever a configuration is called, its core has a name that FuseSoC takes."""
    described = json.loads(_machine()["manifest.json"])["modules"]
    core = packages.files("a b:c", "1.2.3", 0, described, Names())[packages.CORE]
    assert '\nname: "mtj-gxnor:machine:a_b_c:1.2.3"\n' in core


def test_lint(tmp_path: Path) -> None:
    """FuseSoC's lint finds nothing."""
    verilog.write(_machine(), tmp_path / "cores")
    finished = _fusesoc(tmp_path, "run", "--target", "lint", "mtj-gxnor:machine:tiny")
    assert finished.returncode == 0, finished.stdout
    assert "%Warning" not in finished.stdout


def test_sim(tmp_path: Path) -> None:
    """The bench passes."""
    verilog.write(_machine(), tmp_path / "cores")
    finished = _fusesoc(tmp_path, "run", "--target", "sim", "mtj-gxnor:machine:tiny")
    assert finished.returncode == 0, finished.stdout
    assert "mtj_gxnor_bench: passed" in finished.stdout


@pytest.mark.parametrize("options", ["", "-Wall"])
def test_dependent(options: str, tmp_path: Path) -> None:
    """Lint of a project that has the machine in it finds nothing, whatever it turns on: the waivers come along."""
    verilog.write(_machine(), tmp_path / "cores" / "machine")
    core = _CORE.format(options=options).replace("toplevel: mtj_gxnor_axi", "toplevel: mtj_gxnor_subsystem")
    subsystem = (_EXAMPLES / "mtj_gxnor_subsystem.sv").read_text()
    files = {"macro.core": core.replace("macro.v", "mtj_gxnor_subsystem.sv"), "mtj_gxnor_subsystem.sv": subsystem}
    verilog.write(files, tmp_path / "cores" / "macro")
    finished = _fusesoc(tmp_path, "run", "--target", "lint", "elsewhere:chip:macro")
    assert finished.returncode == 0, finished.stdout
    assert "%Warning" not in finished.stdout


def test_external_array(tmp_path: Path) -> None:
    """A project with an array of its own leaves the behavioural one out by a flag, and must bring one then."""
    verilog.write(_machine(), tmp_path / "cores" / "machine")
    macro = slow_array.write(configs.load("tiny"), json.loads(_machine()["manifest.json"]))
    verilog.write({"macro.core": _CORE.format(options=""), "macro.v": macro}, tmp_path / "cores" / "macro")
    flag, target = ("--flag", packages.EXTERNAL), ("--target", "lint")
    finished = _fusesoc(tmp_path, "run", *flag, *target, "elsewhere:chip:macro")
    assert finished.returncode == 0, finished.stdout
    assert "%Warning" not in finished.stdout
    twice = _fusesoc(tmp_path, "run", *target, "elsewhere:chip:macro")
    assert "mtj_gxnor_array" in twice.stdout
    missing = _fusesoc(tmp_path, "run", *flag, *target, "mtj-gxnor:machine:tiny")
    assert missing.returncode != 0
    assert "Cannot find file containing module: 'mtj_gxnor_array'" in missing.stdout
