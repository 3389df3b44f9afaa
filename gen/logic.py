"""Word-level logic of one module: expressions as a graph, statements, variables.

Every expression has a width, and every operand exactly the width that its operator's result needs: nothing is extended
or cut but by `Logic.cat` and `Logic.slice`. So an expression means the same wherever it is written, whatever rules a
language has for words of different widths. Equal expressions are one node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Operators whose operands all have the width of the result.
WORDWISE = ("~", "&", "|", "^", "+", "-", "*", "?", "<<", ">>", ">>>")


@dataclass(eq=False)
class Variable:
    """A wire, a register or a memory.

    Attributes
    ----------
    name : str
        As Amaranth made it unique in its module.
    width : int
        Bits; of a row, if a memory.
    direction : str
        ``input``, ``output`` or, inside a module, empty.
    initial : list of int or None
        Of a register its value at power-on, of a memory those of its rows; None for what has none.
    depth : int
        Rows of a memory; 0 for anything else.
    attributes : dict
        For synthesis.
    """

    name: str
    width: int
    direction: str = ""
    initial: list[int] | None = None
    depth: int = 0
    attributes: dict[str, int | str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Node:
    """An expression.

    Attributes
    ----------
    op : str
        ``const``, ``read``, ``slice``, ``cat`` (lowest part first), ``part`` (a word at a variable place),
        ``row`` (of a memory), ``choose`` (by patterns), or an operator: those in `WORDWISE`, ``==``, ``!=``, ``<``,
        ``<=``, ``s<``, ``s<=``, ``r&``, ``r|``, ``r^``.
    width : int
        Bits.
    args : tuple of Node
        Operands.
    value : object
        ``const``: the number; ``read``, ``row``: the variable; ``slice``: the lowest bit; ``part``: the bits between
        two places; ``choose``: patterns of every operand after the first, None for any.
    """

    op: str
    width: int
    args: tuple["Node", ...]
    value: "int | Variable | tuple[tuple[str, ...] | None, ...] | None"

    @property
    def variable(self) -> Variable:
        """What a ``read`` or ``row`` reads."""
        assert isinstance(self.value, Variable)
        return self.value

    @property
    def number(self) -> int:
        """The number in a ``const``, ``slice`` or ``part``."""
        assert isinstance(self.value, int)
        return self.value


@dataclass(eq=False)
class Assign:
    """Assign bits of a variable, or of one row of a memory."""

    target: Variable
    low: int
    value: Node
    row: Node | None = None


@dataclass(eq=False)
class Branch:
    """Statements under a condition.

    Attributes
    ----------
    when : Node, tuple of str or None
        Of an ``if`` the condition, of a case its patterns; None: otherwise.
    body : list of Assign or Choice
        In order.
    locals : list of (Variable, list)
        Variables of the branch's own with what computes them, in order.
    """

    when: "Node | tuple[str, ...] | None"
    body: "Body"
    locals: "list[tuple[Variable, Body]]" = field(default_factory=list)


@dataclass(eq=False)
class Choice:
    """The first of several branches whose condition holds; by patterns of `test`, where it is not None."""

    test: Node | None
    branches: list[Branch]


Body = list[Assign | Choice]


@dataclass
class Clock:
    """What happens at one clock's rising edges."""

    name: str
    branch: Branch


@dataclass
class Instance:
    """A module inside a module: port -> expression, or pieces of variables (variable, lowest bit, width)."""

    module: str
    name: str
    parameters: dict[str, int | str]
    inputs: dict[str, Node]
    outputs: dict[str, list[tuple[Variable, int, int]]]


@dataclass
class ModuleLogic:
    """All of a module.

    Attributes
    ----------
    name : str
        Of the module.
    logic : Logic
        Makes its expressions.
    variables : list of Variable
        All, ports first.
    definitions : dict of Variable to list
        Combinational variable -> statements that compute it, assigning all of its bits.
    clocks : list of Clock
        Clocked logic.
    instances : list of Instance
        Modules inside.
    """

    name: str
    logic: "Logic"
    variables: list[Variable] = field(default_factory=list)
    definitions: dict[Variable, Body] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)

    @property
    def bodies(self) -> list[Body]:
        """All statements: those of every combinational variable, and those of every clock."""
        return [*self.definitions.values(), *(clock.branch.body for clock in self.clocks)]


