"""Gradient sums: outer products, saturation at both ends, and the leak for every value."""

import re

import numpy as np
import pytest

from golden.gradient_memory import GradientMemory, GradientParameters


def test_accumulation() -> None:
    """Rows named receive the outer product, clipped; all others stay."""
    rng = np.random.default_rng(2)
    memory = GradientMemory(GradientParameters(6, 2), 9, 5)
    expected = [[0] * 5 for _ in range(9)]
    for _ in range(300):
        rows = np.flatnonzero(rng.integers(0, 2, 9))
        coefficients, drive = rng.integers(-1, 2, len(rows)), rng.integers(-7, 8, 5)
        memory.accumulate(rows, coefficients, drive)
        for row, coefficient in zip(rows, coefficients, strict=True):
            for lane in range(5):
                total = expected[row][lane] + int(coefficient) * int(drive[lane])
                expected[row][lane] = max(-32, min(31, total))
        assert memory.sums.tolist() == expected
    assert {-32, 31} <= set(memory.sums.ravel().tolist())


@pytest.mark.parametrize("bits", [4, 7, 24])
def test_saturation(bits: int) -> None:
    """A sum stops at -2^(bits-1) and at 2^(bits-1) - 1, from every distance, and comes back by what is added."""
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    memory = GradientMemory(GradientParameters(bits, 1), 1, 4)
    row, one = np.array([0]), np.array([1])
    for step in (1, 3, 7):
        for distance in (0, 1, 2, 6, 7):
            memory.sums[0] = [most - distance, least + distance, most - distance, least + distance]
            memory.accumulate(row, one, np.array([step, -step, -step, step]))
            assert memory.sums[0].tolist() == [
                min(most - distance + step, most),
                max(least + distance - step, least),
                most - distance - step,
                least + distance + step,
            ]


@pytest.mark.parametrize("bits", [4, 8, 11])
def test_leak(bits: int) -> None:
    """Every value of a width under every leak: the one's-complement magnitude loses 2^-leak of itself, rounded down."""
    limit = 1 << (bits - 1)
    values = np.arange(-limit, limit, dtype=np.int32)
    for leak in range(1, bits + 1):
        memory = GradientMemory(GradientParameters(bits, leak), 2, len(values))
        memory.sums[:] = values
        memory.leak(1)
        assert (memory.sums[0] == values).all()
        for value, found in zip(values.tolist(), memory.sums[1].tolist(), strict=True):
            magnitude = value if value >= 0 else -1 - value
            left = magnitude - magnitude // 2**leak
            assert found == (left if value >= 0 else -1 - left), (leak, value)
            # never across zero, never away from it, symmetric about -1/2
            assert (found >= 0) == (value >= 0)
            assert abs(2 * found + 1) <= abs(2 * value + 1)
        assert (memory.sums[1] == -1 - memory.sums[1][::-1]).all()
        assert (memory.sums[1] == values).all() == (leak >= bits - 1)


def test_clear() -> None:
    """Clearing touches one row."""
    memory = GradientMemory(GradientParameters(), 3, 4)
    memory.sums[:] = 5
    memory.clear(1)
    assert memory.sums.tolist() == [[5] * 4, [0] * 4, [5] * 4]


def test_clear_switched() -> None:
    """Switched lanes of several pulses add up; CLEAR_SWITCHED makes their sums 0, in rows named, once; CLEAR too."""
    memory = GradientMemory(GradientParameters(reset_on_switch=True), 4, 3)
    memory.sums[:] = 5
    for row, lanes in ((0, [1, 0, 0]), (0, [0, 0, 1]), (1, [0, 1, 0]), (2, [0, 0, 0]), (3, [1, 1, 1])):
        memory.switched(row, np.array(lanes, np.bool_))
    memory.clear(1)
    memory.sums[1] = 5
    assert (memory.sums == 5).all(), "a bit of the mask alone changes nothing"
    memory.clear_switched(slice(0, 3))
    assert memory.sums.tolist() == [[0, 5, 0], [5, 5, 5], [5, 5, 5], [5, 5, 5]]
    memory.sums[:] = 7
    memory.clear_switched(slice(0, 4))
    assert memory.sums.tolist() == [[7] * 3, [7] * 3, [7] * 3, [0] * 3]
    keeps = GradientMemory(GradientParameters(), 1, 3)
    keeps.sums[:] = 5
    keeps.switched(0, np.ones(3, np.bool_))
    keeps.clear_switched(slice(0, 1))
    assert keeps.sums.tolist() == [[5] * 3]


@pytest.mark.parametrize("update_shifts", [(5,), (7, 6), (5, 6, 7)])
def test_bad_update_shifts(update_shifts: tuple[int, ...]) -> None:
    """Rates offered are two, in order."""
    message = f"gradient.update_shifts must be a lowest and a highest update shift, not {list(update_shifts)}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GradientParameters(update_shifts=update_shifts)


@pytest.mark.parametrize(
    ("bits", "leak", "message"),
    [
        (3, 1, "gradient.bits must be 4 .. 24, not 3"),
        (25, 1, "gradient.bits must be 4 .. 24, not 25"),
        (8, 0, "gradient.leak must be 1 .. gradient.bits = 8, not 0"),
        (8, 9, "gradient.leak must be 1 .. gradient.bits = 8, not 9"),
    ],
)
def test_bad_parameters(bits: int, leak: int, message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        GradientParameters(bits, leak)
