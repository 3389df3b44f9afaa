"""Clocked logic as procedures: what is moved where."""

import re

import pytest

from gen.code_sinking import procedural

_STARTER = r"    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end"


def _module(body: str, ports: str = "clk, rst, a, b, d, q") -> str:
    """Write a module with the usual ports, as Yosys does; `body` are its declarations and statements."""
    return f"""\
/* Generated */

module m({ports});
  reg \\$auto$verilog_backend.cc:2355:dump_module$1  = 0;
  input a;
  wire a;
  input b;
  wire b;
  input clk;
  wire clk;
  input [3:0] d;
  wire [3:0] d;
  output [3:0] q;
  reg [3:0] q = 4'h0;
  input rst;
  wire rst;
{body.strip(chr(10))}
endmodule
"""


def _register(register: str, following: str, *lines: str, reset: str = "4'h0") -> str:
    """Write a register and the block that computes its next value."""
    block = "\n".join(f"    {line}" for line in lines)
    return f"""\
  always @(posedge clk)
    {register}<= {following};
  always @* begin
{_STARTER}
    {following} = {register.strip()};
{block}
    if (rst) begin
      {following} = {reset};
    end
  end
"""


def _body(text: str) -> list[str]:
    """Lines of the statements of a rewritten module, without declarations of its usual ports."""
    return [line for line in text.splitlines() if re.match(r"  (  |assign|always|end)", line)]


def _clocked(text: str) -> str:
    """The clocked block, its lines without indentation, labels and declarations.

    Every variable is declared once, in the branch in which it is assigned, and every branch with variables has a label
    of its own.
    """
    found = re.search(r"  always @\(posedge clk\) begin\n(.*?)^  end$", text, re.MULTILINE | re.DOTALL)
    assert found, text
    assert text.count("posedge clk") == 1
    labels = re.findall(r" : (\w+)$", found[1], re.MULTILINE)
    assert len(labels) == len(set(labels)), labels
    written: list[str] = []
    opened = ""
    declared: list[str] = []  # of the present branch, before its first statement
    for line in map(str.strip, found[1].splitlines()):
        if declaration := re.fullmatch(r"reg (?:\[\d+:0\] )?(\S+) ?;", line):
            assert re.search(r"begin : \w+$", opened), f"a declaration in a branch without a label: {line}"
            declared.append(declaration[1])
            continue
        if variable := re.match(r"(\S+) +=(?!=)", line):
            assert variable[1] in declared, f"{line}: not declared in its branch"
            declared.remove(variable[1])
        else:
            assert not declared, f"{declared} not assigned before {line}"
        opened = line
        written.append(re.sub(r" : \w+$", "", line))
    return "\n".join(written)


def _lines(text: str) -> str:
    """Text without indentation and empty lines."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def test_one_branch() -> None:
    """What one branch alone needs is computed in it, in the order of use, as a variable."""
    text = procedural(
        _module(
            r"""
  wire [4:0] \$1 ;
  wire [3:0] \$2 ;
  reg [3:0] \$3 ;
  assign \$2  = \$1 [3:0] ^ d;
  assign \$1  = q + 1'h1;
"""
            + _register("q ", r"\$3 ", "if (a) begin", r"  \$3  = \$2 ;", "end")
        )
    )
    assert _clocked(text) == _lines(
        r"""
if (a) begin
\$1  = q + 1'h1;
\$2  = \$1 [3:0] ^ d;
q <= \$2 ;
end
if (rst) begin
q <= 4'h0;
end
"""
    )
    assert (
        "      reg [4:0] \\$1 ;\n      reg [3:0] \\$2 ;\n" in text
        or "      reg [3:0] \\$2 ;\n      reg [4:0] \\$1 ;\n" in text
    )
    assert "wire [4:0]" not in text
    assert "assign" not in text
    assert "@*" not in text


def test_common_branch() -> None:
    """What two branches need is computed where both are; what conditions need, outside of theirs."""
    text = procedural(
        _module(
            r"""
  wire [3:0] \$1 ;
  wire \$2 ;
  wire \$3 ;
  wire \$4 ;
  reg [3:0] \$5 ;
  assign \$1  = q & d;
  assign \$2  = d[0] ^ b;
  assign \$3  = d[1] ^ \$2 ;
  assign \$4  = d[2] ^ b;
