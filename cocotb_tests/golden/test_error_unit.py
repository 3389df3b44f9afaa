"""Errors against a plain transcription of their definition."""

import itertools
import re
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest

from golden.error_unit import ErrorParameters

PARAMETERS = [
    ErrorParameters(),
    ErrorParameters(2, 1, 0, 0),
    ErrorParameters(8, 32767, 15, 15),
    ErrorParameters(4, 3, 0, 1),
    ErrorParameters(6, 24, 1, 0),
    ErrorParameters(5, 100, 3, 4),
]


def _output(p: ErrorParameters, total: int, target: int) -> int:
    violation = max(0, p.margin - target * total)
    return target * min(violation // 2**p.shift, 2 ** (p.bits - 1) - 1)


def _hidden(p: ErrorParameters, total: int, window: bool) -> int:
    limit, shift = 2 ** (p.bits - 1) - 1, p.backward(0)
    # round half up
    rounded = floor(Fraction(total, 2**shift) + Fraction(1, 2)) if shift else total
    return max(-limit, min(limit, rounded)) if window else 0


@pytest.mark.parametrize("p", PARAMETERS, ids=range(len(PARAMETERS)))
def test_output(p: ErrorParameters) -> None:
    """All sums about the margin and at the ends of the widest sum, for every label, also one outside the block."""
    unit = p.model()
    near = range(-p.margin - 40, p.margin + 41) if p.margin < 1000 else range(p.margin - 40, p.margin + 41)
    values = [*near, -(2**23), 2**23 - 1, -1, 0, 1]
    rng = np.random.default_rng(p.bits)
    for start in range(0, len(values), 10):
        sums = np.array(values[start : start + 10])
        for label in (-3, 0, len(sums) - 1, len(sums), int(rng.integers(0, len(sums)))):
            expected = [_output(p, int(s), 1 if i == label else -1) for i, s in enumerate(sums)]
            assert unit.output(sums, label).tolist() == expected


def test_output_asks_for_the_right_direction() -> None:
    """The label's error is never negative, all others' never positive; beyond the margin there is none."""
    unit = ErrorParameters(6, 10, 0).model()
    for sums in itertools.product((-11, -10, -9, 0, 9, 10, 11), repeat=2):
        errors = unit.output(np.array(sums), 0)
        assert errors[0] >= 0 >= errors[1]
        assert (errors[0] == 0) == (sums[0] >= 10)
        assert (errors[1] == 0) == (sums[1] <= -10)


@pytest.mark.parametrize("p", PARAMETERS, ids=range(len(PARAMETERS)))
def test_hidden(p: ErrorParameters) -> None:
    """Rounding half up, symmetric saturation and the window's gate, over small sums, ties and the widest sums."""
    unit = p.model()
    half = 2 ** p.backward(0) // 2
    reach = p.limit << p.backward(0)
    around = [sign * centre + d for sign in (1, -1) for centre in (half, 3 * half, reach) for d in range(-3, 4)]
    sums = np.array([*range(-50, 51), *around, -(2**23), 2**23 - 1])
    rng = np.random.default_rng(p.bits)
    for window in (np.ones(len(sums), bool), np.zeros(len(sums), bool), rng.integers(0, 2, len(sums)).astype(bool)):
        expected = [_hidden(p, int(s), bool(w)) for s, w in zip(sums, window, strict=True)]
        assert unit.hidden(sums, window).tolist() == expected
    assert set(unit.hidden(np.array([-(2**23), 2**23 - 1]), np.ones(2, bool)).tolist()) == {-p.limit, p.limit}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 1}, "error.bits must be 2 .. 8, not 1"),
        ({"bits": 9}, "error.bits must be 2 .. 8, not 9"),
        ({"margin": 0}, "error.margin must be 1 .. 32767, not 0"),
        ({"margin": 32768}, "error.margin must be 1 .. 32767, not 32768"),
        ({"shift": -1}, "error.shift must be 0 .. 15, not -1"),
        ({"shift": 16}, "error.shift must be 0 .. 15, not 16"),
        ({"backward_shift": -1}, "error.backward_shift must be 0 .. 15, not -1"),
        ({"backward_shift": 16}, "error.backward_shift must be 0 .. 15, not 16"),
    ],
)
def test_bad_parameters(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ErrorParameters(**fields)


def test_shift_of_each_layer() -> None:
    """A list has one shift per hidden layer; one shift is that of all."""
    each, sums, window = ErrorParameters(8, backward_shift=(0, 3, 1)).model(), np.array([20, -20]), np.ones(2, bool)
    assert [each.hidden(sums, window, layer).tolist() for layer in range(3)] == [[20, -20], [3, -2], [10, -10]]
    assert [ErrorParameters(backward_shift=3).backward(layer) for layer in range(3)] == [3, 3, 3]
    with pytest.raises(ValueError, match=r"^error\.backward_shift must be 0 \.\. 15, not 16$"):
        ErrorParameters(backward_shift=(3, 16))
