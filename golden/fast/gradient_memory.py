"""Gradient sums, compiled (golden/gradient_memory.py)."""

import numpy as np
from numpy.typing import NDArray

from golden.fast.memory import Constants, Event, Memory


def accumulate(c: Constants, m: Memory, first: int, length: int, count: NDArray[np.int64]) -> None:
    """Add the outer product of vector and drive to the sums of rows from `first` on, saturating."""
    number = m.sums.dtype.type
    high = number(c.gradient_limit - 1)
    low = number(-c.gradient_limit)
    for element in range(length):
        if m.vector[element] == 0:
            continue
        count[Event.ROWS_DRIVEN] += 1
        coefficient = number(m.vector[element])
        row = first + element
        for lane in range(c.lanes):
            total = number(m.sums[row, lane] + number(coefficient * m.drive[lane]))
            m.sums[row, lane] = min(max(total, low), high)


def accumulate_segments(c: Constants, m: Memory, first: int, length: int, count: NDArray[np.int64]) -> None:
    """Add the outer products of the drive of the segments and the vector, a group of it a row."""
    number = m.sums.dtype.type
    high = number(c.gradient_limit - 1)
    low = number(-c.gradient_limit)
    for row in range(length // c.group):
        some = False
        for element in range(c.group):
            some |= m.vector[row * c.group + element] != 0
        # what the walk over groups, each one event, sees
        m.walked[row] = some
        if not some:
            continue
        count[Event.ROWS_DRIVEN] += 1
        for element in range(c.group):
            coefficient = number(m.vector[row * c.group + element])
            if coefficient == 0:
                continue
            for lane in range(element * c.segment, (element + 1) * c.segment):
                total = number(m.sums[first + row, lane] + number(coefficient * m.drive[lane]))
                m.sums[first + row, lane] = min(max(total, low), high)


def highest(c: Constants, m: Memory, row: int) -> int:
    """Find the largest magnitude in a row of sums."""
    number = m.sums.dtype.type
    peak = number(0)
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        peak = max(peak, number(total if total >= 0 else ~total))
    return peak


def leak(c: Constants, m: Memory, row: int) -> None:
    """Let a row of sums leak."""
    number = m.sums.dtype.type
    shift = number(c.leak)
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        magnitude = number(total if total >= 0 else ~total)
        left = number(magnitude - (magnitude >> shift))
        m.sums[row, lane] = left if total >= 0 else ~left
