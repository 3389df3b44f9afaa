"""Lines that spoil what goes through them."""

from dataclasses import dataclass

import numpy as np

from fpga.host.lines import Line


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


class NoisyLine:
    """A line with noise in both directions.

    Parameters
    ----------
    line : Line
        The line without.
    noise : Noise
        What it does.
    rng : numpy.random.Generator
        When.
    """

    def __init__(self, line: Line, noise: Noise, rng: np.random.Generator) -> None:
        self._line, self._noise, self._rng = line, noise, rng

    def _spoil(self, data: bytes) -> bytes:
        noise, rng, spoilt = self._noise, self._rng, bytearray()
        for byte in data:
            if rng.random() >= noise.lose:
                flipped = 1 << int(rng.integers(8)) if rng.random() < noise.flip else 0
                spoilt.append(byte ^ flipped)
            if rng.random() < noise.add:
                spoilt.append(int(rng.integers(256)))
        return bytes(spoilt)

    def read(self, timeout: float) -> bytes:
        """Take what has come, spoilt."""
        if self._rng.random() < self._noise.cut:
            self._line.close()
            raise ConnectionError("cut")
        return self._spoil(self._line.read(timeout))

    def write(self, data: bytes) -> None:
        """Send bytes, spoilt; where the line is cut, the first of them arrive."""
        data = self._spoil(data)
        if self._rng.random() < self._noise.cut:
            self._line.write(data[: int(self._rng.integers(0, len(data) + 1))])
            self._line.close()
            raise ConnectionError("cut")
        self._line.write(data)

    def close(self) -> None:
        """Hang up."""
        self._line.close()
