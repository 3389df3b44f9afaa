"""Options: the machines that are compared differ, are valid, and what they cost is a difference."""

import pytest

from fpga.flow import area_sweep


@pytest.mark.parametrize("name", area_sweep.OPTIONS)
def test_machines(name: str) -> None:
    """With and without are two machines of as many lanes."""
    without, together = (change(area_sweep.plain()) for change in area_sweep.OPTIONS[name])
    assert without != together
    assert without.array.lanes == together.array.lanes == area_sweep.COUNT


def test_row() -> None:
    """Differences have a sign, whole machines have none."""
    numbers = {"lut_per_lane": 1.5, "lut": 48, "ff": -3, "bram": 0, "dsp": 0}
    assert area_sweep.row({"option": "x", **numbers}) == "| x | +1.5 | +48 | -3 | +0 |"
    assert area_sweep.row({"option": "the plain machine", **numbers}) == "| the plain machine | 1.5 | 48 | -3 | 0 |"
