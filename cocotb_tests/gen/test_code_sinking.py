"""What is computed where in generated Verilog; that it is the same hardware is proven in `test_lowering_proof`."""

# Ports come from signatures, which the checker of types does not see.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Callable

import pytest
from amaranth.hdl import Cat, Instance, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from cocotb_tests.kit.built import Built
from gen import verilog
from hdl.lib.planes import wire

_PORTS = {"a": In(1), "b": In(1), "d": In(8), "e": In(8), "q": Out(8), "r": Out(8)}


def _lines(build: Callable[[Module, Built], None]) -> list[str]:
    """Lines of the module behind its header."""
    return verilog.convert(Built(_PORTS, build), "built").split(");\n", 1)[1].splitlines()


def _blocks(lines: list[str]) -> list[str]:
    """Clocked blocks, each as one text without indentation."""
    text = "\n".join(line.strip() if line.startswith("   ") else line for line in lines)
    return [block.split("\n  end\n")[0] for block in text.split("  always @(posedge clk) begin\n")[1:]]


def test_one_branch() -> None:
    """What one branch alone needs is computed in it, in the order of use."""

    def build(m: Module, p: Built) -> None:
        total = wire(m, "total", p.d + p.e)
        scaled = wire(m, "scaled", total * 3)
        with m.If(p.a):
            m.d.sync += p.q.eq(scaled >> 2)

    (block,) = _blocks(lines := _lines(build))
    assert not [line for line in lines if "assign" in line and "r = " not in line]
    assert block.startswith("if (a) begin : branch_0\nreg [8:0] total;\nreg [10:0] scaled;\ntotal = ")
    assert block.index("total = ") < block.index("scaled = ") < block.index("q <= ")


def test_common_branch() -> None:
    """What two branches need is computed where both are; what conditions need, outside of theirs."""

    def build(m: Module, p: Built) -> None:
        total, same = wire(m, "total", p.d + p.e), wire(m, "same", p.d == p.e)
        with m.If(p.a):
            with m.If(same):
                m.d.sync += p.q.eq(total)
            with m.Else():
                m.d.sync += p.r.eq(total)

    (block,) = _blocks(_lines(build))
    head = block.split("if (same)")[0]
    assert head.startswith("if (a) begin : branch_0\nreg [8:0] total;\nreg same;\n")
    assert "total = {1'h0, d} + {1'h0, e};" in head
    assert "same = d == e;" in head


@pytest.mark.parametrize("user", ["port", "instance", "register of no branch"])
def test_other_users_keep_a_wire(user: str) -> None:
    """What is also needed outside of a branch stays a wire."""

    def build(m: Module, p: Built) -> None:
        total = wire(m, "total", p.d + p.e)
        with m.If(p.a):
            m.d.sync += p.q.eq(total)
        if user == "port":
            m.d.comb += p.r.eq(total)
        elif user == "instance":
            m.submodules.inner = Instance("inner", i_total=total, o_r=p.r)
        else:
            m.d.sync += p.r.eq(total)

    assert "  assign total = {1'h0, d} + {1'h0, e};" in _lines(build)


def test_unused() -> None:
    """What nothing needs disappears, and what only such things need."""

    def build(m: Module, p: Built) -> None:
        wire(m, "twice", wire(m, "once", p.d + p.e) + 1)
        m.d.comb += p.q.eq(p.d)

    text = "\n".join(_lines(build))
    assert "assign q = d;" in text
    assert "once" not in text
    assert "twice" not in text


def test_equal_conditions() -> None:
    """Branches of one condition become one."""

    def build(m: Module, p: Built) -> None:
        with m.If(p.a & p.b):
            m.d.sync += p.q.eq(p.d)
        with m.If(p.a & p.b):
            m.d.sync += p.r.eq(p.e)

    assert _blocks(_lines(build))[0].startswith("if (a & b) begin\nq <= d;\nr <= e;\nend\n")


def test_equal_conditions_apart() -> None:
    """They stay apart where the variable is assigned between them: the last assignment counts."""

    def build(m: Module, p: Built) -> None:
        with m.If(p.a):
            m.d.sync += p.q.eq(p.d)
        with m.If(p.b):
            m.d.sync += p.q.eq(p.e)
        with m.If(p.a):
            m.d.sync += p.q[0].eq(1)

    block = _blocks(_lines(build))[0]
    assert block.index("if (a)") < block.index("if (b)") < block.rindex("if (a)")
    assert block.count("if (a)") == 2


@pytest.mark.parametrize("between", [False, True])
def test_implied(between: bool) -> None:
    """A branch goes into that whose condition its own implies, but not where others assign its registers as well."""

    def build(m: Module, p: Built) -> None:
        register = Signal(8, name="register", reset_less=True)
        with m.If(p.a):
            m.d.sync += p.r.eq(p.d)
        if between:
            m.d.sync += register.eq(p.d)
        with m.If(wire(m, "both", p.a & p.b)):
            m.d.sync += register.eq(p.e)
        m.d.comb += p.q.eq(register)

    block = _blocks(_lines(build))[0]
    nested = "if (a) begin : branch_0\nreg both;\nboth = a & b;\nr <= d;\nif (both) begin\nregister <= e;\nend\nend\n"
    assert (nested in block) != between


def test_shared_expression() -> None:
    """An expression that is used twice is computed once, and called by a name that it has."""

    def build(m: Module, p: Built) -> None:
        m.d.comb += p.q.eq((p.d + p.e)[1:] ^ p.d)
        m.d.sync += p.r.eq((p.d + p.e)[1:])
        wire(m, "unread", p.d + p.e)

    text = "\n".join(_lines(build))
    assert text.count(" + ") == 1
    assert "assign sum$0 = {1'h0, d} + {1'h0, e};" in text


def test_long_expression() -> None:
    """A long expression is written in pieces that a reader can follow."""

    def build(m: Module, p: Built) -> None:
        total: Value = p.d
        for number in range(40):
            total = (total ^ p.e) + number
        m.d.comb += p.q.eq(total)

    lines = _lines(build)
    assert max(len(line) for line in lines) < 400
    assert len([line for line in lines if "assign" in line]) > 3


def test_joined_words() -> None:
    """Bits of a joined word are read where they come from, and a name for a name is passed over."""

    def build(m: Module, p: Built) -> None:
        joined = wire(m, "joined", Cat(p.d, p.e))
        again = wire(m, "again", joined)
        m.d.comb += p.q.eq(again[4:8])
        m.d.sync += p.r.eq(again[6:14])

    lines = _lines(build)
    assert "  assign q = {4'h0, d[7:4]};" in lines
    assert "    r <= {e[5:0], d[7:6]};" in lines
    assert not any("again" in line or "joined" in line for line in lines)


@pytest.mark.parametrize("pieces", [3, 2])
def test_pieces_of_a_register(pieces: int) -> None:
    """A register of which a branch assigns all pieces is assigned at once; else every piece by itself."""

    def build(m: Module, p: Built) -> None:
        with m.If(p.a):
            m.d.sync += [p.q[4:].eq(p.d[:4]), p.q[2:4].eq(p.e[:2]), p.q[:2].eq(p.e[4:6])][:pieces]

    block = _blocks(_lines(build))[0]
    assert ("q <= {d[3:0], e[1:0], e[5:4]};" in block) == (pieces == 3)
    assert ("q[7:4] <= d[3:0];" in block) == (pieces == 2)
