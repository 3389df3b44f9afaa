"""The vector memory."""

import numpy as np

from golden.vector_memory import VectorMemory


def test_read() -> None:
    """Consecutive words of the memory asked for, as one vector of 64 bits, which does not change with the memory."""
    memory = VectorMemory(6, 3)
    assert not memory.activations.any()
    assert not memory.errors.any()
    assert not memory.windows.any()
    memory.activations[:] = np.arange(18).reshape(6, 3) % 3 - 1
    memory.errors[:] = np.arange(18).reshape(6, 3)
    assert memory.read(2, 2, errors=True).tolist() == [6, 7, 8, 9, 10, 11]
    found = memory.read(1, 3, errors=False)
    assert found.tolist() == [-1, 0, 1] * 3
    assert found.dtype == np.int64
    memory.activations[:] = 0
    assert found.tolist() == [-1, 0, 1] * 3
