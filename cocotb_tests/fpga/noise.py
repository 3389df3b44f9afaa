"""Lines that spoil what goes through them."""

import numpy as np

from fpga.host.byte_line import Line
from fpga.host.noise import Noise, Spoiler


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
        self._spoil = Spoiler(noise, rng)

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
