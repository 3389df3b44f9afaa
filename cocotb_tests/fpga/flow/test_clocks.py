"""Settings of PLLs: what they give, and which there are."""

import pytest

from fpga.flow.boards import BOARDS
from fpga.flow.clocks import ClockError, setting


@pytest.mark.parametrize(
    ("family", "source", "target", "dividers"),
    [
        # as icepll and gowin_pll give them; of the ECP5's two outputs the second one is the machine's
        ("ice40", 12, 24, {"DIVR": 0, "DIVF": 63, "DIVQ": 5, "FILTER_RANGE": 1}),
        ("ecp5", 25, 100, {"CLKI_DIV": 1, "CLKOP_DIV": 16, "CLKOS_DIV": 4}),
        ("ecp5", 25, 31.25, {"CLKI_DIV": 1, "CLKOP_DIV": 20, "CLKOS_DIV": 16}),
        ("ecp5", 48, 80, {"CLKI_DIV": 1, "CLKOP_DIV": 10, "CLKOS_DIV": 6}),
        ("gowin", 27, 54, {"FBDIV_SEL": 1, "IDIV_SEL": 0, "ODIV_SEL": 8}),
    ],
)
def test_known(family: str, source: float, target: float, dividers: dict[str, int]) -> None:
    """Exact clocks, by known dividers."""
    found = setting(family, source, target)
    assert found.mhz == target
    assert found.dividers == dividers


@pytest.mark.parametrize("name", BOARDS)
def test_boards(name: str) -> None:
    """Every board's PLL makes its clock."""
    board = BOARDS[name]
    source = board.platform().default_clk_frequency / 1e6
    assert setting(board.family, source, board.target_mhz).mhz == pytest.approx(board.target_mhz, rel=1e-3)


def test_from_below() -> None:
    """Where a clock is not exact, it is slower, not faster."""
    found = setting("ice40", 12, 25)
    assert 24.5 < found.mhz <= 25


@pytest.mark.parametrize(("family", "target"), [("ice40", 400), ("ecp5", 500), ("gowin", 3)])
def test_out_of_range(family: str, target: float) -> None:
    """A clock that no setting gives."""
    with pytest.raises(ClockError, match=rf"^no setting of the {family} PLL makes {target} MHz of 27 MHz$"):
        setting(family, 27, target)
