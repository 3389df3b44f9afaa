"""The checker of a whole machine: every quantity of RTL and golden model, in full."""

import numpy as np
from numpy.typing import NDArray

#: Quantity -> values.
State = dict[str, NDArray[np.int64]]


class Mismatch(AssertionError):
    """RTL and golden model differ."""


def compare(step: str, rtl: State, golden: State) -> int:
    """Compare all quantities in full.

    Parameters
    ----------
    step : str
        Where the run stands, for the message.
    rtl, golden : dict of str to ndarray of int64
        Quantity -> values.

    Returns
    -------
    int
        Number of values compared.

    Raises
    ------
    Mismatch
        If a value differs; the message names step, quantity, index and both values.
    """
    compared = 0
    for quantity, expected in golden.items():
        found = rtl[quantity]
        if found.shape != expected.shape:
            raise Mismatch(
                f"{step}: {quantity} has the shape {found.shape} in RTL, {expected.shape} in the golden model"
            )
        differ = np.argwhere(found != expected)
        if len(differ):
            index = tuple(int(i) for i in differ[0])
            raise Mismatch(
                f"{step}: {quantity}{list(index)} is {found[index]} in RTL, {expected[index]} in the golden model "
                f"({len(differ)} of {expected.size} differ)"
            )
        compared += expected.size
    return compared
