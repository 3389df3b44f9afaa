"""Pixels into trits, and samples into words of the stream."""

import re
from typing import Any

import numpy as np
import pytest

from golden.input_buffer import InputParameters, beats, stream, word_bytes


@pytest.mark.parametrize("p", [InputParameters(4, 9), InputParameters(0, 255, -1, 0), InputParameters(7, 7, 1, -1)])
def test_trits(p: InputParameters) -> None:
    """Every pixel value."""
    pixels = np.arange(256, dtype=np.uint8).reshape(2, 128)
    trits = p.trits(pixels)
    assert trits.dtype == np.int8
    assert trits.shape == pixels.shape
    assert isinstance(p.low, int)
    assert isinstance(p.high, int)
    expected = [p.dark if v <= p.low else (1 if v > p.high else p.middle) for v in range(256)]
    assert trits.ravel().tolist() == expected


def test_planes() -> None:
    """Thresholds in a list give a pixel as many trits, side by side."""
    pixels = np.array([[0, 3, 8, 200]], np.uint8)
    assert InputParameters((2, 7), (5, 7), 0, -1).trits(pixels).tolist() == [[0, 0, -1, 0, 1, 1, 1, 1]]
    with pytest.raises(
        ValueError, match=r"^input\.low and high must have one threshold per plane each, not \[2\] and "
    ):
        InputParameters(2, (5, 7))
    with pytest.raises(ValueError, match=r"^input\.low and high must be 0 <= low <= high <= 255, not 8 and 7$"):
        InputParameters((2, 8), (5, 7))


@pytest.mark.parametrize("group", [2, 3, 5, 64])
def test_beats(group: int) -> None:
    """A sample can be read back from its words: two planes of trits, padded with zeros, then the label."""
    rng = np.random.default_rng(group)
    for size in (1, group - 1, group, group + 1, 3 * group):
        trits = rng.integers(-1, 2, size).astype(np.int8)
        *words, label = beats(trits, 7, group)
        assert label == 7
        assert len(words) == -(-size // group)
        read = [(word >> i & 1) + 2 * (word >> (group + i) & 1) for word in words for i in range(group)]
        assert [value - 4 if value >= 2 else value for value in read] == [*trits.tolist(), *[0] * (len(read) - size)]
        assert all(word < 1 << 2 * group for word in words)


@pytest.mark.parametrize("group", [2, 3, 4, 5, 64])
def test_stream(group: int) -> None:
    """The stream is the words of sample after sample, most significant byte first, the spare bits zero."""
    rng = np.random.default_rng(group)
    for size in (1, group, 2 * group + 1):
        samples = int(rng.integers(1, 5))
        trits = rng.integers(-1, 2, (samples, size)).astype(np.int8)
        labels = rng.integers(0, 1 << min(2 * group, 9), samples)
        expected = b""
        for vector, label in zip(trits, labels, strict=True):
            values = [*vector.tolist(), *[0] * (-size % group)]
            for start in range(0, len(values), group):
                elements = values[start : start + group]
                low = sum(1 << e for e, value in enumerate(elements) if value != 0)
                high = sum(1 << e for e, value in enumerate(elements) if value < 0)
                expected += (low | high << group).to_bytes(word_bytes(group), "little")
            expected += int(label).to_bytes(word_bytes(group), "little")
            assert beats(vector, int(label), group) == [
                int.from_bytes(stream(vector[None], np.array([label]), group)[at : at + word_bytes(group)], "little")
                for at in range(0, (-(-size // group) + 1) * word_bytes(group), word_bytes(group))
            ]
        assert stream(trits, labels, group) == expected
        assert 8 * word_bytes(group) - 8 < 2 * group <= 8 * word_bytes(group)


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
