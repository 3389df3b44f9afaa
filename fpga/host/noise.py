"""What a bad line does to bytes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Noise:
    """What a line does to bytes.

    Attributes
    ----------
    flip, lose, add : float
        Chance per byte of a flipped bit, of being lost, of another one behind it.
    cut : float
        Chance that a call finds the line cut.
    """

    flip: float = 0.0
    lose: float = 0.0
    add: float = 0.0
    cut: float = 0.0


class Spoiler:
    """Spoils bytes, and counts what it does to them.

    Parameters
    ----------
    noise : Noise
        What it does.
    rng : numpy.random.Generator
        When.

    Attributes
    ----------
    passed, flipped, lost, added : int
        Bytes that have come, and those that it has changed, taken away and added.
    """

    def __init__(self, noise: Noise, rng: np.random.Generator) -> None:
        self._noise, self._rng = noise, rng
        self.passed = self.flipped = self.lost = self.added = 0

    def __call__(self, data: bytes) -> bytes:
        """Give what becomes of bytes."""
        noise, rng, spoilt = self._noise, self._rng, bytearray()
        self.passed += len(data)
        for byte, (lose, flip, add) in zip(data, rng.random((len(data), 3)), strict=True):
            if lose < noise.lose:
                self.lost += 1
            elif flip < noise.flip:
                spoilt.append(byte ^ 1 << int(rng.integers(8)))
                self.flipped += 1
            else:
                spoilt.append(byte)
            if add < noise.add:
                spoilt.append(int(rng.integers(256)))
                self.added += 1
        return bytes(spoilt)
