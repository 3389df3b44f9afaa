"""The command line of the host: machines and boards for others, and training over a wire."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cocotb_tests.fpga.loopback_verilog import write_echo, write_echo_board
from fpga.host.byte_line import serial_port, tcp
from fpga.host.link import Link
from gen import config as named
from golden.fast.machine import quickest
from golden.run import data
from golden.run.run import Run
from sim.runner import ROOT


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mtj_gxnor", "board", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell may start background jobs with Ctrl-C ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_serve(tmp_path: Path) -> None:
    """Registers and streams of the machine from another process, until Ctrl-C."""
    with _start("serve", str(write_echo(tmp_path / "verilog", 10)), "--quick") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        words = program.stdout.readline().split()
        assert words[:2] == ["listening", "at"]
        host, port = words[2].split(":")
        assert host == "127.0.0.1"
        link = Link(tcp(host, int(port)), timeout=20)
        link.write(12, 0x12345678)
        assert link.read(12) == 0x12345678
        data = bytes(range(255)) * 100
        link.send([data])
        assert link.receive(len(data), 20) == data
        link.close()
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
        assert program.stderr.read() == ""


def test_nothing_to_serve(tmp_path: Path) -> None:
    """One line for a mistake."""
    with _start("serve", str(tmp_path)) as program:
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


def test_board(tmp_path: Path) -> None:
    """A simulated board at a serial port until Ctrl-C; then the port is gone, and what has passed is printed."""
    port = tmp_path / "port"
    folder = write_echo_board(tmp_path / "verilog", 10)
    with _start("simulate", str(folder), "--port", str(port), "--quick") as program:
        assert program.stdout is not None
        assert program.stdout.readline() == f"board at {port}\n"
        link = Link(serial_port(str(port)), timeout=20)
        link.write(12, 0x12345678)
        assert link.read(12) == 0x12345678
        link.close()
        program.send_signal(signal.SIGINT)
        counts = json.loads(program.stdout.read())
        assert program.wait(20) == 0
    assert not port.exists()
    assert counts["passed"] >= link.sent + link.got > 0
    assert counts["violations"] == counts["flipped"] == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--port", "/dev/none", "--design", "."], "manifest.json: No such file or directory"),
        (["--port", "/dev/none"], "--design is for a real board, which needs it; --port sim makes its own"),
        (["--port", "sim", "--design", "."], "--design is for a real board, which needs it; --port sim makes its own"),
        (["--port", "sim", "--noise", "1"], "--noise must be two numbers with / between, not '1'"),
        (["--port", "sim", "--noise", "1/0.5"], "--noise must be a whole number >= 0 and a number 0 .. 0.3, not 1/0.5"),
        (["--port", "sim", "--baud", "7000000"], "baud must be 1 .. 6000000 at a clock of 24 MHz, not 7000000"),
        (["--port", "sim", "--dataset", "letters", "--config", "tiny"], "unknown data set 'letters': give digits or"),
    ],
)
def test_mistakes(arguments: list[str], error: str, tmp_path: Path) -> None:
    """One line for a mistake, and nothing is written."""
    with _start("train", *arguments, "--build", str(tmp_path / "build")) as program:
        _, errors = program.communicate(timeout=120)
    assert program.returncode == 1
    assert errors.startswith("error: ")
    assert error in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "build" / "train").exists()


@pytest.mark.slow
def test_digits_over_a_noisy_wire(tmp_path: Path) -> None:
    """The real data on the default machine, over a bad line, by the command that users type."""
    arguments = ("--port", "sim", "--baud", "6000000", "--samples", "100", "--epochs", "1", "--noise", "7/0.0005")
    with _start("train", *arguments, "--build", str(tmp_path)) as program:
        output, errors = program.communicate(timeout=1800)
    assert program.returncode == 0, errors
    report = json.loads((tmp_path / "reports" / "board.json").read_text())
    assert report["bit_exact"] is True
    assert report["retries"] > 0
    assert min(report["board"][name] for name in ("flipped", "lost", "added")) > 0
    assert "bit_exact" in output
    machine = named.load("digits")
    run = Run(machine, data.load("digits", None), 100, 1, quickest())
    for step in run.steps():
        run.advance(step, run.present(step))
    assert report["weights_sha256"] == run.weights_sha256()
