"""The netlist of a board as something to simulate: with models of the vendor's cells, behind the ports of the board.

What place and route gets, pins and PLL included, takes the place of the module `fpga.gateware.verilog.BOARD`, so
whatever drives that module drives the netlist.
"""

import re
from pathlib import Path

from fpga.flow.project import TOP, Project
from fpga.flow.tools import Tools
from fpga.gateware.verilog import BOARD

#: Models of cells for which Yosys has none, by family, and what they are made of.
_MODELS = Path(__file__).parent / "models"
_OWN = {"ice40": ("ice40.v",), "ecp5": ("block_ram.v", "ecp5.v"), "gowin": ("block_ram.v", "gowin.v")}

_PINS = """\
// The pins of a board as the ports of {board}. Its reset is the one that the board makes itself after power-up.
module {board} (input clk, rst, rx, output tx);
    wire clock_pin = clk, rx_pin = rx, tx_pin;
    assign tx = tx_pin;
    {top} pins (.{clock}(clock_pin), .{rx}(rx_pin), .{tx}(tx_pin));
endmodule
"""


def simulation(project: Project, netlist: str, tools: Tools) -> dict[str, str]:
    """Prepare a netlist for simulation.

    Parameters
    ----------
    project : Project
        What it was made of.
    netlist : str
        The netlist in Verilog, or what `fpga.flow.bitstream_to_verilog.verilog` makes of a bitstream.
    tools : Tools
        The tools of its family, which bring the models of the cells.

    Returns
    -------
    dict of str to str
        File name -> content: Verilog, ``files.f`` that lists it, and ``manifest.json``, as of the design itself.
    """
    family = project.board.family
    own = {name: (_MODELS / name).read_text() for name in _OWN[family]}
    modules = re.findall(r"^module (\w+)", "".join(own.values()), re.MULTILINE)
    # the cells of pins go both ways, and so must what they are connected to
    ways = rf"^  (?:input|output) ({'|'.join(project.pins.values())});"
    netlist = re.sub(ways, r"  inout \1;", netlist, flags=re.MULTILINE)
    verilog = {
        "pins.v": _PINS.format(board=BOARD, top=TOP, **project.pins),
        "netlist.v": netlist,
        **own,
        "cells.v": _cells(tools.models / family / "cells_sim.v", modules),
    }
    listed = "".join(f"{name}\n" for name in verilog)
    return verilog | {"files.f": listed, "manifest.json": project.files["manifest.json"]}


def _cells(path: Path, known: list[str]) -> str:
    """Read Yosys's models of cells, and once what they include; without those that are known already."""
    included: set[str] = set()

    def text_of(name: str) -> str:
        lines = []
        for line in (path.parent / name).read_text().splitlines():
            found = re.fullmatch(r'`include "(.+)"', line.strip())
            if found is None:
                lines.append(line)
            elif found[1] not in included:
                included.add(found[1])
                lines.append(text_of(found[1]))
        return "\n".join(lines)

    text = text_of(path.name)
    for name in known:
        text = re.sub(rf"^module {name}\b.*?^endmodule", "", text, flags=re.MULTILINE | re.DOTALL)
    return f"{text}\n"
