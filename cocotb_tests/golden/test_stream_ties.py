"""The search for tied bits of a random stream: what it finds holds in drawn words, and it finds all."""

import itertools

import numpy as np
import pytest

from cocotb_tests.kit.stream_ties import Bit, ties
from golden.lfsr import LfsrParameters


def _holds(lfsr: LfsrParameters, found: tuple[Bit, ...]) -> bool:
    """Whether the XOR of these bits is 0 in many draws of many streams, wherever they begin."""
    model = lfsr.model(8)
    words = [model.draw(min(16, lfsr.width)) for _ in range(found[-1][0] + 60)]
    for begin in range(60):
        chosen = np.array([words[begin + draw] >> bit & 1 for draw, bit in found])
        if (chosen.sum(axis=0) % 2).any():
            return False
    return True


def test_default_stream() -> None:
    """Default streams have ties of three and four of the four leading bits: known, and no more of them."""
    lfsr = LfsrParameters()
    three, four = ties(lfsr, 16, 4, 60, 3), ties(lfsr, 16, 4, 60, 4)
    assert three == [((0, 12), (26, 14), (53, 13)), ((0, 13), (26, 15), (53, 14))]
    assert four == [((0, 14), (5, 12), (5, 13), (10, 13)), ((0, 15), (5, 13), (5, 14), (10, 14))]
    assert all(_holds(lfsr, found) for found in three + four)
    assert not _holds(lfsr, ((0, 15), (5, 13), (5, 14), (10, 15)))


@pytest.mark.parametrize("leap", [20, 22, 26, 29])
def test_other_leaps(leap: int) -> None:
    """None within the lags of a few dozen rows."""
    for terms in (3, 4):
        assert ties(LfsrParameters(leap=leap), 16, 4, 60, terms) == []


@pytest.mark.parametrize("terms", [3, 4])
@pytest.mark.parametrize(("width", "tap", "leap"), [(11, 2, 6), (15, 4, 6), (15, 1, 7)])
def test_all_are_found(width: int, tap: int, leap: int, terms: int) -> None:
    """In streams of few bits: the same as by trying every set of bits in all states."""
    lfsr, bits, leading, reach = LfsrParameters(width, tap, leap), 6, 3, 8
    sequences = []
    for start in range(width):
        sequence = [int(at == start) for at in range(width)]
        while len(sequence) < reach * leap + bits:
            sequence.append(sequence[-width + tap] ^ sequence[-width])
        sequences.append(sequence)
    places = [(draw, bit) for draw in range(reach + 1) for bit in range(bits - leading, bits)]
    expected = [
        chosen
        for chosen in itertools.combinations(places, terms)
        if chosen[0][0] == 0
        and all(sum(sequence[draw * leap + bit] for draw, bit in chosen) % 2 == 0 for sequence in sequences)
    ]
    assert sorted(ties(lfsr, bits, leading, reach, terms)) == expected
    assert expected
