"""Training over a wire: a simulated board behind a pseudo-terminal, with noise, pulled cables and lost power."""

import os
import pty
import re
import time
import tty
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.kit.random_data import random_dataset
from fpga.host import train_serial
from fpga.host.driver import DesignError
from fpga.host.driver_backend import StateError
from fpga.host.ports import PortError, open_port
from fpga.host.pty_board import Simulated, Trouble, simulated
from gen import config as named
from golden.bus.transport import LinkError
from golden.run.checkpoint import Past
from golden.run.run import Run
from golden.run.session import LostError, Session

TINY = named.load("tiny")
#: Four clock cycles a bit, as in no board: the wire is not what the machine waits for.
CLOCK, BAUD = 4e6, 1_000_000
LINE = train_serial.SerialBoard(train_serial.SIM, BAUD, CLOCK, patience=60, repeat=0.3, quick=True)

Folder = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Verilog of a board, and its manifest."""
    folder = tmp_path_factory.mktemp("board") / "tiny"
    return folder, train_serial.design(TINY, "tiny", LINE, folder)


def test_speed(board: Folder) -> None:
    """A line has the speed of the design behind it, unless another is asked for."""
    assert train_serial.speed(0, board[1] | {"line": {"baud": 3_000_000}}) == 3_000_000
    assert train_serial.speed(0, board[1]) == BAUD
    assert train_serial.speed(0, {}) == 1_000_000
    assert train_serial.speed(115_200, board[1]) == 115_200


def _run() -> Run:
    """Make a run of three mini-batches and a test in each of two epochs."""
    return Run(TINY, random_dataset(TINY, 12, 5, random(40)), 0, 2)


def _alone() -> str:
    """Give the digest of the weights that the golden machine comes to."""
    run = _run()
    for step in run.steps():
        run.advance(step, run.present(step))
    return run.weights_sha256()


def _session(
    run: Run,
    manifest: dict[str, Any],
    way: train_serial.SerialBoard,
    folder: Path,
    checkpoint: Path,
    *,
    resume: bool = False,
    reload: bool = False,
) -> dict[str, Any]:
    """Train over a line; say what came of it."""
    with way.open(folder) as (link, simulated_board):
        backend = train_serial.SerialBackend(link, manifest, run, reload=reload)
        outcome = Session(run, backend, checkpoint, resume=resume or reload).train()
    found = {"bit_exact": outcome.bit_exact, "mismatch": outcome.mismatch, **outcome.figures}
    return found | ({"board": simulated_board.counts} if simulated_board else {})


Train = Callable[..., dict[str, Any]]


@pytest.fixture
def train(board: Folder, tmp_path: Path) -> Train:
    """Trains over a wire; gives the outcome and the digest of the weights."""
    folder, manifest = board

    def call(way: train_serial.SerialBoard, **options: bool) -> dict[str, Any]:
        run = _run()
        found = _session(run, manifest, way, folder, tmp_path / "checkpoint.npz", **options)
        return found | {"weights": run.weights_sha256()}

    return call


def _plugged(port: str) -> None:
    """Wait until a pulled cable is plugged in again."""
    until = time.monotonic() + 60
    while not Path(port).exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_training(train: Train) -> None:
    """A whole training over the pins of a serial line."""
    outcome = train(LINE)
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["weights"] == _alone()
    assert outcome["board"]["violations"] == 0
    assert outcome["board"]["passed"] >= outcome["bytes_received"] > 500
    assert outcome["cuts"] == 0


def test_noise(train: Train) -> None:
    """Bits are flipped, bytes lost and added, and nothing is."""
    outcome = train(replace(LINE, repeat=0.1, trouble=Trouble(5, 0.002)))
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["weights"] == _alone()
    assert min(outcome["board"][name] for name in ("flipped", "lost", "added")) > 0
    assert outcome["retries"] > 0


def test_cable_pulled_for_a_moment(train: Train) -> None:
    """The program goes on by itself."""
    outcome = train(replace(LINE, trouble=Trouble(pull=1500, pause=1)))
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["weights"] == _alone()
    assert outcome["cuts"] == 1


def _cut(train: Train, found: Simulated) -> train_serial.SerialBoard:
    """Train until the cable is pulled for longer than the program waits; give the way to the board."""
    way = replace(LINE, port=found.port, patience=1.5)
    with pytest.raises(
        LostError,
        match=r"^the machine is lost in epoch \d \(no answer to \w+ .*: connect it again .*; "
        r"the same command with --resume",
    ):
        train(way)
    return way


@pytest.mark.parametrize("pull", [1100, 1400, 1700, 2000])
def test_resume(train: Train, board: Folder, pull: int) -> None:
    """The program ends, and another one goes on with the very sample at which the board stands."""
    with simulated(board[0], Trouble(pull=pull, pause=6), quick=True) as found:
        way = _cut(train, found)
        _plugged(found.port)
        outcome = train(replace(way, patience=30), resume=True)
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["weights"] == _alone()
    assert outcome["reloads"] == 0


def test_resume_from_an_old_checkpoint(train: Train, board: Folder, tmp_path: Path) -> None:
    """The program had no time to write another one: the golden machine catches up."""
    with simulated(board[0], Trouble(pull=2000, pause=6), quick=True) as found:
        way = _cut(train, found)
        _run().save(tmp_path / "checkpoint.npz", Past())
        _plugged(found.port)
        outcome = train(replace(way, patience=30), resume=True)
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["weights"] == _alone()


def test_power_lost(train: Train, board: Folder) -> None:
    """A board that has forgotten everything is noticed; it goes on from the checkpoint only when asked to."""
    with simulated(board[0], Trouble(pull=1700, pause=6), quick=True) as found:
        _cut(train, found)
    with pytest.raises(StateError, match=r"^the machine is not where this training left it: its counter samples is 0,"):
        train(LINE, resume=True)
    outcome = train(LINE, reload=True)
    assert outcome["bit_exact"], outcome["mismatch"]
    assert outcome["reloads"] == 1


def test_other_board(board: Folder, tmp_path: Path) -> None:
    """Another design is refused by both identities, and nothing is done to it."""
    folder, manifest = board
    other = manifest | {"design": "0123456789abcdef"}
    text = rf"DESIGN is {int(manifest['design'], 16):#x}, that of the manifest 0x123456789abcdef$"
    with pytest.raises(DesignError, match=text):
        _session(_run(), other, LINE, folder, tmp_path / "checkpoint.npz")
    assert not (tmp_path / "checkpoint.npz").exists()


def test_ports(tmp_path: Path) -> None:
    """What is no port, is not there, is used or does not answer has one clear line."""
    for name, text in (
        (str(tmp_path / "none"), r"^there is no port .*/none: is the board plugged in and powered, and is that its"),
        ("tcp:nowhere", r"^port tcp:nowhere is none: give tcp:HOST:PORT, or a serial port like /dev/ttyUSB0$"),
        ("tcp:127.0.0.1:9", r"^port tcp:127\.0\.0\.1:9 does not open: .*refused"),
    ):
        with pytest.raises(PortError, match=text):
            open_port(name, BAUD)
    ends = pty.openpty()
    tty.setraw(ends[1])
    try:
        name = os.ttyname(ends[1])
        line = open_port(name, BAUD)()
        with pytest.raises(PortError, match=rf"^port {re.escape(name)} does not open: another program uses it: end"):
            open_port(name, BAUD)
        line.close()
        with (
            pytest.raises(LinkError, match=r"^no answer to OPEN from the other end for 0\.5 s: nothing but silence$"),
            replace(LINE, port=name, patience=0.5).open(tmp_path),
        ):
            pass
    finally:
        for end in ends:
            os.close(end)
