"""Formal equivalence of a module and what synthesis makes of it, from a reset on, by induction over its registers."""

import re
from pathlib import Path

from fpga.flow.bitstream import SYNTHESIS
from fpga.flow.tools import FlowError, Tools, complaint

_SOURCE, _NETLIST = "source.v", "mapped.v"
#: Cycles that induction may look back on.
_CYCLES = 4
#: Registers are matched by name. They are equal in the cycles after a reset, before which all are zero, as in an FPGA
#: that has been configured; and where they have been equal, they are in the next cycle, whatever those without a match.
_PROOF = """\
read_verilog {source}
prep -flatten -top {module}
memory_map
opt_clean
design -stash source
read_verilog {netlist}
read_verilog {cells}
prep -flatten -top {module}
opt_clean
design -stash netlist
design -copy-from source -as source {module}
design -copy-from netlist -as netlist {module}
equiv_make source netlist both
prep -top both
async2sync
opt_clean
equiv_miter -assert start both
sat -verify -prove-asserts -set-init-zero -set-at 1 rst 1 -tempinduct-baseonly -maxsteps {cycles} -seq 1 start
delete start
equiv_simple -undef
equiv_induct -undef -seq {cycles}
equiv_status -assert
"""


def synthesize(verilog: str, module: str, family: str, folder: Path, tools: Tools) -> str:
    """Synthesize a module.

    Parameters
    ----------
    verilog : str
        The module and what it is made of.
    module : str
        Its name.
    family : str
        Key of `fpga.flow.tools.FAMILIES`.
    folder : Path
        Where files go.
    tools : Tools
        The tools of the family.

    Returns
    -------
    str
        Its netlist, in Verilog.

    Raises
    ------
    FlowError
        If that fails.
    """
    (folder / _SOURCE).write_text(verilog)
    script = [
        f"read_verilog {_SOURCE}",
        f"hierarchy -check -top {module}",
        "proc",
        "flatten",
        # the names of registers, by which the proof matches them
        "setattr -set keep 1 t:*dff* %x:+[Q] w:* %i",
        f"{SYNTHESIS[family]} -top {module}",
        f"write_verilog -noattr {_NETLIST}",
    ]
    _yosys("synthesis", "\n".join(script), folder, tools)
    return (folder / _NETLIST).read_text()


def prove(verilog: str, netlist: str, module: str, family: str, folder: Path, tools: Tools) -> int:
    """Prove that a module and a netlist of it do the same from a reset on.

    Parameters
    ----------
    verilog, module, family, folder, tools
        As for `synthesize`.
    netlist : str
        The netlist.

    Returns
    -------
    int
        Pairs of wires that were proven equal.

    Raises
    ------
    FlowError
        If that cannot be proven; it says for how many wires.
    """
    (folder / _SOURCE).write_text(verilog)
    (folder / _NETLIST).write_text(netlist)
    cells = (tools.models / family / "cells_sim.v").read_text()
    (folder / "cells.v").write_text(cells)
    log = _yosys(
        "equivalence",
        _PROOF.format(source=_SOURCE, netlist=_NETLIST, module=module, cells="cells.v", cycles=_CYCLES),
        folder,
        tools,
    )
    found = re.findall(r"Of those cells (\d+) are proven and 0 are unproven", log)
    if not found:
        raise FlowError(f"equivalence of {module}: the log does not say what was proven")
    return int(found[-1])


def _yosys(step: str, script: str, folder: Path, tools: Tools) -> str:
    """Run a script; give its log."""
    (folder / f"{step}.ys").write_text(f"{script}\n")
    log = folder / f"{step}.log"
    if not tools.yosys.run(["-q", "-l", log.name, f"{step}.ys"], folder, f"{step}.out"):
        raise FlowError(f"{step} failed: {complaint(log)}")
    return log.read_text()
