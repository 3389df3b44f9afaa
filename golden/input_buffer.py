"""From pixels to trits, and the form in which samples enter the machine (twin of `hdl/input_buffer.py`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.geometry import ceil_div


@dataclass(frozen=True)
class InputParameters:
    """How a pixel becomes a trit.

    Attributes
    ----------
    low, high : int
        Pixels <= low become `dark`, pixels > high become +1, those between `middle`; 0 <= low <= high <= 255.
    dark, middle : int
        Trits, -1 .. 1. Zeros cost nothing: rows without input are skipped.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    low: int
    high: int
    dark: int = 0
    middle: int = -1

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 255:
            raise ValueError(f"input.low and high must be 0 <= low <= high <= 255, not {self.low} and {self.high}")
        for field in ("dark", "middle"):
            if getattr(self, field) not in (-1, 0, 1):
                raise ValueError(f"input.{field} must be -1, 0 or 1, not {getattr(self, field)}")

    def trits(self, pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Code pixels, 0 .. 255, any shape, into trits of the same shape."""
        return np.where(pixels > self.high, 1, np.where(pixels > self.low, self.middle, self.dark)).astype(np.int8)


def beats(trits: NDArray[np.int8], label: int, group: int) -> list[int]:
    """Write one sample as the words of the sample stream.

    Parameters
    ----------
    trits : ndarray of int8, shape (n,)
        The input vector.
    label : int
        The class.
    group : int
        Trits per word.

    Returns
    -------
    list of int
        ceil(n / group) words, element e of a word in bits 2e and 2e + 1 (two's complement), then one word with the
        label.
    """
    padded = np.zeros(ceil_div(len(trits), group) * group, np.int8)
    padded[: len(trits)] = trits
    words = []
    for word in padded.reshape(-1, group):
        words.append(sum((int(trit) & 3) << (2 * element) for element, trit in enumerate(word)))
    return [*words, label]
