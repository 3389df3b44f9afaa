"""Several machines in one design: every name that a design has once begins with a machine's prefix."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from gen import config as configs
from gen import generated, verilog
from gen.names import Names
from golden.lib.errors import UserError
from sim import lint, runner, verilator
from sim.random_config import random_config
from sim.verilated import Verilated

#: Two machines, of which one has the same configuration as the machine without a prefix.
_PREFIXES = ("nova", "lux_2")

_CORE = """\
CAPI=2:
name: "elsewhere:chip:pair:1.0"
filesets:
  rtl:
    files: [pair.sv]
    file_type: systemVerilogSource
    depend: [{depends}]
targets:
  lint:
    filesets: [rtl]
    toplevel: pair
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
"""


@cache
def _machines() -> dict[str, dict[str, str]]:
    found = {"nova": configs.load("tiny"), "lux_2": random_config(runner.seed(), 1)}
    machines = {prefix: generated.machine(config, prefix, prefix) for prefix, config in found.items()}
    return machines | {"mtj_gxnor": generated.machine(configs.load("tiny"), "tiny")}


def _pair() -> str:
    """Instances of all machines side by side, whose ports come out."""
    ports, instances = [], []
    for prefix, files in _machines().items():
        described = json.loads(files["manifest.json"])
        for name, port in described["modules"][described["bus"]]["ports"].items():
            ports.append(f"{port['direction']} wire [{port['width'] - 1}:0] {prefix}__{name}")
        wires = ", ".join(f".{port.split('__')[1]}({port.split()[-1]})" for port in ports if f" {prefix}__" in port)
        instances.append(f"  {prefix}_axi {prefix}_machine ({wires});")
    return f"module pair ({', '.join(ports)});\n" + "\n".join(instances) + "\nendmodule\n"


def _file(prefix: str, name: str) -> str:
    return Names(prefix).file(name)


def test_names() -> None:
    """No name of the usual machine is left, in no file and as no file, but those of the C driver."""
    for prefix in _PREFIXES:
        files = _machines()[prefix]
        text = "".join(files.values())
        assert set(re.findall(r"mtj_gxnor\w*", text)) == {"mtj_gxnor_driver", "mtj_gxnor_design"}
        shared = {"files.f", "periphery.f", "manifest.json"}
        assert {name for name in files if not name.startswith(prefix)} == shared
        assert f'\nname: "mtj-gxnor:machine:{prefix}:' in files[f"{prefix}.core"]
        assert set(files["files.f"].split()) == {name for name in files if name.endswith(".v")}
    assert {"array.v", "mtj_gxnor_pkg.sv", "mtj_gxnor.core", "bench.sv"} <= _machines()["mtj_gxnor"].keys()


def test_in_one_folder(tmp_path: Path) -> None:
    """All files of all machines lie together, and Verilator and Yosys read them as one design without a word."""
    sources = []
    for files in _machines().values():
        verilog.write(files, tmp_path)
        sources += [name for name in files if name.endswith((".sv", ".v")) and "bench" not in name]
    sources = sorted(sources, key=lambda name: not name.endswith(".sv"))
    verilog.write({"pair.v": _pair()}, tmp_path)
    tool = verilator.find()
    waivers = [_file(prefix, "waivers.vlt") for prefix in _machines()]
    command = [tool.executable, "--lint-only", "-Wall", "--top-module", "pair", *waivers, *sources, "pair.v"]
    code, output = lint.run(command, tmp_path, tool.environment)
    assert (code, [line for line in output.splitlines() if line.startswith("%")]) == (0, [])
    assert lint.with_yosys(tmp_path, [*sources, "pair.v"], "pair") == []


def test_headers(tmp_path: Path) -> None:
    """A C program has the sizes of all machines."""
    members = []
    for prefix, files in _machines().items():
        verilog.write(files, tmp_path)
        members.append(f'#include "{prefix}_design.h"')
    machines = ", ".join(Names(prefix).macro("DESIGN") for prefix in _machines())
    members += ['#include "mtj_gxnor_driver.h"', f"const mtj_gxnor_design machines[] = {{{machines}}};"]
    (tmp_path / "program.c").write_text("\n".join(members) + "\n")
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "program.c"]
    include = f"-I{runner.ROOT / 'fpga' / 'c'}"
    finished = subprocess.run([*command, include], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_cores(tmp_path: Path) -> None:
    """A FuseSoC project depends on several machines, and its lint says nothing."""
    for prefix, files in _machines().items():
        verilog.write(files, tmp_path / "cores" / prefix)
    depends = ", ".join(f'"mtj-gxnor:machine:{prefix}"' for prefix in (*_PREFIXES, "tiny"))
    verilog.write({"pair.core": _CORE.format(depends=depends), "pair.sv": _pair()}, tmp_path / "cores" / "pair")
    code, output = lint.run(
        [
            sys.executable,
            "-m",
            "fusesoc.main",
            "--cores-root",
            "cores",
            "run",
            "--target",
            "lint",
            "elsewhere:chip:pair",
        ],
        tmp_path,
        verilator.on_path() | {"HOME": str(tmp_path)},
    )
    assert code == 0, output
    assert "%Warning" not in output


def test_simulated(tmp_path: Path) -> None:
    """A machine with a prefix runs as any other: the manifest says what it is called."""
    verilog.write(_machines()["nova"], tmp_path)
    machine = Verilated(tmp_path, quick=True)
    assert machine.read(0) == 0x4D544A47
    machine.close()


@pytest.mark.parametrize("prefix", ["", "2fast", "a-b", "é", "a b"])
def test_bad_prefixes(prefix: str, tmp_path: Path) -> None:
    """One line says what a prefix is, and nothing is written."""
    with pytest.raises(UserError, match=rf"^a prefix must be a Verilog identifier, not {re.escape(repr(prefix))}$"):
        Names(prefix)


def test_command_line(tmp_path: Path) -> None:
    """The folder is called after the prefix; a bad one ends with one line."""
    command = [sys.executable, "-m", "mtj_gxnor", "verilog", "--config", "tiny", "--prefix"]
    for prefix, code in (("nova", 0), ("2fast", 1)):
        finished = subprocess.run(
            [*command, prefix],
            cwd=tmp_path,
            env={"PYTHONPATH": str(runner.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == code, finished.stderr
    assert finished.stderr == "error: a prefix must be a Verilog identifier, not '2fast'\n"
    assert [folder.name for folder in (tmp_path / "build" / "verilog").iterdir()] == ["nova"]
    shutil.rmtree(tmp_path / "build")
