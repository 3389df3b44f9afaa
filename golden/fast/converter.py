"""Converters of column and row sums, compiled (golden/array/converter.py)."""

import numpy as np
from numpy.typing import NDArray

from golden.fast import lfsr
from golden.fast.memory import Constants, ConverterConstants, Memory


def convert(
    c: Constants, converter: ConverterConstants, m: Memory, states: NDArray[np.uint64], sums: NDArray[np.int64]
) -> None:
    """Turn sums into what the converters say of them, as many sums at a time as there are converters."""
    if not converter.on:
        return
    side_by_side = len(converter.offsets)
    half = (1 << converter.step) >> 1
    for first in range(0, len(sums), side_by_side):
        if converter.noise:
            lfsr.draw(c, converter.noise_mask, states, m.noise)
            for index in range(side_by_side):
                sums[first + index] += (ones(m.noise[index]) - converter.noise // 2) << converter.noise_step
        for index in range(side_by_side):
            steps = (sums[first + index] + converter.offsets[index] + half) >> converter.step
            sums[first + index] = min(max(steps, -converter.limit), converter.limit - 1) << converter.step


def ones(word: np.uint64) -> np.int64:
    """Count the ones of a word, in pairs of bits, then of their counts: Numba has no such function."""
    pairs = np.uint64(0x5555555555555555)
    nibbles = np.uint64(0x3333333333333333)
    octets = np.uint64(0x0F0F0F0F0F0F0F0F)
    word = word - (word >> np.uint64(1) & pairs)
    word = (word & nibbles) + (word >> np.uint64(2) & nibbles)
    word = word + (word >> np.uint64(4)) & octets
    return np.int64(word * np.uint64(0x0101010101010101) >> np.uint64(56))
