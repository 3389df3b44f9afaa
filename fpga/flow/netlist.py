"""Cells of a synthesized netlist, counted: what each costs in the family's look-up tables."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: LUT4-equivalents of a cell. A carry cell of ECP5 takes the place of two LUT4, one of Gowin that of one. Memory of
#: LUTs, 16 words of 4 bits, takes four of them; on ECP5 two more, which lend their inputs to its write port.
_LUTS = {
    "ecp5": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    "gowin": {**{f"LUT{inputs}": 1 for inputs in range(1, 5)}, "ALU": 1, "RAM16SDP4": 4},
    "ice40": {"SB_LUT4": 1},
}
_FLIP_FLOPS = {"ecp5": ("TRELLIS_FF",), "gowin": ("DFF",), "ice40": ("SB_DFF",)}
_BLOCK_RAMS = {
    "ecp5": ("DP16KD", "PDPW16KD"),
    "gowin": ("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9"),
    "ice40": ("SB_RAM40_4K",),
}
_MULTIPLIERS = {
    "ecp5": ("MULT9X9D", "MULT18X18D", "ALU54B"),
    "gowin": ("MULT9X9", "MULT18X18", "MULT36X36", "MULTALU18X18", "MULTADDALU18X18"),
    "ice40": ("SB_MAC16",),
}


@dataclass(frozen=True)
class Area:
    """What cells take of a device.

    Attributes
    ----------
    lut : int
        LUT4-equivalents.
    ff, bram, dsp, spram : int
        Flip-flops, block RAMs, multipliers, and the large single-port RAMs of iCE40 UP.
    """

    lut: int
    ff: int
    bram: int
    dsp: int
    spram: int


def cells(netlist: Mapping[str, Any], top: str) -> dict[str, Any]:
    """Give the cells of the top level of a netlist in Yosys's JSON, which must be flat.

    Parameters
    ----------
    netlist : mapping
        The netlist.
    top : str
        Name of its top level.

    Returns
    -------
    dict
        Name -> cell.
    """
    return netlist["modules"][top]["cells"]


def area(found: Iterable[Mapping[str, Any]], family: str) -> Area:
    """Add up cells.

    Parameters
    ----------
    found : iterable of mapping
        Cells.
    family : str
        ``ice40``, ``ecp5`` or ``gowin``.

    Returns
    -------
    Area
        What they take.
    """
    found = list(found)
    kinds = Counter(cell["type"] for cell in found)
    luts = sum(kinds[kind] * cost for kind, cost in _LUTS[family].items())
    if family == "ice40":
        luts += _lone_carries(found)
    return Area(
        lut=luts,
        ff=sum(count for kind, count in kinds.items() if kind.startswith(_FLIP_FLOPS[family])),
        bram=sum(count for kind, count in kinds.items() if kind in _BLOCK_RAMS[family]),
        dsp=sum(count for kind, count in kinds.items() if kind in _MULTIPLIERS[family]),
        spram=kinds["SB_SPRAM256KA"],
    )


def _lone_carries(found: Iterable[Mapping[str, Any]]) -> int:
    """Carry cells of iCE40 that fill a logic cell alone: no LUT has their two operands and their carry as inputs."""
    luts = Counter()
    carries = Counter()
    for cell in found:
        wires = cell["connections"] if cell["type"] in ("SB_LUT4", "SB_CARRY") else {}
        if cell["type"] == "SB_LUT4":
            luts[tuple(wires["I1"] + wires["I2"] + wires["I3"])] += 1
        elif cell["type"] == "SB_CARRY":
            carries[tuple(wires["I0"] + wires["I1"] + wires["CI"])] += 1
    return sum(max(0, count - luts[inputs]) for inputs, count in carries.items())


def within(found: Mapping[str, Any], paths: Iterable[str]) -> list[Any]:
    """Choose the cells inside instances.

    Parameters
    ----------
    found : mapping
        Name -> cell.
    paths : iterable of str
        Instances, by the end of their path.

    Returns
    -------
    list
        Their cells.
    """
    marks = tuple(f".{path}." for path in paths)
    return [cell for name, cell in found.items() if any(mark in f".{name}" for mark in marks)]
