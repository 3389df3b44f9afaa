"""The operation UPDATE of the microprogram, compiled: write pulses from the gradient sums, then the leak.

Plain Python that Numba compiles; terms and order are those of `golden/machine.py`.
"""

import numpy as np
from numpy.typing import NDArray

from golden import cycles
from golden.fast import gradient_memory, synapse_array, update_unit
from golden.fast.memory import Constants, Memory


def write(
    c: Constants, m: Memory, first: int, rows: int, update_shift: int, counts: NDArray[np.int64]
) -> tuple[int, int]:
    """Write a range of rows.

    Parameters
    ----------
    c, m : Constants, Memory
        The machine.
    first, rows : int
        The rows.
    update_shift : int
        log2 of the gradient sum that stands for one weight step.
    counts : ndarray of int64, shape (len(Write),)
        To which counts are added.

    Returns
    -------
    tuple of int
        Pulses issued to all rows, and the operation's last cycle.
    """
    issued = np.zeros(rows, np.int64)
    increase = np.empty(c.lanes, np.bool_)
    kappa = np.empty(c.lanes, np.uint8)
    nu = np.empty(c.lanes, np.uint8)
    codes = np.empty(c.lanes, np.uint8)
    lanes = np.empty(c.lanes, np.int64)
    pulsed_from = update_unit.least(c, m, update_shift)
    for index in range(rows):
        row = first + index
        peak = gradient_memory.highest(c, m, row)
        active = largest = some = 0
        if peak >= pulsed_from:
            active, largest, some = update_unit.split(c, m, row, update_shift, pulsed_from, lanes, increase, kappa, nu)
        if peak >> c.leak:
            gradient_memory.leak(c, m, row)
        for step in range(largest):
            for k in range(active):
                codes[k] = c.full_code if kappa[k] > step else 0
            synapse_array.pulse(c, m, row, lanes[:active], increase, codes, counts)
        if some:
            synapse_array.pulse(c, m, row, lanes[:active], increase, nu, counts)
        issued[index] = largest + some
    return issued.sum(), cycles.update(issued, c.latency, c.writing)
