"""Word-level expressions: what their makers simplify means the same."""

import operator
from collections.abc import Callable

import numpy as np
import pytest

from gen.logic import Logic, Node, Variable

_WIDTHS = (1, 2, 3, 5, 8)
_WORDWISE: dict[str, Callable[[int, int], int]] = {
    **{"&": operator.and_, "|": operator.or_, "^": operator.xor},
    **{"+": operator.add, "-": operator.sub, "*": operator.mul},
}


def _sign(value: int, width: int) -> int:
    return value - (value >> width - 1 << width)


def _apply(op: str, width: int, x: int, y: int) -> int:
    """The meaning of an operator on words of one width."""
    compared = {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y}
    signed = {"s<": _sign(x, width) < _sign(y, width), "s<=": _sign(x, width) <= _sign(y, width)}
    if op in compared or op in signed:
        return int((compared | signed)[op])
    shifted = {"<<": x << y, ">>": x >> y, ">>>": _sign(x, width) >> y}
    value = shifted[op] if op in shifted else _WORDWISE[op](x, y)
    return value & (1 << width) - 1


def _value(node: Node, values: dict[Variable, int]) -> int:
    """Evaluate an expression."""
    args = [_value(arg, values) for arg in node.args]
    match node.op:
        case "const":
            return node.number
        case "read":
            return values[node.variable]
        case "slice":
            return args[0] >> node.number & (1 << node.width) - 1
        case "cat":
            found, at = 0, 0
            for value, arg in zip(args, node.args, strict=True):
                found, at = found | value << at, at + arg.width
            return found
        case "~":
            return ~args[0] & (1 << node.width) - 1
        case "?":
            return args[1] if args[0] else args[2]
        case "r|":
            return int(args[0] != 0)
        case "r&":
            return int(args[0] == (1 << node.args[0].width) - 1)
        case "r^":
            return args[0].bit_count() & 1
    return _apply(node.op, node.args[0].width, args[0], args[1])


class _Random:
    """Makes random expressions, and what they are worth beside them."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.logic = Logic()
        self.values = {
            Variable(f"v{width}_{n}", width): int(self._rng.integers(1 << width)) for width in _WIDTHS for n in range(2)
        }

    def made(self, width: int, depth: int) -> tuple[Node, int]:
        """Make an expression of a width."""
        kinds = (
            ("leaf", "const")
            if depth == 0
            else ("word", "word", "unary", "mux", "slice", "cat", "extend", "bit", "match")
        )
        match self._rng.choice(kinds):
            case "const":
                value = (0, 1, (1 << width) - 1, int(self._rng.integers(1 << width)))[self._rng.integers(4)]
                return self.logic.const(value, width), value
            case "leaf" if width in _WIDTHS:
                variable, value = [(v, x) for v, x in self.values.items() if v.width == width][self._rng.integers(2)]
                return self.logic.read(variable), value
            case "word":
                op = str(self._rng.choice([*_WORDWISE, "<<", ">>", ">>>"]))
                (a, x), (b, y) = self.made(width, depth - 1), self.made(width if op in _WORDWISE else 2, depth - 1)
                return self.logic.operator(op, a, b), _apply(op, width, x, y)
            case "unary":
                a, x = self.made(width, depth - 1)
                return self.logic.operator("~", a), ~x & (1 << width) - 1
            case "mux":
                (c, z), (a, x), (b, y) = (self.made(w, depth - 1) for w in (1, width, width))
                return self.logic.mux(c, a, b), x if z else y
            case "slice":
                low = int(self._rng.integers(4))
                a, x = self.made(width + low + int(self._rng.integers(3)), depth - 1)
                return self.logic.slice(a, low, width), x >> low & (1 << width) - 1
            case "cat" if width > 1:
                low = int(self._rng.integers(1, width))
                (a, x), (b, y) = self.made(low, depth - 1), self.made(width - low, depth - 1)
                return self.logic.cat([a, b]), x | y << low
            case "extend":
                narrow, signed = int(self._rng.integers(1, width + 1)), bool(self._rng.integers(2))
                a, x = self.made(narrow, depth - 1)
                value = (_sign(x, narrow) if signed else x) & (1 << width) - 1
                return self.logic.extend(a, width, signed=signed), value
            case "bit" if width == 1:
                op = str(self._rng.choice(["==", "!=", "<", "<=", "s<", "s<=", "r|", "r&", "r^"]))
                size = int(self._rng.choice(_WIDTHS))
                (a, x), (b, y) = self.made(size, depth - 1), self.made(size, depth - 1)
                if op[0] == "r":
                    found = {"r|": x != 0, "r&": x == (1 << size) - 1, "r^": x.bit_count() & 1}[op]
                    return self.logic.operator(op, a), int(found)
                return self.logic.operator(op, a, b), _apply(op, size, x, y)
            case "match" if width == 1:
                a, x = self.made(3, depth - 1)
                patterns = ["".join(self._rng.choice(list("01-"), 3)) for _ in range(2)]
                fits = any(
                    all(p in ("-", bit) for p, bit in zip(pattern, f"{x:03b}", strict=True)) for pattern in patterns
                )
                return self.logic.matches(a, patterns), int(fits)
        return self.made(width, max(depth - 1, 0))


@pytest.mark.parametrize("seed", range(4))
def test_random_expressions(seed: int) -> None:
    """Whatever is simplified, expressions are worth what they say."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    random = _Random(seed)
    for _ in range(1500):
        width = int(rng.integers(1, 9))
        node, value = random.made(width, int(rng.integers(1, 5)))
        assert node.width == width
        assert _value(node, random.values) == value


def test_equal_expressions_are_one() -> None:
    """The same expression made twice is one node; other constants and other bits are others."""
    logic, x = Logic(), Variable("x", 8)
    read = logic.read(x)
    assert logic.operator("+", read, logic.const(3, 8)) is logic.operator("+", read, logic.const(3, 8))
    assert logic.operator("+", read, logic.const(3, 8)) is not logic.operator("+", read, logic.const(4, 8))
    assert logic.slice(logic.slice(read, 1, 6), 1, 3) is logic.slice(read, 2, 3)
    assert logic.slice(read, 2, 3) is not logic.slice(read, 3, 3)
    assert logic.cat([logic.slice(read, 0, 3), logic.slice(read, 3, 5)]) is read
