"""Boards that differ in their FPGA, and boards of one's own."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from fpga.flow import own_boards
from fpga.flow.boards import BOARDS, VARIANTS, Board, BoardError, board
from fpga.flow.project import TOP, project
from gen import config as configs
from sim import runner

_PYTHON = """\
from dataclasses import replace

from amaranth_boards.icestick import ICEStickPlatform

from fpga.flow.boards import BOARDS

BOARD = replace(BOARDS["icebreaker"], title="iCEstick", platform=ICEStickPlatform, target_mhz=24, baud=1_000_000)
"""


def _file(folder: Path, content: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def _constraints(chosen: Board) -> str:
    made = project("mine", chosen, configs.load("tiny"), "tiny")
    return made.files[made.constraints]


def _example() -> str:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", (runner.ROOT / "docs" / "fpga.md").read_text(), re.M | re.S)
    return example


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name: str) -> None:
    """They have the pins of the largest one, their own FPGA, and block RAMs enough for their machine."""
    size, variant = name.removeprefix("ulx3s-"), board(name)
    assert variant.platform.device == f"LFE5U-{size.upper()}"
    assert f"--{size[:2]}k " in variant.place
    assert size.upper() in variant.device
    assert size.upper() in variant.title
    # of the die: that of OrangeCrab, or the one between it and the largest
    small, large = BOARDS["orangecrab"].flip_flops, BOARDS["ulx3s"].flip_flops
    assert variant.flip_flops == small if size != "45f" else small < variant.flip_flops < large
    made = _constraints(variant)
    assert made == _constraints(replace(BOARDS["ulx3s"], config=variant.config))
    # 96 lanes take 40 of the 56 that the smallest has
    assert variant.config == "orangecrab"


def test_document(tmp_path: Path) -> None:
    """The example of docs/fpga.md: everything that it says is in the constraints, or in the board."""
    text = _example()
    chosen = own_boards.load(_file(tmp_path, text))
    given = tomllib.loads(text)
    for name in ("title", "device", "target_mhz", "baud", "config", "place", "serial", "loader"):
        assert getattr(chosen, name) == given[name]
    assert chosen.family == "ecp5"
    assert chosen.floor is None
    made = _constraints(chosen)
    for pin, place in (("rx", "F3"), ("tx", "F1")):
        assert f'LOCATE COMP "uart_0__{pin}__io" SITE "{place}"' in made
        assert f'IOBUF PORT "uart_0__{pin}__io" IO_TYPE=LVCMOS33' in made
    assert 'LOCATE COMP "clk25_0__io" SITE "P6"' in made


def test_base_alone(tmp_path: Path) -> None:
    """What is not given is the base's."""
    base = BOARDS["orangecrab"]
    chosen = own_boards.load(_file(tmp_path, 'base = "orangecrab"\nbaud = 500000\n'))
    assert replace(chosen, platform=base.platform, baud=base.baud) == base
    assert _constraints(chosen) == _constraints(base)


def test_without_base(tmp_path: Path) -> None:
    """All fields are given; pins are those of a connector."""
    text = """
        title = "iCEstick"
        device = "iCE40HX1K"
        flip_flops = 1280
        family = "ice40"
        platform = "amaranth_boards.icestick:ICEStickPlatform"
        target_mhz = 24
        baud = 1000000
        config = "tiny"
        serial = "header J1"
        loader = "ice40_generic"
        place = "--hx1k --package tq144"
        seeds = [7, 8]
        [uart]
        rx = "3"
        tx = "4"
        connector = ["j", 1]
        attributes = { IO_STANDARD = "SB_LVCMOS" }
    """
    chosen = own_boards.load(_file(tmp_path, text))
    assert chosen.seeds == (7, 8)
    made = _constraints(chosen)
    assert "set_io uart_0__rx__io 112" in made
    assert "set_io uart_0__tx__io 113" in made
    lines = [line for line in text.splitlines() if "device" not in line]
    with pytest.raises(BoardError, match=r"mine\.toml': device is missing, and so is a base that gives it$"):
        own_boards.load(_file(tmp_path, "\n".join(lines)))


def test_python(tmp_path: Path) -> None:
    """A program makes any board."""
    chosen = own_boards.load(_file(tmp_path, _PYTHON, "mine.py"))
    assert chosen.title == "iCEstick"
    made = project("mine", chosen, configs.load("tiny"), "tiny")
    assert f"{TOP}.pcf" in made.files
    assert "set_io clk12_0__io 21" in made.files[made.constraints]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("base =\n", r"Invalid value \(at line 1, column 7\)"),
        ('base = "nexys"\n', r"unknown board 'nexys': give one of ulx3s, .*, or a file \.toml or \.py"),
        ('base = "ulx3s"\nbauds = 1\n', r"unknown field bauds: fields are base, platform, .*"),
        ('base = "ulx3s"\nbaud = "fast"\n', r"baud must be a number, not 'fast'"),
        ('base = "ulx3s"\nbaud = 0\n', r"baud must be > 0, not 0"),
        ('base = "ulx3s"\ntitle = 3\n', r"title must be a text, not 3"),
        ('base = "ulx3s"\nfamily = "xc7"\n', r"family must be ice40, ecp5 or gowin, not 'xc7'"),
        ('base = "ulx3s"\nplatform = "x"\n', r"platform must be module:Class, not 'x'"),
        ('base = "ulx3s"\nplatform = "none.such:X"\n', r"No module named 'none'"),
        ('base = "ulx3s"\nclock = "clk99"\n', r"Resource clk99#0 does not exist"),
        ('base = "ulx3s"\n[uart]\nrx = "A1"\n', r"uart\.tx is missing"),
        ("title = 'x'\n", r"device is missing, and so is a base that gives it"),
    ],
)
def test_refused(content: str, message: str, tmp_path: Path) -> None:
    """One line names file, field and rule."""
    with pytest.raises(BoardError, match=rf"^board '.*mine\.toml': {message}$"):
        own_boards.load(_file(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1\n", r"the program must make BOARD a fpga\.flow\.boards\.Board, not NoneType"),
        ("1 / 0\n", "division by zero"),
        ("raise SystemError\n", "SystemError"),
    ],
)
def test_refused_programs(content: str, message: str, tmp_path: Path) -> None:
    """Whatever a program does wrong is one line."""
    with pytest.raises(BoardError, match=rf"^board '.*mine\.py': {message}$"):
        own_boards.load(_file(tmp_path, content, "mine.py"))


def test_missing(tmp_path: Path) -> None:
    """A file that is not there."""
    with pytest.raises(BoardError, match=r"^there is no board '.*none\.toml'$"):
        own_boards.load(tmp_path / "none.toml")
