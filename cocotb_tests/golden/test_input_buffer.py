"""Pixels into trits, and samples into words of the stream."""

import re
from typing import Any

import numpy as np
import pytest

from golden.input_buffer import InputParameters, beats


@pytest.mark.parametrize("p", [InputParameters(4, 9), InputParameters(0, 255, -1, 0), InputParameters(7, 7, 1, -1)])
def test_trits(p: InputParameters) -> None:
    """Every pixel value."""
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 128)
    trits = p.trits(pixels)
    assert trits.dtype == np.int8
    assert trits.shape == pixels.shape
    expected = [p.dark if v <= p.low else (1 if v > p.high else p.middle) for v in range(256)]
    assert trits.ravel().tolist() == expected


@pytest.mark.parametrize("group", [2, 3, 5, 64])
def test_beats(group: int) -> None:
    """A sample can be read back from its words: trits in two bits each, padded with zeros, then the label."""
    rng = np.random.default_rng(group)
    for size in (1, group - 1, group, group + 1, 3 * group):
        trits = rng.integers(-1, 2, size).astype(np.int8)
        *words, label = beats(trits, 7, group)
        assert label == 7
        assert len(words) == -(-size // group)
        read = [(word >> 2 * i & 3) for word in words for i in range(group)]
        assert [value - 4 if value >= 2 else value for value in read] == [*trits.tolist(), *[0] * (len(read) - size)]
        assert all(word < 1 << 2 * group for word in words)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": -1, "high": 3}, "input.low and high must be 0 <= low <= high <= 255, not -1 and 3"),
        ({"low": 4, "high": 3}, "input.low and high must be 0 <= low <= high <= 255, not 4 and 3"),
        ({"low": 4, "high": 256}, "input.low and high must be 0 <= low <= high <= 255, not 4 and 256"),
        ({"low": 4, "high": 9, "dark": 2}, "input.dark must be -1, 0 or 1, not 2"),
        ({"low": 4, "high": 9, "middle": -2}, "input.middle must be -1, 0 or 1, not -2"),
    ],
)
def test_bad_parameters(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        InputParameters(**fields)
