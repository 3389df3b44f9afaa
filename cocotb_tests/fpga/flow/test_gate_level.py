"""Netlists of boards, at the pins of their serial lines, train as the golden machine does."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.fpga.minimal_design import small
from cocotb_tests.fpga.serial_pins import train
from fpga.flow import bitstream, gate_level
from fpga.flow.boards import BOARDS
from fpga.flow.project import TOP, Project, project
from fpga.flow.tools import find
from fpga.gateware.verilog import BOARD
from fpga.host.simulated_board import SimulatedBoard
from gen import config as configs
from gen.verilog import write
from golden.run.comparison import Mismatch

#: Samples of the short training run.
SAMPLES = 12


def machine(board: str, config: str) -> Project:
    """Make the project of a board with a configuration; its own has the board's own name."""
    name = board if config == BOARDS[board].config else f"{board}-{config}"
    return project(name, BOARDS[board], configs.load(config), config)


def own_or_tiny(board: str) -> str:
    """Configuration of a board, or one that is simulated in minutes where it is not."""
    config = configs.load(BOARDS[board].config)
    return BOARDS[board].config if config.array.lanes <= 32 else "tiny"


@pytest.mark.fpga
@pytest.mark.parametrize("board", BOARDS)
def test_netlist_trains(board: str, tmp_path: Path) -> None:
    """What place and route gets computes what the golden model does, down to the pins."""
    made = machine(board, own_or_tiny(board))
    netlist = (bitstream.netlists(made) / bitstream.NETLIST_VERILOG).read_text()
    write(gate_level.simulation(made, netlist, find(made.board.family)), tmp_path)
    train(tmp_path, json.loads(made.files["manifest.json"]), made.config, SAMPLES)


@pytest.mark.fpga
def test_wrong_netlist(tmp_path: Path) -> None:
    """A netlist with one table of the array wrong does not."""
    made = machine("icebreaker", "tiny")
    netlist = (bitstream.netlists(made) / bitstream.NETLIST_VERILOG).read_text()
    broken, count = re.subn(
        r"(\.LUT_INIT\(16'h)([0-9a-f]+)(\)\s*\) \\board\.axi\.machine\.array\.)",
        lambda found: f"{found[1]}{int(found[2], 16) ^ 0xFFFF:04x}{found[3]}",
        netlist,
        count=1,
    )
    assert count == 1
    write(gate_level.simulation(made, broken, find("ice40")), tmp_path)
    with pytest.raises(Mismatch):
        train(tmp_path, json.loads(made.files["manifest.json"]), made.config, SAMPLES)


@pytest.mark.parametrize("name", BOARDS)
def test_echo(name: str, tmp_path: Path) -> None:
    """Pins, PLL, power-on reset and the cells of every family, in the netlist of a small design that sends back."""
    made = small(board=name)
    netlist = (bitstream.netlists(made, tmp_path / "build") / bitstream.NETLIST_VERILOG).read_text()
    files = gate_level.simulation(made, netlist, find(made.board.family))
    write(files, tmp_path / "simulated")
    board = SimulatedBoard(tmp_path / "simulated", quick=True)
    board.run(1 << 12)
    data = random(5).bytes(100)
    board.send(data)
    assert board.run(100_000) == data
    board.close()


@pytest.mark.parametrize("name", BOARDS)
def test_files(name: str) -> None:
    """The simulation has one model of every cell of ours, and the ports of the board."""
    plain = small()
    family = BOARDS[name].family
    made = replace(plain, board=BOARDS[name])
    files = gate_level.simulation(made, f"module {TOP}; endmodule\n", find(family))
    text = "".join(files[file] for file in files["files.f"].split())
    modules = re.findall(r"^\s*module (\w+)", text, re.MULTILINE)
    for cell in ("SB_PLL40_PAD", "EHXPLLL", "rPLL", "DP16KD", "SDPB", "TRELLIS_IO"):
        assert modules.count(cell) <= 1, cell
    assert modules.count({"ice40": "SB_PLL40_PAD", "ecp5": "EHXPLLL", "gowin": "rPLL"}[family]) == 1
    assert f"module {BOARD} (input clk, rst, rx, output tx)" in text
    assert "`include" not in text
