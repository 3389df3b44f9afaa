"""What place and route says, read from samples of it."""

from dataclasses import replace
from typing import Any

import pytest

from cocotb_tests.fpga.minimal_design import small
from fpga.flow.bitstream_report import misfit, overfull, timing
from fpga.flow.boards import BOARDS
from fpga.flow.tools import FlowError
from gen import config as configs

TIMING: dict[str, Any] = {
    "fmax": {
        "$glbnet$clk": {"achieved": 101.239, "constraint": 100.0},
        "clk25_0__io$TRELLIS_IO_IN": {"achieved": 400.0, "constraint": 25.0},
    },
    "utilization": {"TRELLIS_COMB": {"available": 83640, "used": 20}, "DCSC": {"available": 2, "used": 0}},
    "critical_paths": [],
}
TABLE = """\
Info: Device utilisation:
Info:            ICESTORM_LC:  5804/ 5280   109%
Info:           ICESTORM_RAM:     7/   30    23%
Info:           ICESTORM_DSP:     9/    8   112%
ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_DSP'
"""


def test_timing() -> None:
    """The clock of the machine counts, not that of the oscillator."""
    assert timing(TIMING, 100.0) == {
        "fmax_mhz": 101.24,
        "utilization": {"TRELLIS_COMB": {"available": 83640, "used": 20}},
    }
    with pytest.raises(FlowError, match=r"^place and route reports no clock of 120 MHz, but \['\$glbnet\$clk', "):
        timing(TIMING, 120.0)


def test_misfit() -> None:
    """All that is too much is named, and what to shrink."""
    said = misfit(small(), TABLE)
    assert said.startswith(
        "small does not fit: it needs 5804 ICESTORM_LC of 5280 (110%) and 9 ICESTORM_DSP of 8 (112%) of the "
        "iCE40UP5K-SG48; shrink array.lanes (4), layers (10, 6, 5, 3) or gradient.bits ("
    )
    assert misfit(small(), TABLE.replace("5804", "5280").replace("9/ ", "8/ ")) == ""


def test_overfull() -> None:
    """A machine whose registers alone are too many is refused before it is synthesized, and no board's own is."""
    project = replace(small(), name="icebreaker-digits", config=configs.load("digits"))
    # 256 streams of 63 bits, 256 column sums of 10 bits
    assert overfull(project).startswith(
        "icebreaker-digits does not fit: it needs at least 18688 flip-flops of 5280 (354%) of the iCE40UP5K-SG48; "
        "shrink array.lanes (256), "
    )
    for board in BOARDS.values():
        assert overfull(replace(project, board=board, config=configs.load(board.config))) == ""
