"""Row sums become groups, and column blocks add up (twin of `hdl/collector.py`)."""

import numpy as np
from numpy.typing import NDArray

from golden.geometry import ceil_div


class Collector:
    """Golden model of the collector.

    Parameters
    ----------
    group : int
        Elements per group.
    groups : int
        Groups of the longest vector on the rows' side.
    """

    def __init__(self, group: int, groups: int) -> None:
        self.group = group
        self.partial = np.zeros((groups, group), np.int64)

    def collect(self, row_sums: NDArray[np.int64], *, first: bool, last: bool) -> NDArray[np.int64] | None:
        """Take the row sums of one column block.

        Parameters
        ----------
        row_sums : ndarray of int64, shape (n,)
            Sums of consecutive rows.
        first : bool
            Whether this is the first column block: nothing is added.
        last : bool
            Whether this is the last column block: the sums are complete.

        Returns
        -------
        ndarray of int64, shape (ceil(n / group), group), or None
            Complete sums, zero beyond n; None before the last block.
        """
        padded = np.zeros((ceil_div(len(row_sums), self.group), self.group), np.int64)
        padded.reshape(-1)[: len(row_sums)] = row_sums
        if not first:
            padded += self.partial[: len(padded)]
        if last:
            return padded
        self.partial[: len(padded)] = padded
        return None
