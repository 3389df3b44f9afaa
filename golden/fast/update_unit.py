"""The update unit, compiled (golden/update_unit.py)."""

import numpy as np
from numpy.typing import NDArray

from golden.fast.memory import Constants, Memory


def least(c: Constants, m: Memory, update_shift: int) -> int:
    """Find the magnitude of a sum below which there is no pulse."""
    index = 0
    while index < len(m.table) and m.table[index] == 0:
        index += 1
    return index << (update_shift - c.nu_bits)


def split(
    c: Constants,
    m: Memory,
    row: int,
    update_shift: int,
    pulsed_from: int,
    lanes: NDArray[np.int64],
    increase: NDArray[np.bool_],
    kappa: NDArray[np.uint8],
    nu: NDArray[np.uint8],
) -> tuple[int, int, int]:
    """List the lanes of a row that may be pulsed, with polarity, kappa and the width code of nu.

    Returns
    -------
    tuple of int
        How many lanes, the largest kappa, and 1 if any nu gives a pulse.
    """
    active = 0
    largest = 0
    some = 0
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        magnitude = total if total >= 0 else ~total
        if magnitude < pulsed_from:
            continue
        lanes[active] = lane
        increase[active] = total >= 0
        kappa[active] = min(magnitude >> update_shift, c.steps)
        nu[active] = m.table[(magnitude >> (update_shift - c.nu_bits)) & ((1 << c.nu_bits) - 1)]
        largest = max(largest, kappa[active])
        some |= nu[active] != 0
        active += 1
    return active, largest, some