"""
            + _register(
                "q ",
                r"\$5 ",
                "if (a) begin",
                r"  if (\$3 ) begin",
                r"    \$5  = \$1 ;",
                "  end else begin",
                r"    \$5  = ~ \$1 ;",
                "  end",
                r"end else if (\$4 ) begin",
                r"  \$5  = 4'hf;",
                "end",
            )
        )
    )
    assert _clocked(text) == _lines(
        r"""
if (a) begin
\$2  = d[0] ^ b;
\$3  = d[1] ^ \$2 ;
\$1  = q & d;
if (\$3 ) begin
q <= \$1 ;
end else begin
q <= ~ \$1 ;
end
end else if (\$4 ) begin
q <= 4'hf;
end
if (rst) begin
q <= 4'h0;
end
"""
    )
    # the condition of an else-if is evaluated outside of every branch
    assert r"assign \$4  = d[2] ^ b;" in text


def test_other_users_keep_a_wire() -> None:
    """A wire that a port, a combinational block, an instance or a partial assignment needs stays a wire."""
    users = {
        "port": ("  assign o = \\$1 ;\n", r"o = d + q;"),
        "block": (f"  always @* begin\n{_STARTER}\n    o = 4'h0;\n    if (\\$1 [0]) o = d;\n  end\n", r"\$1  = d + q;"),
        "instance": ("  other instance (\n    .x(\\$1 )\n  );\n", r"\$1  = d + q;"),
        "part": ("  assign o[1:0] = \\$1 [1:0];\n", r"\$1  = d + q;"),
    }
    for user, (statement, expected) in users.items():
        text = procedural(
            _module(
                f"  output [3:0] o;\n  {'reg' if user == 'block' else 'wire'} [3:0] o;\n"
                "  wire [3:0] \\$1 ;\n  reg [3:0] \\$2 ;\n  assign \\$1  = d + q;\n"
                + statement.replace("if (\\$1 [0]) o = d;", "if (\\$1 [0]) begin\n      o = d;\n    end")
                + _register("q ", r"\$2 ", "if (a) begin", r"  \$2  = \$1 ;", "end"),
                "clk, rst, a, b, d, q, o",
            )
        )
        assert f"  assign {expected}\n" in text, user
        assert "d + q" not in _clocked(text), user


def test_names() -> None:
    """A result gets the name under which it is known; of two names the first; a port keeps its declaration."""
    text = procedural(
        _module(
            r"""
  wire [3:0] \$1 ;
  wire [3:0] \$2 ;
  reg [3:0] \$3 ;
  wire [3:0] sum;
  wire [3:0] again;
  wire [3:0] \one.two ;
  output [3:0] o;
  wire [3:0] o;
  assign \$1  = d + q;
  assign \$2  = d - q;
  assign sum = \$1 ;
  assign again = \$1 ;
  assign \one.two  = \$1 ;
  assign o = \$2 ;
"""
            + _register("q ", r"\$3 ", "if (a) begin", r"  \$3  = \$1 ;", "end else begin", r"  \$3  = again;", "end"),
            "clk, rst, a, b, d, q, o",
        )
    )
    assert "assign o = d - q;" in text
    assert r"\$2" not in text
    assert "  wire [3:0] o;\n" in text
    assert _clocked(text).startswith("sum = d + q;\n") or "  assign sum = d + q;\n" in text
    assert "q <= sum;" in text
    assert r"\$1" not in text
    assert "one.two" not in text, "what nothing needs is left out"


def test_name_of_a_name() -> None:
    """A nameless result that only repeats another one gives it no name: both keep their definitions."""
    text = procedural(
        _module(
            r"""
  wire [3:0] \$1 ;
  wire [3:0] \$2 ;
  wire [3:0] known;
  assign \$1  = a + b;
  assign \$2  = \$1 ;
  assign known = \$2 ;
  assign q = known ^ \$1 ;
