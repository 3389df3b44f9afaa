"""Rows of block RAM on their way into a pipeline."""

from typing import Any, NamedTuple

from amaranth.hdl import Module, Value
from amaranth.lib import memory

from hdl.lib.planes import reg_en

#: Attributes of a memory, for synthesis: no row is read and written in the same cycle, or what is read then is of no
#: use, and nothing needs to be built for that case.
APART: dict[str, Any] = {"no_rw_check": 1}
#: The same of one that shall be block RAM, however small.
BLOCK_RAM: dict[str, Any] = {"ram_style": "block", **APART}


class When(NamedTuple):
    """A cycle of a pipeline: whether it has a row, and which."""

    enable: Value
    row: Value


def fetched(m: Module, name: str, read: memory.ReadPort, early: When, late: When, *, stages: int) -> Value:
    """Give the row that a pipeline works on, which stays until the next comes.

    With one or two stages (`golden.array.synapse_array.ArrayParameters.stages`) logic follows right behind the memory.
    With three the row goes from memory to register with nothing between, as an FPGA's block RAM is slow.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Of the register.
    read : memory.ReadPort
        Port of the memory, for this alone.
    early, late : When
        Two cycles and one cycle before the row is there.
    stages : int
        Stages.
    """
    when = late if stages < 3 else early
    m.d.comb += [read.addr.eq(when.row), read.en.eq(when.enable)]
    return read.data if stages < 3 else reg_en(m, name, late.enable, read.data)
