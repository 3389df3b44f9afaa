"""Pooling of trits over 2x2 positions: the largest trit wins, and its position gets the error."""

import numpy as np
from numpy.typing import NDArray


def winners(activations: NDArray[np.int8], windows: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Find the position that wins: of those with the largest trit the first with an open window, else the first.

    Parameters
    ----------
    activations : ndarray of int8, shape (4, n)
        Trits of the four positions in raster order.
    windows : ndarray of bool, shape (4, n)
        Their derivative windows.

    Returns
    -------
    ndarray of intp, shape (n,)
        Which of the four.
    """
    return (2 * activations + windows).argmax(axis=0)


def corners(height: int, width: int) -> NDArray[np.int64]:
    """Give the positions that are pooled, shape (4, height / 2 * width / 2)."""
    positions = np.arange(height * width).reshape(height // 2, 2, width // 2, 2)
    return positions.transpose(1, 3, 0, 2).reshape(4, -1)
