"""Packets of the bus, both ways: what the words of every stream packet of docs/bus.md hold.

A word holds two planes of `group` bits in `golden.input_buffer.word_bytes(group)` bytes, lowest byte first; the spare
high bits are 0 and nobody reads them. Nothing here checks ranges: a value keeps as many bits as its place has.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from golden.geometry import ceil_div
from golden.input_buffer import stream, word_bytes


def pack_samples(trits: NDArray[np.int8], labels: NDArray[np.integer], group: int) -> list[bytes]:
    """Write samples: ceil(inputs / group) words of trits in two's complement each, then one with the label.

    Parameters
    ----------
    trits : ndarray of int8, shape (n, inputs)
        Input vectors.
    labels : ndarray of integers, shape (n,)
        Classes.
    group : int
        Trits per word.

    Returns
    -------
    list of bytes
        One packet per sample.
    """
    data = stream(trits, labels, group)
    length = word_bytes(group) * (ceil_div(trits.shape[1], group) + 1)
    return [data[start : start + length] for start in range(0, len(data), length)]


def unpack_samples(data: bytes, inputs: int, group: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Read samples, one or several packets in a row.

    Parameters
    ----------
    data : bytes
        Output of `pack_samples`, joined.
    inputs : int
        Trits per sample.
    group : int
        Trits per word.

    Returns
    -------
    trits : ndarray of int8, shape (n, inputs)
        Input vectors.
    labels : ndarray of int64, shape (n,)
        Classes.
    """
    words = ceil_div(inputs, group)
    bits = _whole(_bits(data, group), words + 1, "samples")
    low, high = bits[:, :words].reshape(-1, words, 2, group).transpose(2, 0, 1, 3).astype(np.int8)
    trits = (low - 2 * high).reshape(-1, words * group)[:, :inputs]
    return trits, _numbers(bits[:, words]).astype(np.int64)


def pack_weights(r1: NDArray[np.integer], r2: NDArray[np.integer], group: int) -> bytes:
    """Write device states, shape (rows, lanes): for every row lanes / group words, plane 0 R1, plane 1 R2."""
    return _bytes(np.concatenate([states.reshape(-1, group) for states in (r1, r2)], axis=1), group)


