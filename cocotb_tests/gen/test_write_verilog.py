"""How names, constants and memories are written."""

# Ports come from signatures, which the checker of types does not see.
# pyright: reportAttributeAccessIssue=false

import pyslang
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from gen import verilog
from gen.verilog_words import WORDS
from gen.write_verilog import identifier


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *[("state", "state"), ("state$1", "state$1"), ("_x9", "_x9"), ("always", "\\always "), ("logic", "\\logic ")],
        *[("9x", "\\9x "), ("a.b", "\\a.b "), ("$x", "\\$x "), ("é", "\\é ")],
    ],
)
def test_identifier(name: str, written: str) -> None:
    """What Verilog does not take as a name is escaped, and ends with a blank."""
    assert identifier(name) == written


def _accepted(text: str) -> bool:
    return not pyslang.syntax.SyntaxTree.fromText(text).diagnostics


def test_words() -> None:
    """An independent parser takes none of the words as a name, and all of them escaped."""
    assert _accepted("module m; wire name; endmodule")
    wrong = [word for word in sorted(WORDS) if _accepted(f"module m; wire {word}; endmodule")]
    assert wrong == []
    refused = [word for word in sorted(WORDS) if not _accepted(f"module m; wire {identifier(word)}; endmodule")]
    assert refused == []


class _Memories(wiring.Component):
    """Two memories and a register whose names or contents are special."""

    def __init__(self) -> None:
        super().__init__({"at": In(2), "reg": Out(5)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        contents = {"even": [9, 9, 9, 9], "uneven": [1, 2, 3]}
        for name, content in contents.items():
            attributes = {"ram_style": "block", "no_rw_check": 1}
            m.submodules[name] = kept = memory.Memory(shape=unsigned(5), depth=4, init=content, attrs=attributes)
            read, write = kept.read_port(), kept.write_port()
            m.d.comb += [read.addr.eq(self.at), write.addr.eq(self.at), write.data.eq(3), write.en.eq(self.at[0])]
            output = Signal(5, name="output", init=7)
            m.d.sync += output.eq(output + read.data)
            m.d.comb += self.reg.eq(output) if name == "even" else []
        return m


def test_module() -> None:
    """Contents in a loop where all rows are equal, one by one where not; attributes; values at power-on; ports."""
    text = verilog.convert(_Memories(), "memories")
    assert "  output wire [4:0] \\reg \n);" in text
    assert '  (* ram_style = "block" *)\n  (* no_rw_check = 1 *)\n  reg [4:0] even [0:3];\n' in text
    assert "    for (even$row = 0; even$row < 4; even$row = even$row + 1)\n      even[even$row] = 5'h9;\n" in text
    assert "    uneven[0] = 5'h1;\n    uneven[1] = 5'h2;\n    uneven[2] = 5'h3;\n    uneven[3] = 5'h0;\n" in text
    assert "  reg [4:0] \\output  = 5'h7;\n" in text
    assert _accepted(text)
