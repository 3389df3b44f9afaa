"""The command line of the boards: lists, and one line for whatever is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fpga.flow.boards import BOARDS, VARIANTS
from fpga.flow.table import BEGIN, END, insert, update
from fpga.flow.tools import FlowError
from golden.lib.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def _run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mtj_gxnor", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_list() -> None:
    """All boards, one a line."""
    answer = _run("boards")
    assert answer.returncode == 0
    assert [line.split()[0] for line in answer.stdout.splitlines()] == [*BOARDS, *VARIANTS]


@pytest.mark.parametrize("command", ["bitstream", "flash"])
def test_unknown(command: str) -> None:
    """An unknown board lists those there are."""
    answer = _run(command, "--board", "nexys")
    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: unknown board 'nexys': give one of {', '.join(BOARDS | VARIANTS)}, or a file .toml or .py\n"
    )
    answer = _run(command, "--board", "nexys.toml")
    assert (answer.returncode, answer.stderr) == (1, "error: there is no board 'nexys.toml'\n")


def test_no_bitstream(tmp_path: Path) -> None:
    """Nothing to load."""
    answer = _run("flash", "--board", "ulx3s", folder=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr == "error: build/fpga/ulx3s/ulx3s.bit is missing: mtj-gxnor bitstream --board ulx3s makes it\n"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "unable to open ftdi device: -3 (device not found)",
            "error: no ULX3S 85F is connected, or you may not open it",
        ),
        ("x: error while loading shared libraries: libusb-1.0.so.0", "error: openFPGALoader lacks its USB libraries"),
        ("CRC error", "error: openFPGALoader failed: CRC error"),
    ],
)
def test_loader_fails(tmp_path: Path, said: str, message: str) -> None:
    """What the loader says becomes one line; what to do is in it."""
    loader = tmp_path / "bin" / "openFPGALoader"
    loader.parent.mkdir()
    loader.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    loader.chmod(0o755)
    bitstream = tmp_path / "build" / "fpga" / "ulx3s" / "ulx3s.bit"
    bitstream.parent.mkdir(parents=True)
    bitstream.write_bytes(b"x")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{loader.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "mtj_gxnor", "flash", "--board", "ulx3s"]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--config", "nothing"), "error: unknown configuration 'nothing': give one of "),
        (("--config", "tiny", "--target-mhz", "500"), "error: no setting of the ecp5 PLL makes 500 MHz of 25 MHz"),
        (
            ("--config", "tiny", "--target-mhz", "12.5"),
            "error: ulx3s-tiny: a clock of 12.5 MHz gives 1041667 baud, more than 2% from 1000000",
        ),
    ],
)
def test_options(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """Options that cannot be."""
    answer = _run("bitstream", "--board", "ulx3s", *options, folder=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith(message)
    assert not any(tmp_path.iterdir())


def test_table(tmp_path: Path) -> None:
    """The table is written between its lines, once; without reports there is none."""
    document = tmp_path / "fpga.md"
    mark = BEGIN.format("board-table")
    document.write_text(f"before\n{mark}\nold\n{END}\nafter\n")
    with pytest.raises(FlowError, match=r"^no reports in .*: mtj-gxnor bitstream --board ulx3s first$"):
        update(document, tmp_path)
    (tmp_path / "fpga-ulx3s.json").write_text(
        '{"board": "B", "device": "D", "layers": [4, 2], "lanes": 8, "fmax_mhz": 12.34, "target_mhz": 12.0, "lut": 100,'
        ' "lut_per_lane": 5.5, "lut_per_lane_whole": 12.5, "ff": 50, "bram": 3, "spram": 0, "dsp": 1,'
        ' "cycles_per_sample": 100.4, "samples_per_second": 119521.9, "wall_seconds": 61.4}'
    )
    assert update(document, tmp_path)
    lines = document.read_text().splitlines()
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ("before", mark, END, "after")
    assert lines[4] == "| B, D | 4-2 | 8 | 12.3 (12) | 100 | 5.5 (12.5) | 50 | 3 | 1 | 100 | 119522 | 61 |"
    assert {line.count("|") for line in lines[2:5]} == {13}
    assert not update(document, tmp_path)
    with pytest.raises(UserError, match=r"fpga.md has no lines '<!-- made by mtj-gxnor area -->' and '<!-- end "):
        insert(document, "area", ("option",), ())
