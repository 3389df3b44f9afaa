"""Row sums in groups, added over column blocks."""

import numpy as np
import pytest

from golden.collector import Collector


@pytest.mark.parametrize(("size", "group"), [(1, 2), (7, 3), (12, 4), (5, 8)])
def test_blocks_add_up(size: int, group: int) -> None:
    """The last block brings the total of all, padded with zeros; the first forgets what was there."""
    rng = np.random.default_rng(size)
    collector = Collector(group, -(-13 // group))
    # a longer vector before leaves its partial sums behind
    assert collector.collect(rng.integers(-9, 9, 13), first=True, last=False) is None
    for blocks in (1, 2, 5):
        sums = rng.integers(-100, 101, (blocks, size))
        found = None
        for block, row in enumerate(sums):
            found = collector.collect(row, first=block == 0, last=block == blocks - 1)
            assert (found is None) == (block < blocks - 1)
        assert found is not None
        total = [sum(int(value) for value in column) for column in sums.T]
        assert found.ravel().tolist() == total + [0] * (-size % group)
        assert found.shape == (-(-size // group), group)
