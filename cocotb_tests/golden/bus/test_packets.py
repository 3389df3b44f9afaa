"""Packets of the bus: against words built bit by bit, and there and back."""

from collections.abc import Sequence

import numpy as np
import pytest

from golden.bus import packets as packet_format
from golden.input_buffer import beats, stream, word_bytes
from sim.runner import seed

#: Lanes per word: the narrowest, words of whole and of broken bytes, of more than 32 and 64 bits, the widest.
GROUPS = (2, 3, 4, 5, 7, 16, 17, 33, 64)


def _rng(*numbers: int) -> np.random.Generator:
    return np.random.default_rng([seed(), *numbers])


def _words(bits: Sequence[int], group: int) -> bytes:
    """Put bits into words one by one: the plain reading of docs/bus.md."""
    data = b""
    for start in range(0, len(bits), 2 * group):
        word = sum(int(bit) << place for place, bit in enumerate(bits[start : start + 2 * group]))
        data += word.to_bytes(word_bytes(group), "little")
    return data


def _digits(number: int, width: int) -> list[int]:
    return [int(number) >> place & 1 for place in range(width)]


@pytest.mark.parametrize("group", GROUPS)
def test_samples(group: int) -> None:
    """Words and bytes are those of the simulation's stream; a sample is one packet."""
    rng = _rng(group)
    for inputs in (1, group - 1, group, group + 1, 5 * group + 1):
        trits = rng.integers(-1, 2, (int(rng.integers(1, 6)), inputs)).astype(np.int8)
        labels = rng.integers(0, 1 << min(2 * group, 8), len(trits))
        packets = packet_format.pack_samples(trits, labels, group)
        size = word_bytes(group)
        for packet, vector, label in zip(packets, trits, labels, strict=True):
            assert packet == b"".join(word.to_bytes(size, "little") for word in beats(vector, int(label), group))
        assert b"".join(packets) == stream(trits, labels, group)
        found, classes = packet_format.unpack_samples(b"".join(packets), inputs, group)
        assert found.dtype == np.int8
        np.testing.assert_array_equal(found, trits)
        np.testing.assert_array_equal(classes, labels)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("group", GROUPS)
def test_weights(group: int, binary: bool) -> None:
    """Lanes / group words per row, R1 in the first plane, R2 in the second."""
    rng = _rng(group, binary)
    for blocks in (1, 3, 4):
        lanes, rows = group * blocks, int(rng.integers(1, 7))
        r1 = rng.integers(0, 2, (rows, lanes)).astype(np.uint8)
        r2 = np.zeros_like(r1) if binary else rng.integers(0, 2, (rows, lanes)).astype(np.uint8)
        data = packet_format.pack_weights(r1, r2, group)
        bits: list[int] = []
        for row in range(rows):
            for start in range(0, lanes, group):
                bits += [*r1[row, start : start + group], *r2[row, start : start + group]]
        assert data == _words(bits, group)
        for found, states in zip(packet_format.unpack_weights(data, lanes, group), (r1, r2), strict=True):
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, states)


@pytest.mark.parametrize(("offset_bits", "scale_bits"), [(1, 1), (5, 6), (9, 9), (20, 21), (40, 40)])
@pytest.mark.parametrize("group", GROUPS)
def test_neurons(group: int, offset_bits: int, scale_bits: int) -> None:
    """Offset below scale, neuron after neuron, every group in words of its own; ends of the ranges included."""
    rng = _rng(group, offset_bits)
    groups = int(rng.integers(1, 5))
    low, high = -(1 << (offset_bits - 1)), (1 << (offset_bits - 1)) - 1
    offset = rng.integers(low, high + 1, groups * group)
    scale = rng.integers(0, 1 << scale_bits, groups * group)
    offset[:2], scale[:2] = (low, high), (0, (1 << scale_bits) - 1)
    data = packet_format.pack_neurons(offset, scale, offset_bits, scale_bits, group)
    expected = b""
    for start in range(0, groups * group, group):
        bits: list[int] = []
        for element in range(start, start + group):
            bits += _digits(offset[element], offset_bits) + _digits(scale[element], scale_bits)
        expected += _words(bits, group)
    assert data == expected
    assert len(data) == groups * -(-(offset_bits + scale_bits) // 2) * word_bytes(group)
    for found, states in zip(
        packet_format.unpack_neurons(data, offset_bits, scale_bits, group), (offset, scale), strict=True
    ):
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, states)


