"""Errors on their way back through a convolution: sums of all positions, one per element of its input."""

import numpy as np
from numpy.typing import NDArray


class ErrorMap:
    """Golden model of the error map; all zero outside of a backward pass.

    Parameters
    ----------
    groups : int
        Depth.
    group : int
        Elements per word.

    Attributes
    ----------
    sums : ndarray of int64, shape (groups, group)
        Sums of ``w * delta`` so far.
    """

    def __init__(self, groups: int, group: int) -> None:
        self.sums = np.zeros((groups, group), np.int64)

    def add(self, patch: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
        """Add the column sums of one position.

        Parameters
        ----------
        patch : ndarray of int64, shape (n,)
            Groups of the map, all different; -1 for one outside of the image, whose sums are dropped.
        sums : ndarray of int64, shape (n, group)
            Column sums.
        """
        inside = patch >= 0
        self.sums[patch[inside]] += sums[inside]

    def take(self, groups: int) -> NDArray[np.int64]:
        """Read the first groups, shape (groups, group), and set them to zero."""
        sums = self.sums[:groups].copy()
        self.sums[:groups] = 0
        return sums
