"""The error map: sums add up where patches overlap, and reading clears."""

import numpy as np

from golden.error_map import ErrorMap


def test_map() -> None:
    """Groups outside of the image are dropped, others add up, and are zero once they are read."""
    rng, error_map, expected = np.random.default_rng(3), ErrorMap(9, 2), np.zeros((9, 2), int)
    for _ in range(20):
        patch, sums = rng.permutation(9)[:4], rng.integers(-50, 50, (4, 2))
        patch[rng.random(4) < 0.3] = -1
        error_map.add(patch, sums)
        for group, values in zip(patch, sums, strict=True):
            if group >= 0:
                expected[group] += values
    assert (error_map.take(5) == expected[:5]).all()
    assert (error_map.sums == np.concatenate([np.zeros((5, 2)), expected[5:]])).all()