class Logic:
    """Makes expressions: equal ones once, and none that another says more simply."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[object, ...], Node] = {}

    def node(
        self,
        op: str,
        width: int,
        args: tuple[Node, ...] = (),
        value: "int | Variable | tuple[object, ...] | None" = None,
    ) -> Node:
        """Make a node as it is."""
        key = (op, width, *map(id, args), value if not isinstance(value, Variable) else id(value))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Node(op, width, args, value)  # pyright: ignore[reportArgumentType]
        return found

    def const(self, value: int, width: int) -> Node:
        """Make a constant, modulo 2^width."""
        return self.node("const", width, (), value & ((1 << width) - 1))

    def read(self, variable: Variable) -> Node:
        """Read all of a variable."""
        return self.node("read", variable.width, (), variable)

    def slice(self, x: Node, low: int, width: int) -> Node:
        """Take bits out of a word."""
        if width == x.width:
            return x
        if width == 0:
            return self.const(0, 0)
        if x.op == "const":
            return self.const(x.number >> low, width)
        if x.op == "slice":
            return self.slice(x.args[0], x.number + low, width)
        if x.op == "cat":
            parts, at = [], 0
            for part in x.args:
                first, last = max(low, at), min(low + width, at + part.width)
                if first < last:
                    parts.append(self.slice(part, first - at, last - first))
                at += part.width
            return self.cat(parts)
        # lower bits of these depend on lower bits alone
        if low == 0 and x.op in ("~", "&", "|", "^", "+", "-", "*"):
            return self.operator(x.op, *(self.slice(arg, 0, width) for arg in x.args))
        if low == 0 and x.op == "?":
            return self.mux(x.args[0], *(self.slice(arg, 0, width) for arg in x.args[1:]))
        return self.node("slice", width, (x,), low)

    def cat(self, parts: Sequence[Node]) -> Node:
        """Join words, the lowest first."""
        flat: list[Node] = []
        for part in parts:
            for piece in part.args if part.op == "cat" else (part,):
                last = flat[-1] if flat else None
                if piece.width == 0:
                    continue
                if last is not None and last.op == "const" and piece.op == "const":
                    flat[-1] = self.const(last.number | piece.number << last.width, last.width + piece.width)
                elif (
                    last is not None
                    and last.op == "slice"
                    and piece.op == "slice"
                    and last.args == piece.args
                    and last.number + last.width == piece.number
                ):
                    flat[-1] = self.slice(last.args[0], last.number, last.width + piece.width)
                else:
                    flat.append(piece)
        if not flat:
            return self.const(0, 0)
        return flat[0] if len(flat) == 1 else self.node("cat", sum(part.width for part in flat), tuple(flat))

    def extend(self, x: Node, width: int, *, signed: bool) -> Node:
        """Extend a word by zeros or by its sign, or cut its upper bits off."""
        if width <= x.width:
            return self.slice(x, 0, width)
        if not signed or x.width == 0:
            return self.cat([x, self.const(0, width - x.width)])
        return self.cat([x, *[self.slice(x, x.width - 1, 1)] * (width - x.width)])

    def operator(self, op: str, *args: Node) -> Node:
        """Apply an operator to operands of one width; of shifts the last operand may have any."""
        width = args[0].width
        if op in ("==", "!=", "<", "<=", "s<", "s<=", "r&", "r|", "r^"):
            return self._bit(op, *args)
        if width == 0:
            return args[0]
        full = self.const(-1, width)
        zero = self.const(0, width)
        if op == "~":
            x = args[0]
            if x.op == "const":
                return self.const(~x.number, width)
            return x.args[0] if x.op == "~" else self.node(op, width, args)
        if op in ("&", "|", "^") and all(arg.op == "const" for arg in args):
            a, b = args[0].number, args[1].number
            return self.const({"&": a & b, "|": a | b, "^": a ^ b}[op], width)
        for x, other in (args, args[::-1]) if len(args) == 2 else ():
            if op == "&" and x in (full, zero):
                return other if x is full else zero
            if op == "|" and x in (full, zero):
                return full if x is full else other
            if op in ("^", "+") and x is zero:
                return other
            if op == "^" and x is full:
                return self.operator("~", other)
        if op == "-" and args[1] is zero:
            return args[0]
        if op in ("<<", ">>", ">>>") and args[1].op == "const":
            return self._shifted(op, args[0], min(args[1].number, width))
        return self.node(op, width, args)

    def _shifted(self, op: str, x: Node, by: int) -> Node:
        """Shift a word by a constant."""
        if op == "<<":
            return self.cat([self.const(0, by), self.slice(x, 0, x.width - by)])
        return (
            self.extend(self.slice(x, by, x.width - by), x.width, signed=False)
            if op == ">>"
            else self.cat([self.slice(x, by, x.width - by), *[self.slice(x, x.width - 1, 1)] * by])
        )

    def _bit(self, op: str, *args: Node) -> Node:
        """Apply an operator whose result is one bit."""
        x = args[0]
        if op in ("r&", "r|", "r^"):
            if x.width == 0:
                return self.const(op == "r&", 1)
            return x if x.width == 1 else self.node(op, 1, args)
        if op in ("==", "!=") and x.width == 1:
            for one, other in (args, args[::-1]):
                if one.op == "const":
                    return other if one.number == (op == "==") else self.operator("~", other)
        return self.node(op, 1, args)

    def mux(self, condition: Node, a: Node, b: Node) -> Node:
        """Choose `a` where a bit is 1, else `b`."""
        if a is b or a.width == 0:
            return a
        if condition.op == "const":
            return a if condition.number else b
        if a.width == 1 and a.op == b.op == "const":
            return condition if a.number else self.operator("~", condition)
        return self.node("?", a.width, (condition, a, b))

    def remade(self, x: Node, args: tuple[Node, ...]) -> Node:
        """Make an expression anew, of other operands of the same widths."""
        if all(new is old for new, old in zip(args, x.args, strict=True)):
            return x
        if x.op == "slice":
            return self.slice(args[0], x.number, x.width)
        if x.op == "cat":
            return self.cat(args)
        if x.op == "?":
            return self.mux(*args)
        return self.node(x.op, x.width, args, x.value) if x.value is not None else self.operator(x.op, *args)

    def matches(self, x: Node, patterns: Sequence[str]) -> Node:
        """Compare a word with patterns of 0, 1 and - (either)."""
        found = self.const(0, 1)
        for pattern in patterns:
            if set(pattern) <= {"-"}:
                return self.const(1, 1)
            bits = [at for at, bit in enumerate(reversed(pattern)) if bit != "-"]
            wanted = sum(int(pattern[len(pattern) - 1 - at]) << n for n, at in enumerate(bits))
            picked = self.cat([self.slice(x, at, 1) for at in bits])
            found = self.operator("|", found, self.operator("==", picked, self.const(wanted, len(bits))))
        return found


def targets(body: Body) -> set[Variable]:
    """Find all variables that statements assign."""
    found: set[Variable] = set()
    for item in body:
        if isinstance(item, Assign):
            found.add(item.target)
        else:
            for branch in item.branches:
                found |= targets(branch.body)
    return found