"""
        )
    )
    definitions = re.findall(r"assign (\S+) +=", text)
    assert sorted(definitions) == ["\\$1", "known", "q"]
    assert re.search(r"assign known = \\\$1 ;", text)


def test_narrower_name() -> None:
    """A name of another width is no other name of the same result."""
    text = procedural(
        _module(
            "  wire [4:0] \\$1 ;\n  reg [3:0] \\$2 ;\n  wire [3:0] sum;\n"
            "  assign \\$1  = d + q;\n  assign sum = \\$1 ;\n"
            + _register("q ", r"\$2 ", "if (a) begin", r"  \$2  = sum;", "end")
        )
    )
    assert _clocked(text).startswith("if (a) begin\n\\$1  = d + q;\nsum = \\$1 ;\nq <= sum;\n")


def test_unused() -> None:
    """Wires without use disappear, also those that only such wires use; ports and used ones stay."""
    text = procedural(
        _module(
            r"""
  wire [3:0] \$1 ;
  wire [3:0] \$2 ;
  reg [3:0] \$3 ;
  wire [3:0] \q.low ;
  output o;
  wire o;
  assign \$1  = d + q;
  assign \$2  = \$1  ^ d;
  assign \q.low  = q;
  assign o = a;
"""
            + _register("q ", r"\$3 ", "if (a) begin", r"  \$3  = d;", "end"),
            "clk, rst, a, b, d, q, o",
        )
    )
    for gone in (r"\$1", r"\$2", "q.low"):
        assert gone not in text.replace(r"\$auto$verilog_backend.cc:2355:dump_module$1", ""), gone
    assert "  assign o = a;\n" in text
    assert "  output o;\n  wire o;\n" in text
    assert "module m(clk, rst, a, b, d, q, o);" in text


def test_order_of_a_register() -> None:
    """Later assignments override earlier ones: choices by one condition stay apart where another one is between."""
    text = procedural(
        _module(
            "  reg [3:0] \\$1 ;\n"
            + _register(
                "q ",
                r"\$1 ",
                *("if (a) begin", r"  \$1  = 4'h1;", "end"),
                *("if (b) begin", r"  \$1  = 4'h2;", "end"),
                *("if (a) begin", r"  \$1 [1:0] = d[1:0];", "end"),
            )
        )
    )
    assert _clocked(text) == _lines(
        """
if (a) begin
q <= 4'h1;
end
if (b) begin
q <= 4'h2;
end
if (a) begin
q [1:0] <= d[1:0];
end
if (rst) begin
q <= 4'h0;
end
"""
    )


def test_holding() -> None:
    """The register itself as its next value is left out at the beginning, and kept where it overrides something."""
    text = procedural(
        _module(
            f"""\
  reg [3:0] \\$1 ;
  always @(posedge clk)
    q <= \\$1 ;
  always @* begin
{_STARTER}
    \\$1  = d;
    if (a) begin
      \\$1  = q;
    end
  end
"""
        )
    )
    assert _clocked(text) == "q <= d;\nif (a) begin\nq <= q;\nend"


def test_registers_share_branches() -> None:
    """Registers with the same conditions go into the same branches, in an order that is right for each of them."""
    text = procedural(
        _module(
            "  reg [3:0] p = 4'h0;\n  reg [3:0] \\$1 ;\n  reg [3:0] \\$2 ;\n"
            + _register(
                "q ",
                r"\$1 ",
                *("if (a) begin", r"  \$1  = d;", "end else if (b) begin", r"  \$1  = 4'h2;", "end"),
                *("if (b) begin", r"  \$1 [0] = 1'h1;", "end"),
            )
            + _register(
                "p ",
                r"\$2 ",
                *("if (b) begin", r"  \$2  = q;", "end"),
                *("if (a) begin", r"  \$2  = 4'h3;", "end"),
                reset="4'h9",
            )
        )
    )
    assert _clocked(text) == _lines(
        """
if (a) begin
q <= d;
end else if (b) begin
q <= 4'h2;
end
if (b) begin
p <= q;
q [0] <= 1'h1;
end
if (a) begin
p <= 4'h3;
end
if (rst) begin
p <= 4'h9;
q <= 4'h0;
end
"""
    )


def test_case() -> None:
    """Items of a ``casez`` are branches as well; empty ones stay, so that none falls through to the default."""
    text = procedural(
        _module(
            "  wire [3:0] \\$1 ;\n  reg [3:0] \\$2 ;\n  assign \\$1  = d ^ q;\n"
            + _register(
                "q ",
                r"\$2 ",
                "casez (d[1:0])",
                "  2'h0:",
                "      /* empty */;",
                "  2'b1?:",
                r"      \$2  = \$1 ;",
                "  default:",
                "    begin",
                r"      \$2  = 4'h1;",
                "      if (b) begin",
                r"        \$2 [1] = a;",
                "      end",
                "    end",
                "endcase",
            )
        )
    )
    assert _clocked(text) == _lines(
        r"""
