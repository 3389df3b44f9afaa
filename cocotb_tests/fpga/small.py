"""A design of a few registers for iCEBreaker, in the place of a machine: the flow in seconds."""

from dataclasses import replace

from fpga.boards import BOARDS
from fpga.project import Project, project
from gen import config as configs

#: Sends back what it receives, unless a counter of some bits is full, behind a line of registers.
_VERILOG = """\
module mtj_gxnor_board (input clk, rst, rx, output tx);
    reg [{width} - 1:0] count;
    reg [{length} - 1:0] line;
    always @(posedge clk) begin
        count <= rst ? 0 : count + 1;
        line <= {{line, rx ^ &count}};
    end
    assign tx = line[{length} - 1];
endmodule
"""
#: Width of a counter that the board's clock is too fast for, length of a line that the board is too small for.
SLOW, LARGE = 400, 6000


def small(width: int = 16, length: int = 2, name: str = "small") -> Project:
    """Make the project.

    Parameters
    ----------
    width : int
        Bits of its counter.
    length : int
        Registers of its line.
    name : str
        Names it.

    Returns
    -------
    Project
        As `fpga.project.project` makes one of a machine.
    """
    whole = project(name, BOARDS["icebreaker"], configs.load("tiny"), "tiny")
    files = {file: content for file, content in whole.files.items() if file.startswith("mtj_gxnor_fpga")}
    files |= {"board.v": _VERILOG.format(width=width, length=length), "files.f": "board.v\n", "manifest.json": "{}\n"}
    return replace(whole, files=files)
