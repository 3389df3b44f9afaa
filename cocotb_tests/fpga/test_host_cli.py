"""The command line that serves a Verilated machine over TCP."""

import signal
import subprocess
import sys
from pathlib import Path

from cocotb_tests.fpga.echo_verilog import write_echo
from cocotb_tests.runner import ROOT
from fpga.host.lines import tcp
from fpga.host.link import Link


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fpga.host", "serve", *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell may have told background jobs to ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_serve(tmp_path: Path) -> None:
    """Registers and streams of the machine from another process, until Ctrl-C."""
    with _start(str(write_echo(tmp_path / "verilog", 10)), "--quick") as program:
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
    with _start(str(tmp_path)) as program:
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert errors.startswith("error: [Errno 2] No such file or directory: ")
    assert errors.count("\n") == 1
