"""Samples on their way to the machine: whole batches as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes
    ----------
    trits : ndarray of int8, shape (inputs,)
        Input vector, -1, 0 or 1.
    label : int
        Class.
    """

    trits: NDArray[np.int8]
    label: int


@dataclass(frozen=True)
class Samples:
    """Samples in the order of the stream; iterating gives one `Sample` after another.

    Attributes
    ----------
    trits : ndarray of int8, shape (n, inputs)
        Input vectors, -1, 0 or 1.
    labels : ndarray of uint8, shape (n,)
        Classes.
    """

    trits: NDArray[np.int8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.labels)

    def __iter__(self) -> Iterator[Sample]:
        """Give one sample after another."""
        for trits, label in zip(self.trits, self.labels, strict=True):
            yield Sample(trits, int(label))

    def __getitem__(self, part: slice | NDArray[np.intp]) -> "Samples":
        """Take some of them, by a slice or by their numbers."""
        return Samples(self.trits[part], self.labels[part])
