"""A design of a few registers in the place of a machine: the flow in seconds."""

import json
import re
from dataclasses import replace
from pathlib import Path

from cocotb_tests.fpga.loopback_verilog import write_echo_board
from fpga.flow.boards import BOARDS
from fpga.flow.project import Project, project
from gen import config as configs

#: Sends back what it receives, unless a counter of some bits is full, behind a line of registers.
_VERILOG = """\
module mtj_gxnor_stretch (input clk, in, output out);
    reg [{stretch} - 1:0] line;
    always @(posedge clk) line <= {{line, in}};
    assign out = line[{stretch} - 1];
endmodule

module mtj_gxnor_board (input clk, rst, rx, output tx);
    reg [{width} - 1:0] count;
    wire [{stretches}:0] line;
    always @(posedge clk) count <= rst ? 0 : count + 1;
    assign line[0] = rx ^ &count;
    genvar at;
    generate for (at = 0; at < {stretches}; at = at + 1) begin : line_of
        mtj_gxnor_stretch stretch (.clk(clk), .in(line[at]), .out(line[at + 1]));
    end endgenerate
    assign tx = line[{stretches}];
endmodule
"""
#: Registers side by side in a stretch of the line; Yosys does not take thousands.
_STRETCH = 100
#: Width of a counter that the board's clock is too fast for, length of a line that the board is too small for.
SLOW, LARGE = 400, 6000
_BIT_CYCLES = 8
#: Lanes per word of the echo.
_GROUP = 2


def small(width: int = 16, length: int = 2, name: str = "small", board: str = "icebreaker") -> Project:
    """Make the project.

    Parameters
    ----------
    width : int
        Bits of its counter.
    length : int
        Registers of its line.
    name : str
        Names it.
    board : str
        Its board; the line has 8 clock cycles a bit on each.

    Returns
    -------
    Project
        As `fpga.flow.project.project` makes one of a machine.
    """
    target = BOARDS[board].target_mhz
    whole = project(name, replace(BOARDS[board], baud=round(target * 1e6 / _BIT_CYCLES)), configs.load("tiny"), "tiny")
    files = {file: content for file, content in whole.files.items() if file.startswith("mtj_gxnor_fpga")}
    line = {"clock_hz": target * 1e6, "baud": whole.board.baud, "bit_cycles": _BIT_CYCLES}
    files |= {
        "board.v": _VERILOG.format(width=width, stretch=min(length, _STRETCH), stretches=max(1, length // _STRETCH)),
        "files.f": "board.v\n",
        "manifest.json": json.dumps({"line": line}) + "\n",
    }
    return replace(whole, files=files)


def echo(folder: Path) -> Project:
    """Make the project of a link responder with a small memory behind it, for iCEBreaker.

    Parameters
    ----------
    folder : Path
        For files on the way.

    Returns
    -------
    Project
        Look-up tables, carries, registers and block RAMs.
    """
    plain = small(name="echo")
    write_echo_board(folder / "verilog", _GROUP, _BIT_CYCLES)
    files = {file: content for file, content in plain.files.items() if file.startswith("mtj_gxnor_fpga")}
    files |= {path.name: path.read_text() for path in (folder / "verilog").iterdir()}
    # its memory is read in no time, which takes registers: all words are one
    files["echo.v"] = re.sub(r"memory\[\w*address\[7:2\]\]", "memory[0]", files["echo.v"])
    return replace(plain, files=files)
