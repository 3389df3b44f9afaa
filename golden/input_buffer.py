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
    low : int or tuple of int, 0 .. high
        Pixels up to this one become `dark`. A list gives every pixel as many trits, side by side: planes of the image.
    high : int or tuple of int, low .. 255
        Pixels above this one become +1, those between `middle`; a list as long as that of `low`.
    dark : int, -1 .. 1
        Trit of dark pixels. Zeros cost nothing: rows without input are skipped.
    middle : int, -1 .. 1
        Trit of pixels between.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    low: int | tuple[int, ...]
    high: int | tuple[int, ...]
    dark: int = 0
    middle: int = -1

    def __post_init__(self) -> None:
        lows, highs = _listed(self.low), _listed(self.high)
        if len(lows) != len(highs) or not lows:
            raise ValueError(
                f"input.low and high must have one threshold per plane each, not {list(lows)} and {list(highs)}"
            )
        for low, high in zip(lows, highs, strict=True):
            if not 0 <= low <= high <= 255:
                raise ValueError(f"input.low and high must be 0 <= low <= high <= 255, not {low} and {high}")
        for field in ("dark", "middle"):
            if getattr(self, field) not in (-1, 0, 1):
                raise ValueError(f"input.{field} must be -1, 0 or 1, not {getattr(self, field)}")

    @property
    def planes(self) -> int:
        """Trits of a pixel."""
        return len(_listed(self.low))

    @property
    def uses_middle(self) -> bool:
        """Whether a pixel can become `middle`."""
        return any(low < high for low, high in zip(_listed(self.low), _listed(self.high), strict=True))

    def trits(self, pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Code pixels, 0 .. 255, any shape, into trits of the same shape, the last axis longer by the planes."""
        lows, highs = np.array(_listed(self.low)), np.array(_listed(self.high))
        each = pixels[..., None]
        trits = np.where(each > highs, 1, np.where(each > lows, self.middle, self.dark)).astype(np.int8)
        return trits.reshape(*pixels.shape[:-1], -1)


def _listed(thresholds: int | tuple[int, ...]) -> tuple[int, ...]:
    return (thresholds,) if isinstance(thresholds, int) else thresholds


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
        ceil(n / group) words of two planes: the trits in two's complement, bit b of element e in bit b * group + e;
        then one word with the label.
    """
    data = stream(trits[None], np.array([label]), group)
    size = word_bytes(group)
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def word_bytes(group: int) -> int:
    """Bytes of a word of the sample stream."""
    return ceil_div(2 * group, 8)


def stream(trits: NDArray[np.int8], labels: NDArray[np.integer], group: int) -> bytes:
    """Write samples as the bytes of the sample stream, every word lowest byte first, as on the bus.

    Parameters
    ----------
    trits : ndarray of int8, shape (samples, n)
        The input vectors.
    labels : ndarray of integers, shape (samples,)
        The classes.
    group : int
        Trits per word.

    Returns
    -------
    bytes
        The words of `beats`, sample after sample.
    """
    samples, words, size = len(trits), ceil_div(trits.shape[1], group), word_bytes(group)
    padded = np.zeros((samples, words * group), np.int8)
    padded[:, : trits.shape[1]] = trits
    elements = padded.reshape(samples, words, 1, group)
    bits = np.zeros((samples, words + 1, 8 * size), np.uint8)
    bits[:, :words, : 2 * group] = np.concatenate([elements & 1, elements >> 1 & 1], axis=2).reshape(samples, words, -1)
    bits[:, words] = labels[:, None] >> np.arange(8 * size) & 1
    return np.packbits(bits, axis=2, bitorder="little").tobytes()
