"""The bitstream itself, turned back into Verilog, trains as the golden machine does."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cocotb_tests.fpga.desk import random
from cocotb_tests.fpga.pins import PinsLine, train
from cocotb_tests.fpga.small import echo
from cocotb_tests.fpga.test_gates import SAMPLES
from fpga import flow, gates, unpacked
from fpga.boards import BOARDS
from fpga.host.board import Board
from fpga.host.link import Link
from fpga.host.transport import LinkError, TransportTimeout
from fpga.project import TOP, project
from fpga.tools import FlowError, find
from gen import config as configs
from gen.verilog import write

needs_icestorm = pytest.mark.skipif(bool(unpacked.missing()), reason=f"{unpacked.missing()} not installed")


@pytest.mark.fpga
@needs_icestorm
def test_bitstream_trains() -> None:
    """Look-up tables, registers, block RAMs, wires and the PLL, all read from the bits."""
    # icebox_vlog does not know multipliers and large RAMs
    board = replace(BOARDS["icebreaker"], synthesis="-device u")
    made = project("icebreaker-tiny-logic", board, configs.load("tiny"), "tiny")
    flow.build(made)
    folder = flow.BUILD / made.name
    text = unpacked.verilog(made, folder / made.bitstream)
    assert f"module {TOP} " in text
    simulated = folder / "unpacked"
    write(gates.simulation(made, text, find("ice40")), simulated)
    train(simulated, json.loads(made.files["manifest.json"]), made.config, SAMPLES)


@pytest.mark.fpga
@needs_icestorm
def test_bitstream_echoes(tmp_path: Path) -> None:
    """The same for a far end of the link with little behind it; with one bit of the Verilog wrong it falls silent."""
    made = echo(tmp_path)
    flow.build(made, tmp_path / "build", tmp_path)
    text = unpacked.verilog(made, tmp_path / "build" / made.name / made.bitstream)
    data = random(6).bytes(500)
    for wrong in (False, True):
        if wrong:
            text = re.sub(r"(/\* LUT .*\*/) (\(.*\));", r"\1 !\2;", text, count=1)
        simulated = tmp_path / f"wrong-{wrong}"
        write(gates.simulation(made, text, find("ice40")), simulated)
        board = Board(simulated, quick=True)
        line = PinsLine(board, json.loads(made.files["manifest.json"])["line"]["bit_cycles"])
        board.run(1 << 12)
        patience = 60.0 if wrong else 3600.0
        try:
            link = Link(lambda line=line: line, repeat=patience, timeout=patience)
            link.write(0, 0x1234_5678)
            value = link.read(0)
            link.send([data])
            came = link.receive(len(data), patience)
        except (LinkError, TransportTimeout):
            assert wrong
        else:
            assert ((value, came) != (0x1234_5678, data)) == wrong
        board.close()


def test_missing_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tools of IceStorm there is one line that says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match=r"^iceunpack, icebox_vlog is missing: apt-get install fpga-icestorm$"):
        unpacked.verilog(project("x", BOARDS["icebreaker"], configs.load("tiny"), "tiny"), tmp_path / "x.bin")
