"""Activations, derivative windows and errors (twin of `hdl/vector_memory.py`)."""

import numpy as np
from numpy.typing import NDArray


class VectorMemory:
    """Golden model of the vector memory: one word per group, the same address for all three memories.

    Parameters
    ----------
    groups : int
        Depth.
    group : int
        Elements per word.

    Attributes
    ----------
    activations : ndarray of int8, shape (groups, group)
        Trits.
    windows : ndarray of bool, shape (groups, group)
        Where the neuron's derivative is not zero.
    errors : ndarray of int64, shape (groups, group)
        Errors.
    """

    def __init__(self, groups: int, group: int) -> None:
        self.activations = np.zeros((groups, group), np.int8)
        self.windows = np.zeros((groups, group), bool)
        self.errors = np.zeros((groups, group), np.int64)

    def read(self, first: int, groups: int, *, errors: bool) -> NDArray[np.int64]:
        """Read consecutive words of activations or errors as one vector, shape (groups * group,)."""
        words = (self.errors if errors else self.activations)[first : first + groups]
        return words.reshape(-1).astype(np.int64)
