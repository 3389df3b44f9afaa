"""Errors of the last layer and of hidden layers (twin of `hdl/error_unit.py`).

An error delta is a descent direction: positive asks for a larger sum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ErrorParameters:
    """Parameters of the error unit.

    Attributes
    ----------
    bits : int, 2 .. 8
        Width of an error, signed and symmetric: -(2^(bits-1) - 1) .. 2^(bits-1) - 1.
    margin : int, 1 .. 32767
        Hinge margin M of the last layer's sums.
    shift : int, 0 .. 15
        Right shift of the violated margin.
    backward_shift : int or tuple of int, 0 .. 15
        Right shift of a backward sum (round half up): of all hidden layers, or of each one, the first layer's first.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    bits: int = 5
    margin: int = 16
    shift: int = 1
    backward_shift: int | tuple[int, ...] = 2

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"error.bits must be 2 .. 8, not {self.bits}")
        if not 1 <= self.margin < 1 << 15:
            raise ValueError(f"error.margin must be 1 .. 32767, not {self.margin}")
        for field, shift in (("shift", self.shift), *(("backward_shift", shift) for shift in self._backward)):
            if not 0 <= shift <= 15:
                raise ValueError(f"error.{field} must be 0 .. 15, not {shift}")

    @property
    def limit(self) -> int:
        """Largest magnitude of an error."""
        return (1 << (self.bits - 1)) - 1

    @property
    def _backward(self) -> tuple[int, ...]:
        return (self.backward_shift,) if isinstance(self.backward_shift, int) else self.backward_shift

    def check(self, hidden: int) -> None:
        """Refuse a list of backward shifts that is not one per hidden layer."""
        if not isinstance(self.backward_shift, int) and len(self.backward_shift) != hidden:
            raise ValueError(
                f"error.backward_shift must be one shift, or one per hidden layer ({hidden}), "
                f"not {list(self.backward_shift)}"
            )

    def backward(self, layer: int) -> int:
        """Backward shift of a hidden layer, counted from 0."""
        return self._backward[layer if len(self._backward) > 1 else 0]

    def model(self) -> "ErrorUnit":
        """Make the golden model."""
        return ErrorUnit(self)


class ErrorUnit:
    """Golden model of the error unit; stateless.

    Parameters
    ----------
    parameters : ErrorParameters
        Widths, margin and shifts.
    """

    def __init__(self, parameters: ErrorParameters) -> None:
        self.parameters = parameters

    def output(self, sums: NDArray[np.int64], label: int) -> NDArray[np.int64]:
        """Errors of the last layer: the derivative of the squared hinge loss, ``tau * max(0, M - tau * s) >> shift``.

        Parameters
        ----------
        sums : ndarray of int64, shape (classes,)
            The last layer's sums s.
        label : int
            The class; its target tau is +1, all others' -1.

        Returns
        -------
        ndarray of int64, shape (classes,)
            Errors, saturated.
        """
        p = self.parameters
        target = np.where(np.arange(len(sums)) == label, 1, -1)
        violation = np.maximum(p.margin - target * sums, 0)
        return target * np.minimum(violation >> p.shift, p.limit)

    def hidden(self, sums: NDArray[np.int64], window: NDArray[np.bool_], layer: int = 0) -> NDArray[np.int64]:
        """Errors of a hidden layer: the backward sums, scaled, saturated and gated by the derivative window.

        Parameters
        ----------
        sums : ndarray of int64, shape (n,)
            Backward sums of ``w * delta`` over the next layer.
        window : ndarray of bool, shape (n,)
            Where the neuron's derivative is not zero.
        layer : int
            The hidden layer, counted from 0, for its backward shift.

        Returns
        -------
        ndarray of int64, shape (n,)
            Errors, saturated.
        """
        p = self.parameters
        shift = p.backward(layer)
        scaled = (sums + ((1 << shift) >> 1)) >> shift
        return np.where(window, np.clip(scaled, -p.limit, p.limit), 0)
