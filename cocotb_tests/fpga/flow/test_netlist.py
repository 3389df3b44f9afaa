"""Cells counted in netlists that are known by heart."""

from typing import Any

import pytest

from fpga.flow.netlist import Area, area, within


def _cells(**counts: int) -> list[dict[str, Any]]:
    return [{"type": kind, "connections": {}} for kind, count in counts.items() for _ in range(count)]


def test_ecp5() -> None:
    """A carry cell is two look-up tables, a LUT memory six."""
    found = _cells(LUT4=10, CCU2C=3, TRELLIS_DPR16X4=2, TRELLIS_FF=7, DP16KD=2, MULT18X18D=1, PFUMX=5, L6MUX21=1)
    assert area(found, "ecp5") == Area(lut=10 + 6 + 12, ff=7, bram=2, dsp=1, spram=0)


def test_gowin() -> None:
    """A carry cell is one look-up table, a LUT memory four."""
    found = _cells(LUT1=1, LUT2=2, LUT3=3, LUT4=4, ALU=5, RAM16SDP4=2, DFF=1, DFFRE=2, SDPX9B=1, MUX2_LUT5=9)
    assert area(found, "gowin") == Area(lut=10 + 5 + 8, ff=3, bram=1, dsp=0, spram=0)


def _lut(*inputs: int) -> dict[str, Any]:
    wires = {f"I{number}": [wire] for number, wire in enumerate(inputs)}
    return {"type": "SB_LUT4", "connections": wires}


def _carry(first: int, second: int, carry: int) -> dict[str, Any]:
    return {"type": "SB_CARRY", "connections": {"I0": [first], "I1": [second], "CI": [carry], "CO": [99]}}


@pytest.mark.parametrize(
    ("found", "luts"),
    [
        ([_lut(0, 5, 6, 7), _carry(5, 6, 7)], 1),  # one logic cell
        ([_lut(0, 5, 6, 8), _carry(5, 6, 7)], 2),  # another carry
        ([_lut(0, 5, 6, 7), _carry(5, 6, 7), _carry(5, 6, 7)], 2),  # one of two
        ([_carry(5, 6, 7)], 1),
    ],
)
def test_ice40(found: list[dict[str, Any]], luts: int) -> None:
    """A carry cell costs nothing in the logic cell of the table that takes its inputs, else one."""
    assert area([*found, *_cells(SB_DFFESR=3, SB_RAM40_4K=2, SB_SPRAM256KA=1)], "ice40") == Area(luts, 3, 2, 0, 1)


def test_within() -> None:
    """Cells belong to an instance by their path."""
    found = {
        "board.axi.machine.array.lfsr.x": 1,
        "board.axi.machine.array_y": 2,
        "machine.array.z": 3,
        "board.machine.periphery.update_unit.a": 4,
    }
    assert within(found, ["machine.array"]) == [1, 3]
    assert within(found, ["machine.array", "machine.periphery.update_unit"]) == [1, 3, 4]
