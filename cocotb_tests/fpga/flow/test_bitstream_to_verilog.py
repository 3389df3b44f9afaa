"""The bitstream itself, turned back into Verilog, trains as the golden machine does."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeICE40Platform
from amaranth_boards.resources import UARTResource

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.fpga.flow.test_gate_level import SAMPLES
from cocotb_tests.fpga.minimal_design import echo
from cocotb_tests.fpga.serial_pins import PinsLine, train
from fpga.flow import bitstream, bitstream_to_verilog, gate_level
from fpga.flow.boards import BOARDS
from fpga.flow.project import TOP, project
from fpga.flow.tools import FlowError, find
from fpga.host.link import Link
from fpga.host.simulated_board import SimulatedBoard
from gen import config as configs
from gen.verilog import write
from golden.bus.transport import LinkError, TransportTimeout

needs_icestorm = pytest.mark.skipif(
    bool(bitstream_to_verilog.missing()), reason=f"{bitstream_to_verilog.missing()} not installed"
)


class _Platform(LatticeICE40Platform):
    """The large iCE40, its clock at the PLL's pad: `tiny` in logic alone is too large for the one of iCEBreaker."""

    device = "iCE40HX8K"
    package = "CT256"
    default_clk = "clk12"
    resources: ClassVar = [
        Resource("clk12", 0, Pins("R9", dir="i"), Clock(12e6), Attrs(IO_STANDARD="SB_LVCMOS")),
        UARTResource(0, rx="B10", tx="B12", attrs=Attrs(IO_STANDARD="SB_LVCMOS")),
    ]
    connectors: ClassVar = []


#: Without multipliers and large RAMs, which icebox_vlog does not know.
LARGE = replace(
    BOARDS["icebreaker"],
    device="iCE40HX8K-CT256",
    platform=partial(_Platform, toolchain="IceStorm"),
    place="--hx8k --package ct256",
    synthesis="-device hx",
)


@pytest.mark.fpga
@needs_icestorm
def test_bitstream_trains() -> None:
    """Look-up tables, registers, block RAMs, wires and the PLL, all read from the bits."""
    made = project("hx8k-tiny", LARGE, configs.load("tiny"), "tiny")
    bitstream.build(made)
    folder = bitstream.BUILD / made.name
    text = bitstream_to_verilog.verilog(made, folder / made.bitstream)
    assert f"module {TOP} " in text
    simulated = folder / "unpacked"
    write(gate_level.simulation(made, text, find("ice40")), simulated)
    train(simulated, json.loads(made.files["manifest.json"]), made.config, SAMPLES)


@pytest.mark.fpga
@needs_icestorm
def test_bitstream_echoes(tmp_path: Path) -> None:
    """On iCEBreaker's own FPGA: a link responder with little behind it; with ten tables wrong it fails."""
    made = echo(tmp_path)
    bitstream.build(made, tmp_path / "build", tmp_path)
    text = bitstream_to_verilog.verilog(made, tmp_path / "build" / made.name / made.bitstream)
    data = random(6).bytes(500)
    for wrong in (False, True):
        if wrong:
            text, count = re.subn(r"(/\* LUT .*\*/) (\(.*\));", r"\1 !\2;", text, count=10)
            assert count == 10
        simulated = tmp_path / f"wrong-{wrong}"
        write(gate_level.simulation(made, text, find("ice40")), simulated)
        board = SimulatedBoard(simulated, quick=True)
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
        bitstream_to_verilog.verilog(
            project("x", BOARDS["icebreaker"], configs.load("tiny"), "tiny"), tmp_path / "x.bin"
        )
