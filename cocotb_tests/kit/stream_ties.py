"""Which leading bits of a random stream's words are tied to each other, for every state: algebra over GF(2)."""

import numpy as np
from numpy.typing import NDArray

from golden.lfsr import LfsrParameters

#: A bit of a word: how many draws after the first, and which bit.
Bit = tuple[int, int]


def _sequence(width: int, tap: int, length: int) -> NDArray[np.uint64]:
    """Every bit of the sequence as the set of bits of the first state whose XOR it is."""
    found = [1 << at for at in range(width)]
    while len(found) < length:
        found.append(found[-width + tap] ^ found[-width])
    return np.array(found[:length], np.uint64)


def ties(lfsr: LfsrParameters, bits: int, leading: int, reach: int, terms: int) -> list[tuple[Bit, ...]]:
    """Find all sets of bits of one stream's words whose XOR is 0 whatever the state.

    Parameters
    ----------
    lfsr : LfsrParameters
        The stream; its seed is of no effect.
    bits : int
        Bits of a word.
    leading : int
        How many of its leading bits are looked at.
    reach : int
        Draws after the first that are looked at, >= 1.
    terms : int
        3 or 4 bits. The work grows with the square of `reach`, and for 4 with its cube.

    Returns
    -------
    list of tuple of Bit
        Every one begins in draw 0: the others are the same, later. In order of draws, and in a draw of bits.
    """
    places = [(draw, bit) for draw in range(reach + 1) for bit in range(bits - leading, bits)]
    sequence = _sequence(lfsr.width, lfsr.tap, reach * lfsr.leap + max(bits, lfsr.width))
    vectors = sequence[[draw * lfsr.leap + bit for draw, bit in places]]
    order = np.argsort(vectors)
    ascending = vectors[order]
    found: list[tuple[Bit, ...]] = []

    def look(chosen: tuple[int, ...], rest: np.uint64) -> None:
        """Find pairs of later bits whose XOR is `rest`."""
        after = chosen[-1] + 1
        wanted = vectors[after:] ^ rest
        at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
        for one in np.flatnonzero(ascending[at] == wanted) + after:
            other = int(order[at[one - after]])
            if other > one:
                found.append(tuple(places[i] for i in (*chosen, int(one), other)))

    for first in range(leading):
        if terms == 3:
            look((first,), vectors[first])
            continue
        for second in range(first + 1, len(places)):
            look((first, second), vectors[first] ^ vectors[second])
    return found
