"""Generated files: the same bytes everywhere, written only when changed, described by their manifest."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cocotb_tests.kit.command_line import call
from gen import blocks, manifest, verilog
from gen import config as configs
from golden.config import MachineConfig, variant
from golden.counters import COUNTERS
from sim.random_config import random_config

ROOT = Path(verilog.__file__).resolve().parents[1]


def _configs() -> dict[str, MachineConfig]:
    """The small named configuration, and one of every synapse and write scheme."""
    return {"tiny": configs.load("tiny"), **{f"random{n}": random_config(32, n) for n in range(4)}}


@cache
def _machine(title: str) -> dict[str, str]:
    return verilog.machine_files(_configs()[title], title)


@cache
def _block(block: str) -> dict[str, str]:
    return verilog.block_files(_configs()["tiny"], "tiny", block)


def _modules(text: str) -> Iterator[tuple[str, str]]:
    """Name and body of every module of a Verilog file."""
    for found in re.finditer(r"^module (\S+?) ?\((.*?)^endmodule", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def _header_ports(body: str) -> dict[str, tuple[str, int]]:
    """Port -> direction, width, read from the header."""
    header = body.split("\n);", 1)[0]
    ports = {}
    for line in header.strip().splitlines():
        found = re.fullmatch(
            r"  (input|output) (?:wire|reg) (?:\[(\d+):0\] )?(\S+) ?(?: = \d+'h[0-9a-f]+)?,?", f"  {line.strip()}"
        )
        assert found, line
        # the backslash is Verilog's, where a port is called like a keyword
        ports[found[3].rstrip(",").lstrip("\\")] = found[1], int(found[2] or 0) + 1
    return ports


def _check_ports(files: dict[str, str], top: str) -> None:
    described = json.loads(files["manifest.json"])
    assert described["top"] == top
    assert files["files.f"].split() == [module["file"] for module in described["modules"].values()]
    for name, module in described["modules"].items():
        bodies = [body for found, body in _modules(files[module["file"]]) if found == name]
        assert len(bodies) == 1
        found = _header_ports(bodies[0])
        # a port of no width does not exist in Verilog
        wanted = {port: entry for port, entry in module["ports"].items() if entry["width"]}
        assert found.keys() == wanted.keys()
        for port, (direction, width) in found.items():
            entry = wanted[port]
            assert (entry["direction"], entry["width"]) == (direction, width), port
            assert len(entry["meaning"]) > 5, f"{name}.{port} has no meaning"
            _check_layout(port, entry)


def _check_layout(name: str, entry: dict[str, Any]) -> None:
    """Fields and elements fill the width without overlap."""
    fields = entry.get("fields", {})
    taken = sorted((field["offset"], field["offset"] + field["width"]) for field in fields.values())
    assert all(end <= start for (_, end), (start, _) in pairwise(taken)), name
    if fields:
        assert (taken[0][0], taken[-1][1]) == (0, entry["width"]), name
    if "elements" in entry:
        assert entry["elements"]["count"] * entry["elements"]["width"] == entry["width"], name
        _check_layout(name, entry["elements"])
    for field, inner in fields.items():
        _check_layout(f"{name}.{field}", inner)


def _check_text(files: dict[str, str]) -> None:
    """No file says where it was made; no module needs an escaped name."""
    for name, text in files.items():
        assert text.endswith("\n")
        for folder in {str(ROOT), str(Path.home()), sys.prefix, os.environ.get("TMPDIR", "/tmp")} - {"/"}:
            assert folder not in text, (name, folder)
        assert not re.search(r"""(?<![\w./*])/(?:[\w.-]+/)+[\w.-]+""", text), name
        if name.endswith(".v"):
            modules = [module for module, _ in _modules(text)]
            assert len(modules) == len(set(modules)) == len(re.findall(r"^endmodule", text, re.MULTILINE)) > 0
            assert all(re.fullmatch(r"[A-Za-z_]\w*", module) for module in modules), modules
            # instances: the module's name, then the instance's
            assert not re.search(r"^  \\\S+ +\S+ \($", text, re.MULTILINE)
            assert re.search(r"\bx{1,}\b|'hx|'bx", text) is None, "unknown values"


@pytest.mark.parametrize("title", _configs())
def test_machine_ports(title: str) -> None:
    """Ports of top level, periphery and array: name, direction, width as in Verilog; each with a meaning."""
    _check_ports(_machine(title), verilog.TOP)


@pytest.mark.parametrize("block", blocks.BLOCKS)
def test_block_ports(block: str) -> None:
    """The same for every block that can be generated alone."""
    _check_ports(_block(block), block)
    _check_text(_block(block))


@pytest.mark.parametrize("title", _configs())
def test_text(title: str) -> None:
    """No absolute path, no escaped module name, no file without an end."""
    _check_text(_machine(title))


@pytest.mark.parametrize("title", _configs())
def test_probes(title: str) -> None:
    """The path of every probe leads from the top to a register or memory, declared in its size."""
    files = _machine(title)
    described = json.loads(files["manifest.json"])
    bodies = {name: body for file in described["modules"].values() for name, body in _modules(files[file["file"]])}
    streams = _configs()[title].array.streams_per_lane
    assert {f"random_{stream}" for stream in range(streams)} <= described["probes"].keys()
    assert "random_2" not in described["probes"]
    assert described["probes"]["counters"]["depth"] == len(COUNTERS)
    for quantity, probe in described["probes"].items():
        *instances, variable = probe["path"].split(".")
        assert probe.keys() == {"path", "depth", "width", "planes"}
        module = described["top"]
        for instance in instances:
            found = re.search(rf"^  (\w+) +{re.escape(instance)} \($", bodies[module], re.MULTILINE)
            assert found, f"{quantity}: no instance {instance} in {module}"
            module = found[1]
        planes = probe["planes"]
        for register in [f"{variable}{plane}" for plane in range(planes)] or [variable]:
            declared = re.search(
                rf"^  reg (?:\[(\d+):0\] )?{re.escape(register)} ?(?: \[0:(\d+)\])?(?: = [^;]*)?;",
                bodies[module],
                re.MULTILINE,
            )
            assert declared, f"{quantity}: no register {register} in {module}"
            assert (int(declared[1] or 0) + 1) * max(planes, 1) == probe["width"], quantity
            assert (int(declared[2]) + 1 if declared[2] else 0) == probe["depth"], quantity


def test_errors_as_wide_as_gradient_sums() -> None:
    """The narrowest gradient sums that the rules allow beside the widest errors can be generated."""
    config = variant(configs.load("tiny"), error={"bits": 8}, gradient={"bits": 8, "leak": 8})
    assert verilog.block_files(config, "wide", "gradient_memory")["gradient_memory.v"]


def test_manifest_parameters() -> None:
    """Parameters come back as the configuration, sizes as the geometry's, versions from where they are pinned."""
    described = json.loads(_machine("tiny")["manifest.json"])
    config = configs.load("tiny")
    assert described["name"] == "tiny"
    assert described["format"] == manifest.FORMAT
    assert described["config"] == json.loads(json.dumps(manifest.parameters(config)["config"]))
    assert described["config"]["layers"] == [10, 6, 5, 3]
    derived, g = described["derived"], config.geometry
    assert (derived["rows"], derived["column_bits"], derived["row_bits"]) == (g.rows, g.column_bits, g.row_bits)
    assert (derived["sum_bits"], derived["synapses"]) == (g.sum_bits, g.rows * 4)
    pinned = (ROOT / "pyproject.toml").read_text()
    assert f'"amaranth=={described["versions"]["amaranth"]}"' in pinned


def test_digest() -> None:
    """The digest is over names and contents of all files but the manifest; any change moves it."""
    files = dict(_machine("tiny"))
    digest = json.loads(files.pop("manifest.json"))["sha256"]
    assert manifest.digest(files) == digest
    assert manifest.digest(dict(reversed(files.items()))) == digest
    assert manifest.digest({**files, "top.v": files["top.v"] + " "}) != digest
    assert manifest.digest({"x" + name: text for name, text in files.items()}) != digest
    assert len({json.loads(_machine(title)["manifest.json"])["sha256"] for title in _configs()}) == len(_configs())


def test_same_bytes_twice() -> None:
    """The same configuration gives the same files in one process."""
    assert verilog.machine_files(configs.load("tiny"), "tiny") == _machine("tiny")


def test_same_bytes_on_every_checkout(tmp_path: Path) -> None:
    """Two copies of the tree, in folders of different depth and with different hash seeds, write the same bytes."""
    written = []
    for copy, seed in ((tmp_path / "a", "1"), (tmp_path / "another" / "much deeper" / "place", "2")):
        copy.mkdir(parents=True)
        for name in ("golden", "hdl", "gen", "sim", "mtj_gxnor"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "mtj_gxnor", "verilog", "--config", "tiny", "--output", "out"]
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONHASHSEED": seed}
        finished = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.startswith("wrote out/tiny, 35 rows x 4 lanes, sha256 ")
        folder = copy / "out" / "tiny"
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert {name: content.decode() for name, content in written[0].items()} == _machine("tiny")


def test_writing(tmp_path: Path) -> None:
    """Files appear; unchanged ones are not touched, changed ones alone are written; nothing else is left behind."""
    folder = tmp_path / "deep" / "folder"
    files = {"a.v": "module a;\n", "b.v": "module b;\n"}
    assert verilog.write(files, folder)
    for path in folder.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert not verilog.write(files, folder)
    assert {path.stat().st_mtime for path in folder.iterdir()} == {1_000_000_000}
    assert verilog.write({**files, "b.v": "module c;\n"}, folder)
    assert (folder / "a.v").stat().st_mtime == 1_000_000_000
    assert (folder / "b.v").stat().st_mtime > 1_000_000_000
    assert {path.name: path.read_text() for path in folder.iterdir()} == {**files, "b.v": "module c;\n"}


def test_written_files_are_readable(tmp_path: Path) -> None:
    """Files get the permissions that the user's mask gives to any new file."""
    (tmp_path / "plain").touch()
    verilog.write({"a.v": "x\n"}, tmp_path)
    assert (tmp_path / "a.v").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_failed_writing_leaves_nothing(tmp_path: Path) -> None:
    """A file that cannot take its place leaves no temporary file behind."""
    (tmp_path / "a.v").mkdir()
    with pytest.raises(OSError, match=r"a\.v"):
        verilog.write({"a.v": "x\n"}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.v"]


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A folder below a file, and a folder that is a file, are refused as such."""
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file" / "below", tmp_path / "file"):
        with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))):
            verilog.write({"a.v": "x\n"}, folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_read_only_folder(tmp_path: Path) -> None:
    """A read-only folder is refused."""
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        verilog.write({"a.v": "x\n"}, tmp_path)


def test_command_line(tmp_path: Path) -> None:
    """The second run says that nothing changed; the names can be listed."""
    first = call("verilog", "--config", "tiny", "--output", str(tmp_path))
    second = call("verilog", "--config", "tiny", "--output", str(tmp_path))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert second.stdout == first.stdout.replace("wrote", "unchanged:")
    listed = call("configs")
    assert listed.stdout.split() == configs.names()


def test_command_line_errors(tmp_path: Path) -> None:
    """One line on the error stream, none on the other, and a code."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "bad.toml").write_text("layers = [1")
    for arguments, says in (
        (
            ("--config", "huge"),
            f"error: unknown configuration 'huge': give one of {', '.join(configs.names())} or a .toml file",
        ),
        (("--config", str(tmp_path / "bad.toml")), f"error: configuration '{tmp_path}/bad.toml': "),
        (("--config", "tiny", "--output", str(tmp_path / "file")), f"error: {tmp_path}/file"),
    ):
        finished = call("verilog", *arguments)
        assert finished.exit_code == 1
        assert finished.stdout == ""
        assert finished.stderr.startswith(says)
        assert finished.stderr.count("\n") == 1


def test_lacking_hardware() -> None:
    """What only the golden model has is refused in one line, as a machine and as a block."""
    tiny = configs.load("tiny")
    for config, what in (
        (configs.load("digits-conv"), "convolutional networks have"),
        (variant(tiny, neuron={"activation": "binary"}), "binary activations have"),
        (variant(tiny, error={"backward_shift": (1, 2)}), "a backward shift per layer has"),
    ):
        for generate in (lambda c: verilog.machine_files(c, "x"), lambda c: verilog.block_files(c, "x", "neurons")):
            with pytest.raises(
                configs.ConfigError, match=f"^{what} no hardware yet: train in the golden model, --sim fast"
            ):
                generate(config)