casez (d[1:0])
2'h0: begin
end
2'b1?: begin
\$1  = d ^ q;
q <= \$1 ;
end
default: begin
q <= 4'h1;
if (b) begin
q [1] <= a;
end
end
endcase
if (rst) begin
q <= 4'h0;
end
"""
    )


def test_memory() -> None:
    """Reads and writes of a memory are statements of the block; its contents and declaration stay."""
    text = procedural(
        _module(
            r"""
  wire [3:0] \$1 ;
  reg [3:0] \$2 ;
  wire write__en;
  reg [3:0] mem [1:0];
  initial begin
    mem[0] = 4'h0;
    mem[1] = 4'h7;
  end
  reg [3:0] _0_;
  always @(posedge clk) begin
    if (a)
      _0_ <= mem[b];
  end
  always @(posedge clk) begin
    if (write__en)
      mem[\$1 [0]] <= d;
  end
  assign write__en = a & b;
  assign \$1  = d + q;
"""
            + _register("q ", r"\$2 ", "if (a) begin", r"  \$2  = _0_;", "end")
        )
    )
    assert _clocked(text) == _lines(
        r"""
if (a) begin
_0_ <= mem[b];
q <= _0_;
end
if (write__en) begin
\$1  = d + q;
mem[\$1 [0]] <= d;
end
if (rst) begin
q <= 4'h0;
end
"""
    )
    assert "  initial begin\n    mem[0] = 4'h0;\n    mem[1] = 4'h7;\n  end\n" in text
    assert "  assign write__en = a & b;\n" in text


def test_without_reset() -> None:
    """A register without reset or condition; names that begin like words of the language."""
    text = procedural(
        _module(
            "  wire [3:0] endless;\n  reg [3:0] ending;\n  assign endless = d + q;\n"
            f"  always @(posedge clk)\n    q <= ending;\n"
            f"  always @* begin\n{_STARTER}\n    ending = q;\n"
            "    if (a) begin\n      ending = endless;\n    end\n  end\n"
        )
    )
    assert _clocked(text) == "if (a) begin\nendless = d + q;\nq <= endless;\nend"


def test_nothing_clocked() -> None:
    """A module of wires gets no block; comments and several modules pass."""
    plain = "module n(x, y);\n  input x;\n  wire x;\n  output y;\n  wire y;\n  assign y = ~ x;\nendmodule\n"
    assert procedural("/* a */\n\n" + plain + "\n" + plain.replace("n(", "k(")) == (
        "/* a */\n\n" + plain + "\n" + plain.replace("n(", "k(")
    )


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("  always @(negedge clk)\n    q <= d;", "unknown block 'always @(negedge clk)'"),
        (
            "  always @(posedge clk, posedge rst)\n    if (rst) q <= 4'h0;",
            "unknown block 'always @(posedge clk, posedge",
        ),
        ("  always @(posedge clk)\n    if (a) q <= d;", "unknown statement 'if (a) q <= d;'"),
        ("  always @(posedge clk)\n    q = d;", "unknown statement 'q = d;'"),
        ("  always_ff @(posedge clk)\n    q <= d;", "unknown block 'always_ff @(posedge clk)'"),
        ("  always @(posedge clk) begin\n    repeat (3) begin\n    end\n  end", "unknown statement 'repeat (3) begin'"),
        (
            "  always @* begin\n    if (a) begin\n    end else case (b)\n    end\n  end",
            "unknown branch 'end else case (b)'",
        ),
    ],
)
def test_unknown(lines: str, says: str) -> None:
    """A line that Yosys was not known to write is refused with its text."""
    with pytest.raises(ValueError, match=f"^{re.escape(says)}"):
        procedural(_module(lines + "\n"))
