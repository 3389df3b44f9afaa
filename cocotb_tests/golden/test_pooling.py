"""Pooling: which of four positions wins, for all trits and windows."""

import itertools

import numpy as np

from golden.pooling import corners, winners


def test_winners() -> None:
    """The largest trit, of equal ones the first with an open window, else the first; all cases."""
    for trits in itertools.product((-1, 0, 1), repeat=4):
        for windows in itertools.product((False, True), repeat=4):
            best = [at for at in range(4) if trits[at] == max(trits)]
            expected = next((at for at in best if windows[at]), best[0])
            found = winners(np.array(trits, np.int8)[:, None], np.array(windows)[:, None])
            assert found.tolist() == [expected]


def test_corners() -> None:
    """Four neighbours in raster order for every pooled position."""
    assert corners(2, 4).tolist() == [[0, 2], [1, 3], [4, 6], [5, 7]]
    assert sorted(corners(6, 4).reshape(-1)) == list(range(24))
