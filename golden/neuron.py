"""Ternary neurons with adaptive thresholds (twin of `hdl/neuron.py`).

Every neuron keeps an offset o and a scale r, both with `fraction` fractional bits. The centred sum is
``t = s - floor(o)``; the neuron fires +1 or -1 where |t| reaches the threshold, a fixed part of the scale, and its
derivative is a window around the threshold. The scale follows the running mean of |t|. The offset follows the
running mean of the sum, or is trained by the neuron's error, or both. Outputs have a trained offset alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NeuronParameters:
    """Parameters of all neurons.

    Attributes
    ----------
    fraction : int, 0 .. 12
        Fractional bits of offset and scale.
    threshold_eighths : int, 0 .. 15
        Threshold in eighths of the scale; the threshold is at least 1.
    window_eighths : int, 0 .. 31
        Half-width of the derivative window in eighths of the scale.
    ema_shift : int, 0 .. 15
        The scale (and an offset that tracks the mean) moves 2^-ema_shift of the way per training sample.
    offset_tracks_mean : bool
        Whether the offset follows the running mean of the sum.
    offset_learned : bool
        Whether the offset follows the error: ``o -= delta * 2^train_shift`` in units of the last fractional bit.
    train_shift : int, 0 .. 12
        log2 of the learning rate of learned offsets.
    initial_scale : int, 1 .. 1023
        Scale before the first sample, in units of the sum.
    activation : {'ternary', 'binary'}
        ``binary`` neurons fire +1 or -1, the sign of the centred sum, +1 for 0; their threshold is 0.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    fraction: int = 8
    threshold_eighths: int = 4
    window_eighths: int = 6
    ema_shift: int = 8
    offset_tracks_mean: bool = False
    offset_learned: bool = True
    train_shift: int = 2
    initial_scale: int = 4
    activation: str = "ternary"

    def __post_init__(self) -> None:
        for field, low, high in (
            ("fraction", 0, 12),
            ("threshold_eighths", 0, 15),
            ("window_eighths", 0, 31),
            ("ema_shift", 0, 15),
            ("train_shift", 0, 12),
            ("initial_scale", 1, 1023),
        ):
            if not low <= getattr(self, field) <= high:
                raise ValueError(f"neuron.{field} must be {low} .. {high}, not {getattr(self, field)}")
        if self.activation not in ("ternary", "binary"):
            raise ValueError(f"neuron.activation must be 'ternary' or 'binary', not {self.activation!r}")

    def offset_bits(self, sum_bits: int) -> int:
        """Width of an offset, signed; it saturates."""
        return sum_bits + self.fraction

    def scale_bits(self, sum_bits: int) -> int:
        """Width of a scale, unsigned; |t| < 2^sum_bits bounds its mean."""
        return sum_bits + self.fraction


@dataclass(frozen=True)
class Position:
    """Where in a layer sums are from.

    Attributes
    ----------
    index : int
        Position, 0 for the first.
    positions : int
        How many the layer has.
    """

    index: int = 0
    positions: int = 1


class Neurons:
    """Golden model of the state of all neurons and outputs.

    Parameters
    ----------
    parameters : NeuronParameters
        Common to all neurons.
    count : int
        Number of neurons.
    sum_bits : int
        Width of a sum, for the saturation of the offset.

    Attributes
    ----------
    offset, scale : ndarray of int64, shape (count,)
        State, in units of 2^-fraction.
    size : ndarray of int64, shape (count,)
        Sum of |t| over the positions of a training sample so far; means nothing between samples.
    """

    def __init__(self, parameters: NeuronParameters, count: int, sum_bits: int) -> None:
        self.parameters = parameters
        self.limit = 1 << (parameters.offset_bits(sum_bits) - 1)
        self.offset = np.zeros(count, np.int64)
        self.scale = np.zeros(count, np.int64)
        self.size = np.zeros(count, np.int64)

    def reset(self) -> None:
        """Set the initial state."""
        self.offset[:] = 0
        self.scale[:] = self.parameters.initial_scale << self.parameters.fraction

    def centre(self, sums: NDArray[np.int64], at: slice) -> NDArray[np.int64]:
        """Subtract the whole part of the offsets of the neurons `at` from their sums."""
        return sums - (self.offset[at] >> self.parameters.fraction)

    def fire(
        self, sums: NDArray[np.int64], at: slice, *, training: bool, position: Position = Position()
    ) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """Turn sums into activations; in training the state follows with the last position.

        Parameters
        ----------
        sums : ndarray of int64, shape (n,)
            Sums s.
        at : slice
            The n neurons.
        training : bool
            Whether scale and offset adapt.
        position : Position
            Which of the positions that share these neurons; they come in ascending order.

        Returns
        -------
        activations : ndarray of int8, shape (n,)
            -1, 0 or 1.
        window : ndarray of bool, shape (n,)
            Where the derivative is not zero.
        """
        p, scale = self.parameters, self.scale[at]
        centred = self.centre(sums, at)
        size = np.abs(centred)
        if p.activation == "binary":
            threshold = np.zeros_like(size)
            activations = np.where(centred >= 0, 1, -1).astype(np.int8)
        else:
            threshold = np.maximum((p.threshold_eighths * scale) >> (3 + p.fraction), 1)
            activations = np.where(size >= threshold, np.sign(centred), 0).astype(np.int8)
        window = np.abs(size - threshold) <= (p.window_eighths * scale) >> (3 + p.fraction)
        if training:
            self._follow(sums, size, at, position)
        return activations, window

    def _follow(self, sums: NDArray[np.int64], size: NDArray[np.int64], at: slice, position: Position) -> None:
        """Let the scale follow the mean of |t| over all positions, and with it an offset that tracks the mean."""
        p = self.parameters
        self.size[at] = size + (self.size[at] if position.index else 0)
        if position.index < position.positions - 1:
            return
        mean = (self.size[at] << p.fraction) >> (position.positions - 1).bit_length()
        self.scale[at] += (mean - self.scale[at]) >> p.ema_shift
        if p.offset_tracks_mean:
            self._move(((sums << p.fraction) - self.offset[at]) >> p.ema_shift, at)

    def train(self, errors: NDArray[np.int64], at: slice) -> None:
        """Move the offsets of the neurons `at` against their errors: a positive error asks for a larger sum."""
        self._move(-(errors << self.parameters.train_shift), at)

    def _move(self, step: NDArray[np.int64], at: slice) -> None:
        self.offset[at] = np.clip(self.offset[at] + step, -self.limit, self.limit - 1)
