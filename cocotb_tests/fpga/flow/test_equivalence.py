"""Blocks before and after synthesis are the same, formally; a netlist with one bit wrong is not."""

import re
from pathlib import Path

import pytest

from fpga.flow import equivalence
from fpga.flow.tools import FlowError, find
from gen import config, verilog

#: Blocks without memories, which induction would have to match word by word, and whose registers keep their names.
BLOCKS = ("error_unit", "update_unit")
#: Tables that are made wrong: some do not matter, as those of bits of a gradient sum that no update shift reaches.
FAULTS = 10


@pytest.mark.fpga
@pytest.mark.parametrize("block", BLOCKS)
def test_equivalent(block: str, tmp_path: Path) -> None:
    """All registers and outputs are proven; with ten look-up tables inverted some are not."""
    tools = find("ice40")
    text = verilog.block_files(config.load("tiny"), "tiny", block)[f"{block}.v"]
    netlist = equivalence.synthesize(text, block, "ice40", tmp_path, tools)
    assert equivalence.prove(text, netlist, block, "ice40", tmp_path, tools) >= 20
    tables = list(re.finditer(r"(?<=\.LUT_INIT\(16'h)[0-9a-f]+(?=\))", netlist))
    assert len(tables) > FAULTS
    broken = netlist
    for table in reversed(tables[:: len(tables) // FAULTS]):
        broken = f"{broken[: table.start()]}{int(table[0], 16) ^ 0xFFFF:04x}{broken[table.end() :]}"
    unproven = r"^equivalence failed: ERROR: (Called with -verify and proof did fail|Found \d+ unproven)"
    with pytest.raises(FlowError, match=unproven):
        equivalence.prove(text, broken, block, "ice40", tmp_path, tools)