@pytest.mark.parametrize("width", [5, 63])
@pytest.mark.parametrize("group", GROUPS)
def test_seeds(group: int, width: int) -> None:
    """Bank after bank, the oldest bit of all lanes first, in plane 0; lanes without a stream have 0."""
    rng = _rng(group, width)
    lanes = 3 * group
    for sizes in ({0: lanes}, {0: lanes, 1: lanes}, {3: 1, 0: lanes, 2: group}):
        banks = {n: rng.integers(1, 1 << width, size, np.uint64, endpoint=False) for n, size in sizes.items()}
        data = packet_format.pack_seeds(banks, width, lanes, group)
        bits: list[int] = []
        for number in sorted(banks):
            states = [*banks[number].tolist(), *[0] * (lanes - len(banks[number]))]
            for bit in range(width):
                for start in range(0, lanes, group):
                    bits += [state >> bit & 1 for state in states[start : start + group]] + [0] * group
        assert data == _words(bits, group)
        found = packet_format.unpack_seeds(data, sorted(banks), width, lanes, group)
        assert list(found) == sorted(banks)
        for number, states in found.items():
            assert states.dtype == np.uint64
            np.testing.assert_array_equal(states[: len(banks[number])], banks[number])
            assert not states[len(banks[number]) :].any()


@pytest.mark.parametrize(("bits", "nu_bits"), [(1, 1), (3, 4), (5, 5), (6, 8)])
@pytest.mark.parametrize("group", GROUPS)
def test_pulses(group: int, bits: int, nu_bits: int) -> None:
    """Codes one after another; the last word is padded."""
    codes = _rng(group, bits).integers(0, 1 << bits, 1 << nu_bits).astype(np.uint8)
    data = packet_format.pack_pulses(codes, bits, group)
    assert data == _words([digit for code in codes for digit in _digits(code, bits)], group)
    found = packet_format.unpack_pulses(data, len(codes), bits, group)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, codes)


@pytest.mark.parametrize(("device_bins", "codes", "bits"), [(1, 2, 4), (1, 32, 16), (4, 8, 7)])
@pytest.mark.parametrize("group", GROUPS)
def test_switching(group: int, device_bins: int, codes: int, bits: int) -> None:
    """Thresholds less one in the order device bin, direction, code; code 0 has none."""
    thresholds = _rng(group, bits).integers(1, (1 << bits) + 1, (device_bins, 2, codes)).astype(np.uint32)
    thresholds[..., 0] = 0
    thresholds[0, 0, -1] = 1 << bits
    data = packet_format.pack_switching(thresholds, bits, group)
    entries = [max(int(thresholds[k, d, c]), 1) - 1 for k in range(device_bins) for d in range(2) for c in range(codes)]
    assert data == _words([digit for entry in entries for digit in _digits(entry, bits)], group)
    found = packet_format.unpack_switching(data, device_bins, codes, bits, group)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, thresholds)


@pytest.mark.parametrize("group", GROUPS)
def test_predictions(group: int) -> None:
    """One word each."""
    predictions = _rng(group).integers(0, 1 << min(2 * group, 8), 20)
    data = packet_format.pack_predictions(predictions, group)
    assert data == b"".join(int(value).to_bytes(word_bytes(group), "little") for value in predictions)
    np.testing.assert_array_equal(packet_format.unpack_predictions(data, group), predictions)
    assert len(packet_format.unpack_predictions(b"", group)) == 0


def test_spare_bits_are_ignored() -> None:
    """What is above 2 * group bits of a word does not count."""
    data = bytes(byte | 0xC0 for byte in packet_format.pack_predictions(np.arange(8), 3))
    assert packet_format.unpack_predictions(data, 3).tolist() == list(range(8))


def test_broken_packets() -> None:
    """A packet of a wrong length is refused."""
    with pytest.raises(ValueError, match=r"^3 bytes are not whole words of 2 bytes$"):
        packet_format.unpack_predictions(b"abc", 5)
    with pytest.raises(ValueError, match=r"^3 words are not whole rows of 2 words$"):
        packet_format.unpack_weights(bytes(3), 8, 4)
    with pytest.raises(ValueError, match=r"^2 tables instead of one$"):
        packet_format.unpack_pulses(bytes(8), 4, 8, 4)
