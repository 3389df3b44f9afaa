"""Words of loads and dumps, written straight from the table of packets in docs/bus.md."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig


def packed(entries: Iterable[int], bits: int, word_bits: int) -> list[int]:
    """Pack numbers of `bits` bits, lowest first, into as many words as they need; the last is filled up with 0."""
    text = "".join(f"{int(entry) & (1 << bits) - 1:0{bits}b}"[::-1] for entry in entries)
    return [int(text[at : at + word_bits][::-1], 2) for at in range(0, len(text), word_bits)]


def planes(one: Sequence[int] | NDArray[Any], two: Sequence[int] | NDArray[Any], group: int) -> list[int]:
    """Write two bits per lane as words of two planes, group after group."""
    return [
        sum((int(one[at + e]) << e) + (int(two[at + e]) << (group + e)) for e in range(group))
        for at in range(0, len(one), group)
    ]


def weights(config: MachineConfig, r1: NDArray[Any], r2: NDArray[Any]) -> list[int]:
    """Words of device states, shape (rows, lanes)."""
    return [word for row in zip(r1, r2, strict=True) for word in planes(*row, config.array.group)]


def neurons(config: MachineConfig, offset: NDArray[Any], scale: NDArray[Any]) -> list[int]:
    """Words of offsets and scales, shape (elements,)."""
    group, bits = config.array.group, config.neuron.offset_bits(config.geometry.sum_bits)
    assert bits == config.neuron.scale_bits(config.geometry.sum_bits)
    states = np.stack([offset, scale], axis=1)
    return [
        word
        for at in range(0, len(offset), group)
        for word in packed(states[at : at + group].reshape(-1), bits, 2 * group)
    ]


def seeds(config: MachineConfig, banks: dict[int, NDArray[np.uint64]]) -> list[int]:
    """Words of the states of all streams, a bank's padded to all lanes with 0."""
    found = []
    for _, states in sorted(banks.items()):
        lanes = [int(state) for state in states] + [0] * (config.array.lanes - len(states))
        for bit in range(config.random.width):
            found += planes([state >> bit & 1 for state in lanes], [0] * len(lanes), config.array.group)
    return found


def pulses(config: MachineConfig, codes: NDArray[Any]) -> list[int]:
    """Words of a pulse table."""
    return packed(codes, config.switching.code_bits, 2 * config.array.group)


def switching(config: MachineConfig, thresholds: NDArray[Any]) -> list[int]:
    """Words of a switching table, shape (device bins, 2, codes); the thresholds of code 0 are of no effect."""
    less_one = np.maximum(thresholds.astype(np.int64).ravel(), 1) - 1
    return packed(less_one, config.switching.threshold_bits, 2 * config.array.group)
