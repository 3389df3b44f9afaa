"""Vectors as events."""

import numpy as np

from golden.drivers import events


def test_events() -> None:
    """Non-zero elements in order, with their values; a vector of zeros has none."""
    rng = np.random.default_rng(3)
    for size in (1, 2, 17, 100):
        for vector in (rng.integers(-2, 3, size), np.zeros(size, np.int64), np.full(size, -7)):
            indices, coefficients = events(vector)
            expected = [(i, int(value)) for i, value in enumerate(vector) if value]
            assert list(zip(indices.tolist(), coefficients.tolist(), strict=True)) == expected
