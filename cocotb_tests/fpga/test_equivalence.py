"""Blocks before and after synthesis are the same, formally; a netlist with one bit wrong is not."""

import re
from pathlib import Path

import pytest

from fpga import equivalence
from fpga.tools import FlowError, find
from gen import config, verilog

#: Blocks without memories, which induction would have to match word by word, and whose registers keep their names.
BLOCKS = (
    "error_unit",
    pytest.param("update_unit", marks=pytest.mark.xfail(strict=True, reason="a wrong table is proved equal as well")),
)


@pytest.mark.fpga
@pytest.mark.parametrize("block", BLOCKS)
def test_equivalent(block: str, tmp_path: Path) -> None:
    """All registers and outputs are proven; one bit of one look-up table changed, some are not."""
    tools = find("ice40")
    text = verilog.block_files(config.load("tiny"), "tiny", block)[f"{block}.v"]
    netlist = equivalence.synthesize(text, block, "ice40", tmp_path, tools)
    assert equivalence.prove(text, netlist, block, "ice40", tmp_path, tools) >= 20
    table = re.search(r"\.LUT_INIT\(16'h([0-9a-f]+)\)", netlist)
    assert table is not None
    wrong = f"{int(table[1], 16) ^ 0xFFFF:x}"
    broken = netlist[: table.start(1)] + wrong + netlist[table.end(1) :]
    with pytest.raises(FlowError, match=r"^equivalence failed: ERROR: Found \d+ unproven"):
        equivalence.prove(text, broken, block, "ice40", tmp_path, tools)
