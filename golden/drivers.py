"""How a vector reaches the rows: as events, its zeros skipped (twin of `hdl/drivers.py`)."""

import numpy as np
from numpy.typing import NDArray


def events(vector: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Find the non-zero elements of a vector in ascending order: the gate of gated XNOR.

    Parameters
    ----------
    vector : ndarray of int64, shape (n,)
        Activations or errors on the rows' side.

    Returns
    -------
    indices : ndarray of intp, shape (events,)
        Elements that are not zero.
    coefficients : ndarray of int64, shape (events,)
        Their values, with which the rows are driven.
    """
    indices = np.flatnonzero(vector)
    return indices, vector[indices]
