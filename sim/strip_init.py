"""Verilog without initial values: a register that reset does not reach then shows up as X in a four-state simulator.

Kept are the contents of memories that are never written: the sequencer's program.
"""

import re

_REGISTER = re.compile(r"^( +(?:output )?reg (?:\[\d+:0\] )?)(\S+) += \d+'h[0-9a-f]+(?=[,;]?$)", re.MULTILINE)
_INITIAL = re.compile(r"^  initial begin\n(.*?)^  end\n", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^ +(\S+) ?\[[^=]*\] = ", re.MULTILINE)


def without_initial_values(verilog: str) -> str:
    """Strip initial values from generated Verilog.

    Parameters
    ----------
    verilog : str
        Modules as `gen.write_verilog` writes them.

    Returns
    -------
    str
        The same modules without initial values of registers and of memories that are written.
    """

    def content(found: re.Match[str]) -> str:
        row = _ROW.search(found[1])
        written = row is not None and re.search(rf"^ +{re.escape(row[1])} ?\[.*\] <=", verilog, re.MULTILINE)
        return "" if written else found[0]

    # an escaped name ends with a blank
    return _INITIAL.sub(content, _REGISTER.sub(r"\1\2 ", verilog))