def unpack_weights(data: bytes, lanes: int, group: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read device states R1 and R2, shape (rows, lanes): the inverse of `pack_weights`."""
    bits = _whole(_bits(data, group), lanes // group, "rows")
    r1, r2 = bits.reshape(len(bits), -1, 2, group).transpose(2, 0, 1, 3).reshape(2, -1, lanes)
    return r1, r2


def pack_neurons(
    offset: NDArray[np.integer], scale: NDArray[np.integer], offset_bits: int, scale_bits: int, group: int
) -> bytes:
    """Write neuron states.

    Parameters
    ----------
    offset, scale : ndarray of integers, shape (elements,)
        States, signed and unsigned, whole groups of elements.
    offset_bits, scale_bits : int
        Their widths.
    group : int
        Elements per group.

    Returns
    -------
    bytes
        For every group as many words as its elements need, element after element, offset below scale.
    """
    bits = np.concatenate([_digits(offset, offset_bits), _digits(scale, scale_bits)], axis=1)
    return _bytes(_split(bits.reshape(len(offset) // group, -1), group), group)


def unpack_neurons(
    data: bytes, offset_bits: int, scale_bits: int, group: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read offsets and scales, shape (elements,): the inverse of `pack_neurons`."""
    width = offset_bits + scale_bits
    groups = _whole(_bits(data, group), ceil_div(width, 2), "groups of neurons")
    bits = groups.reshape(len(groups), -1)[:, : width * group].reshape(-1, width)
    offset, scale = (_numbers(part).astype(np.int64) for part in np.split(bits, [offset_bits], axis=1))
    return offset - ((offset >> (offset_bits - 1)) << offset_bits), scale


def pack_seeds(banks: Mapping[int, NDArray[np.unsignedinteger]], width: int, lanes: int, group: int) -> bytes:
    """Write states of random streams.

    Parameters
    ----------
    banks : mapping of int to ndarray of unsigned integers, shape (n,)
        Number of a bank -> states of its streams, n <= lanes.
    width : int
        Bits of a state.
    lanes, group : int
        Lanes of the array and lanes per word.

    Returns
    -------
    bytes
        Bank after bank by number, bit after bit from the oldest: lanes / group words with that bit of every state in
        plane 0.
    """
    states = np.zeros((len(banks), lanes), np.uint64)
    for row, (_, bank) in zip(states, sorted(banks.items()), strict=True):
        row[: len(bank)] = bank
    oldest_first = _digits(states.reshape(-1), width).reshape(len(banks), lanes, width).transpose(0, 2, 1)
    plane = oldest_first.reshape(-1, group)
    return _bytes(np.concatenate([plane, np.zeros_like(plane)], axis=1), group)


def unpack_seeds(
    data: bytes, banks: Sequence[int], width: int, lanes: int, group: int
) -> dict[int, NDArray[np.uint64]]:
    """Read states of random streams, one per lane: the inverse of `pack_seeds`, given which banks there are."""
    planes = _whole(_bits(data, group)[:, :group], width * lanes // group, "banks")
    states = planes.reshape(-1, width, lanes).transpose(0, 2, 1)
    return {number: _numbers(bank) for number, bank in zip(banks, states, strict=True)}


def pack_pulses(codes: NDArray[np.integer], code_bits: int, group: int) -> bytes:
    """Write a pulse table, shape (2^nu_bits,): the width codes one after another, packed into whole words."""
    return _bytes(_split(_digits(codes, code_bits).reshape(1, -1), group), group)


def unpack_pulses(data: bytes, count: int, code_bits: int, group: int) -> NDArray[np.uint8]:
    """Read a pulse table of `count` width codes: the inverse of `pack_pulses`."""
    return _table(data, count, code_bits, group).astype(np.uint8)


def pack_switching(thresholds: NDArray[np.integer], threshold_bits: int, group: int) -> bytes:
    """Write a switching table, shape (device bins, 2, codes): thresholds less one; for code 0, which has none, 0."""
    entries = np.maximum(thresholds.astype(np.int64), 1) - 1
    return _bytes(_split(_digits(entries.reshape(-1), threshold_bits).reshape(1, -1), group), group)


def unpack_switching(data: bytes, device_bins: int, codes: int, threshold_bits: int, group: int) -> NDArray[np.uint32]:
    """Read a switching table, shape (device bins, 2, codes): the inverse of `pack_switching`."""
    entries = _table(data, device_bins * 2 * codes, threshold_bits, group).reshape(device_bins, 2, codes)
    thresholds = entries.astype(np.uint32) + np.uint32(1)
    thresholds[..., 0] = 0
    return thresholds


def pack_predictions(predictions: NDArray[np.integer], group: int) -> bytes:
    """Write predictions, shape (n,): one word each."""
    return _bytes(_digits(predictions, 2 * group), group)


def unpack_predictions(data: bytes, group: int) -> NDArray[np.int64]:
    """Read predictions, shape (n,): the inverse of `pack_predictions`."""
    return _numbers(_bits(data, group)).astype(np.int64)


def _bytes(bits: NDArray[np.integer], group: int) -> bytes:
    """Write bits, shape (words, 2 * group), as words."""
    padded = np.zeros((len(bits), 8 * word_bytes(group)), np.uint8)
    padded[:, : 2 * group] = bits
    return np.packbits(padded, axis=1, bitorder="little").tobytes()


def _bits(data: bytes, group: int) -> NDArray[np.uint8]:
    """Read words as bits, shape (words, 2 * group)."""
    size = word_bytes(group)
    if len(data) % size:
        raise ValueError(f"{len(data)} bytes are not whole words of {size} bytes")
    raw = np.frombuffer(data, np.uint8).reshape(-1, size)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, : 2 * group]


def _whole(bits: NDArray[np.uint8], words: int, what: str) -> NDArray[np.uint8]:
    """Put `words` words together, shape (n, words, bits of a word)."""
    if len(bits) % words:
        raise ValueError(f"{len(bits)} words are not whole {what} of {words} words")
    return bits.reshape(-1, words, bits.shape[1])


def _split(bits: NDArray[np.uint8], group: int) -> NDArray[np.uint8]:
    """Fill words with every row of bits, padded to whole words."""
    width = 2 * group
    padded = np.zeros((len(bits), width * ceil_div(bits.shape[1], width)), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.reshape(-1, width)


def _digits(numbers: NDArray[np.integer], bits: int) -> NDArray[np.uint8]:
    """Take the low bits of numbers, shape (n,), in two's complement: shape (n, bits), lowest first."""
    raw = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)
    digits = np.zeros((len(raw), bits), np.uint8)
    found = np.unpackbits(raw, axis=1, bitorder="little")[:, :bits]
    digits[:, : found.shape[1]] = found
    return digits


def _numbers(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Put bits, shape (n, width), lowest first, together into numbers, shape (n,); 64 bits count."""
    padded = np.zeros((len(bits), 64), np.uint8)
    padded[:, : bits.shape[1]] = bits[:, :64]
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").reshape(-1).astype(np.uint64)


def _table(data: bytes, count: int, width: int, group: int) -> NDArray[np.uint64]:
    """Read `count` entries that fill words one after another."""
    bits = _whole(_bits(data, group), ceil_div(count * width, 2 * group), "tables")
    if len(bits) != 1:
        raise ValueError(f"{len(bits)} tables instead of one")
    return _numbers(bits.reshape(-1)[: count * width].reshape(count, width))
