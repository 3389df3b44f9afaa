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
    backward_shift : int, 0 .. 15
        Right shift of a backward sum (round half up).

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    bits: int = 5
    margin: int = 16
    shift: int = 1
    backward_shift: int = 2

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"error.bits must be 2 .. 8, not {self.bits}")
        if not 1 <= self.margin < 1 << 15:
            raise ValueError(f"error.margin must be 1 .. 32767, not {self.margin}")
        for field in ("shift", "backward_shift"):
            if not 0 <= getattr(self, field) <= 15:
                raise ValueError(f"error.{field} must be 0 .. 15, not {getattr(self, field)}")

    @property
    def limit(self) -> int:
        """Largest magnitude of an error."""
        return (1 << (self.bits - 1)) - 1

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

    def hidden(self, sums: NDArray[np.int64], window: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Errors of a hidden layer: the backward sums, scaled, saturated and gated by the derivative window.

        Parameters
        ----------
        sums : ndarray of int64, shape (n,)
            Backward sums of ``w * delta`` over the next layer.
        window : ndarray of bool, shape (n,)
            Where the neuron's derivative is not zero.

        Returns
        -------
        ndarray of int64, shape (n,)
            Errors, saturated.
        """
        p = self.parameters
        half = 1 << (p.backward_shift - 1) if p.backward_shift else 0
        scaled = (sums + half) >> p.backward_shift
        return np.where(window, np.clip(scaled, -p.limit, p.limit), 0)
