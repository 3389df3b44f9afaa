"""The flow on a small design: cached, reproducible, and an error wherever a bitstream would be wrong."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocotb_tests.fpga.minimal_design import LARGE, SLOW, small
from fpga.flow import bitstream as bitstream_flow
from fpga.flow import netlist
from fpga.flow.boards import BOARDS
from fpga.flow.project import LANES, TOP, project
from fpga.flow.tools import FlowError, Tool, find
from gen import config as configs

#: What decides the bytes, beside the small design.
TOOLS = find("ice40")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the small design's build."""
    folder = tmp_path_factory.mktemp("fpga")
    content, made = bitstream_flow.build(small(), folder / "build", folder / "reports")
    assert made
    assert content["fmax_mhz"] >= content["target_mhz"] == 24
    return folder


def test_report(built: Path) -> None:
    """The report has what docs/fpga.md promises, also beside the bitstream."""
    content = json.loads((built / "reports" / "fpga-small.json").read_text())
    assert content == json.loads((built / "build" / "small" / "report.json").read_text())
    assert content["ff"] >= 17
    assert content["lut"] >= 16
    assert (content["bram"], content["spram"], content["lanes"]) == (0, 0, 4)
    assert content["tool_versions"] == TOOLS.versions
    assert content["design_sha256"] == small().design
    assert set(content["step_seconds"]) == {"synthesis", f"place and route, seed {content['seed']}", "packing"}


def test_cached(built: Path) -> None:
    """The same project is not built again; a bitstream that someone has changed, is."""
    calls = []
    original = bitstream_flow.synthesize

    def counted(*arguments: object) -> object:
        calls.append(arguments)
        return original(*arguments)  # pyright: ignore[reportArgumentType]

    before = json.loads((built / "reports" / "fpga-small.json").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bitstream_flow, "synthesize", counted)
        content, made = bitstream_flow.build(small(), built / "build", built / "reports")
        assert not made
        assert not calls
    assert content == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bitstream_flow, "synthesize", counted)
        bitstream = built / "build" / "small" / "small.bin"
        good = bitstream.read_bytes()
        bitstream.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        content, made = bitstream_flow.build(small(), built / "build", built / "reports")
        assert made
        assert len(calls) == 1
        assert bitstream.read_bytes() == good
        assert content["bitstream_sha256"] == before["bitstream_sha256"]


def test_netlist_kept(built: Path) -> None:
    """The netlist of a bitstream is that of the flow; without a bitstream it is kept by its identity."""
    text = (built / "build" / "small" / bitstream_flow.NETLIST_VERILOG).read_text()
    assert (bitstream_flow.netlists(small(), built / "build") / bitstream_flow.NETLIST_VERILOG).read_text() == text
    assert not (built / "build" / "netlists").exists()
    assert (bitstream_flow.netlists(small(), built / "other") / bitstream_flow.NETLIST_VERILOG).read_text() == text
    assert [path.name for path in (built / "other" / "netlists").iterdir()] == [small().identity(TOOLS)[:16]]


def test_identity() -> None:
    """Whatever decides the bytes is in the identity; the name of the build is not."""
    plain = small()
    others = [
        small(17),
        replace(plain, mhz=25.0),
        replace(plain, board=replace(plain.board, synthesis="")),
        replace(plain, board=replace(plain.board, mapping_ps=5000)),
        replace(plain, board=replace(plain.board, floor=BOARDS["ulx3s"].floor)),
        replace(plain, files={**plain.files, plain.constraints: "set_io x 1\n"}),
    ]
    assert len({project.identity(TOOLS) for project in [plain, *others]}) == len(others) + 1
    other = replace(TOOLS, place=replace(TOOLS.place, version="another"))
    assert plain.identity(other) != plain.identity(TOOLS)
    assert small(name="other").identity(TOOLS) == plain.identity(TOOLS)


def test_too_slow(built: Path) -> None:
    """A clock that is not reached is an error, and no bitstream appears, nor does an old one go."""
    project = small(SLOW)
    project = replace(project, board=replace(project.board, seeds=(1,)))
    before = (built / "build" / "small" / "small.bin").read_bytes()
    with pytest.raises(
        FlowError,
        match=r"^small reaches \d+\.\d MHz of 24 MHz with seeds 1: lower target_mhz in .*small.failed\)$",
    ):
        bitstream_flow.build(project, built / "build", built / "reports")
    assert (built / "build" / "small" / "small.bin").read_bytes() == before
    assert (built / "build" / "small.failed" / "place-1.log").is_file()


def test_endless(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that is not routed in time is given up for the next one."""
    plain, run = small(), Tool.run

    def endless(tool: Tool, arguments: Sequence[str], folder: Path, log: str, *rest: Any) -> bool:
        if tool == TOOLS.place and arguments[arguments.index("--seed") + 1] == "7":
            raise TimeoutError
        return run(tool, arguments, folder, log, *rest)

    monkeypatch.setattr(Tool, "run", endless)
    content, made = bitstream_flow.build(
        replace(plain, board=replace(plain.board, seeds=(7, 1))), built / "other", built
    )
    assert made
    assert content["seed"] == 1
    with pytest.raises(FlowError, match=r"^small reaches 0.0 MHz of 24 MHz with seeds 7 \(7 not ended in 3600 s\): "):
        bitstream_flow.build(replace(plain, board=replace(plain.board, seeds=(7,))), built / "build", built)


def test_too_large(built: Path) -> None:
    """A design that does not fit says by how much, and what to shrink."""
    with pytest.raises(FlowError) as caught:
        bitstream_flow.build(small(length=LARGE), built / "build", built / "reports")
    assert re.fullmatch(
        r"small does not fit: it needs \d+ ICESTORM_LC of 5280 \(1\d\d%\) of the iCE40UP5K-SG48; shrink array.lanes "
        r"\(4\), layers \(10, 6, 5, 3\) or gradient.bits \(\d+\) in the configuration \(logs in .*small.failed\)",
        str(caught.value),
    )


def test_wrong_verilog(built: Path) -> None:
    """What Yosys says is passed on."""
    plain = small()
    broken = replace(plain, files={**plain.files, "board.v": "module mtj_gxnor_board (input clk;\n"})
    with pytest.raises(FlowError, match=r"^synthesis failed: .*ERROR: syntax error"):
        bitstream_flow.build(broken, built / "build", built / "reports")


@pytest.mark.parametrize("name", BOARDS)
def test_script(name: str) -> None:
    """The lanes' modules are named as the Verilog names them, and their instances as the netlist will."""
    made = project(name, BOARDS[name], configs.load("tiny"), "tiny")
    text = "".join(made.files[file] for file in made.verilog)
    for module in LANES:
        assert re.search(rf"^module {module} ?\(", text, re.MULTILINE), module
        assert module in bitstream_flow.script(made)
    assert f"-top {TOP}" in bitstream_flow.script(made)


def test_flat(built: Path) -> None:
    """The netlist that is placed is flat."""
    content = json.loads((built / "build" / "small" / bitstream_flow.NETLIST).read_text())
    cells = netlist.cells(content, TOP)
    assert any(name.startswith("board.") for name in cells)
