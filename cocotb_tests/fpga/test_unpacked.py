"""The bitstream itself, turned back into Verilog, trains as the golden machine does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cocotb_tests.fpga.pins import train
from cocotb_tests.fpga.test_gates import SAMPLES
from fpga import flow, gates, unpacked
from fpga.boards import BOARDS
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


def test_missing_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the tools of IceStorm there is one line that says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match=r"^iceunpack, icebox_vlog is missing: apt-get install fpga-icestorm$"):
        unpacked.verilog(project("x", BOARDS["icebreaker"], configs.load("tiny"), "tiny"), tmp_path / "x.bin")
