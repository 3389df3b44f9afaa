"""Verilog without initial values: a register that reset does not reach then shows up as X in a four-state simulator.

Kept are the contents of memories that are never written (the sequencer's program) and the helper registers with which
Yosys makes combinational processes run at time 0.
"""

import re

_HELPER = r"\$auto$verilog_backend"
_REGISTER = re.compile(r"^(\s*(?:output )?reg (?:\[\d+:\d+\] )?)(\S+)\s+= [^;]*;", re.MULTILINE)
_INITIAL = re.compile(r"^  initial begin\n(.*?)^  end\n", re.MULTILINE | re.DOTALL)


def without_initial_values(verilog: str) -> str:
    """Strip initial values from Verilog as Yosys writes it.

    Parameters
    ----------
    verilog : str
        Generated Verilog.

    Returns
    -------
    str
        The same design without initial values of registers and of memories that are written.
    """

    def register(found: re.Match[str]) -> str:
        # an escaped name ends with a blank
        return found[0] if _HELPER in found[2] else f"{found[1]}{found[2]} ;"

    def memory(found: re.Match[str]) -> str:
        name = re.match(r"\s*(\S+?)\s*\[", found[1])
        written = name is not None and re.search(rf"^\s*{re.escape(name[1])}\s*\[.*\]\s*<=", verilog, re.MULTILINE)
        return "" if written else found[0]

    return _INITIAL.sub(memory, _REGISTER.sub(register, verilog))
