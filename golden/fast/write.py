"""The operation UPDATE of the microprogram, compiled: write pulses from the gradient sums, then the leak.

Plain Python that Numba compiles; terms and order are those of `golden/update_unit.py`,
`golden/array/synapse_array.py` and `golden/gradient_memory.py`.
"""

import numpy as np
from numpy.typing import NDArray

from golden.fast.memory import Constants, Memory
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL


def write(
    c: Constants,
    m: Memory,
    states: NDArray[np.uint64],
    first: int,
    rows: int,
    update_shift: int,
    counts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Write a range of rows.

    Parameters
    ----------
    c, m : Constants, Memory
        The machine.
    states : ndarray of uint64, shape (streams,)
        The random streams, which move on.
    first, rows : int
        The rows.
    update_shift : int
        log2 of the gradient sum that stands for one weight step.
    counts : ndarray of int64, shape (3,)
        To which devices pulsed, the sum of their width codes, and devices switched are added.

    Returns
    -------
    ndarray of int64, shape (rows,)
        Pulses issued to every row.
    """
    issued = np.zeros(rows, np.int64)
    increase = np.empty(c.lanes, np.bool_)
    kappa = np.empty(c.lanes, np.uint8)
    nu = np.empty(c.lanes, np.uint8)
    codes = np.empty(c.lanes, np.uint8)
    lanes = np.empty(c.lanes, np.int64)
    words = np.empty(len(states) // c.slice_lanes * c.lanes, np.uint64)
    for index in range(rows):
        row = first + index
        peak = highest(c, m, row)
        active = largest = some = 0
        if peak >= c.quiet << (update_shift - c.nu_bits):
            active, largest, some = split(c, m, row, update_shift, lanes, increase, kappa, nu)
        if peak >> c.leak:
            leak(c, m, row)
        for step in range(largest):
            for k in range(active):
                codes[k] = c.full_code if kappa[k] > step else 0
            draw(c, states, words)
            pulse(c, m, row, lanes[:active], increase, codes, words, counts)
        if some:
            draw(c, states, words)
            pulse(c, m, row, lanes[:active], increase, nu, words, counts)
        issued[index] = largest + some
    return issued


def highest(c: Constants, m: Memory, row: int) -> int:
    """Find the largest magnitude in a row of sums."""
    number = m.sums.dtype.type
    peak = number(0)
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        peak = max(peak, number(total if total >= 0 else ~total))
    return peak


def split(
    c: Constants,
    m: Memory,
    row: int,
    update_shift: int,
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
    least = c.quiet << (update_shift - c.nu_bits)
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        magnitude = total if total >= 0 else ~total
        if magnitude < least:
            continue
        lanes[active] = lane
        increase[active] = total >= 0
        kappa[active] = min(magnitude >> update_shift, c.steps)
        nu[active] = c.table[(magnitude >> (update_shift - c.nu_bits)) & ((1 << c.nu_bits) - 1)]
        largest = max(largest, kappa[active])
        some |= nu[active] != 0
        active += 1
    return active, largest, some


def leak(c: Constants, m: Memory, row: int) -> None:
    """Let a row of sums leak."""
    number = m.sums.dtype.type
    shift = number(c.leak)
    for lane in range(c.lanes):
        total = m.sums[row, lane]
        magnitude = number(total if total >= 0 else ~total)
        left = number(magnitude - (magnitude >> shift))
        m.sums[row, lane] = left if total >= 0 else ~left


def draw(c: Constants, states: NDArray[np.uint64], words: NDArray[np.uint64]) -> None:
    """Draw words of all lanes, slice by slice: one per stream, which then advances."""
    one = np.uint64(1)
    mask = (one << c.width) - one
    for first in range(0, c.lanes, c.slice_lanes):
        for bank in range(len(states) // c.slice_lanes):
            for lane in range(c.slice_lanes):
                words[bank * c.lanes + first + lane] = states[bank * c.slice_lanes + lane] & c.word_mask
        for steps in c.strides:
            fresh = (one << steps) - one
            top = c.width - steps
            for stream in range(len(states)):
                state = states[stream]
                new = (state ^ (state >> c.tap)) & fresh
                states[stream] = ((state >> steps) | (new << top)) & mask


def pulse(
    c: Constants,
    m: Memory,
    row: int,
    lanes: NDArray[np.int64],
    increase: NDArray[np.bool_],
    codes: NDArray[np.uint8],
    words: NDArray[np.uint64],
    counts: NDArray[np.int64],
) -> None:
    """Apply one write pulse to lanes of a row; where a device switches the sum may return to 0.

    At once, ahead of CLEAR_SWITCHED: the row's pulses are known, and nothing else reads its sums before.
    """
    second = c.lanes if c.blind and not c.binary else 0
    for k in range(len(lanes)):
        lane, code, up = lanes[k], codes[k], increase[k]
        if code == 0:
            continue
        r1, r2 = m.r1[row, lane] != 0, m.r2[row, lane] != 0
        if c.blind:
            pulsed_1, pulsed_2 = True, not c.binary
        elif c.binary:
            pulsed_1, pulsed_2 = r1 != up, False
        else:
            # prefer the device that can go antiparallel: the step then ends in the weak zero, which conducts least
            pulsed_1 = not r2 and not r1 if up else r1
            pulsed_2 = r2 if up else not r1 and not r2
        to_1 = c.thresholds[TO_PARALLEL if up else TO_ANTIPARALLEL, code]
        to_2 = c.thresholds[TO_ANTIPARALLEL if up else TO_PARALLEL, code]
        flip_1 = pulsed_1 and r1 != up and words[lane] < to_1
        flip_2 = pulsed_2 and r2 == up and words[lane + second] < to_2
        if flip_1:
            m.r1[row, lane] ^= 1
        if flip_2:
            m.r2[row, lane] ^= 1
        if c.reset_on_switch and (flip_1 or flip_2):
            m.sums[row, lane] = 0
        pulsed, switched = int(pulsed_1) + int(pulsed_2), int(flip_1) + int(flip_2)
        counts[0] += pulsed
        counts[1] += pulsed * code
        counts[2] += switched
