"""Leaky gradient sums, one per synapse (twin of `hdl/gradient_memory.py`)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GradientParameters:
    """Parameters of the gradient memory.

    Attributes
    ----------
    bits : int, 4 .. 24
        Width of a sum, signed; sums saturate at -2^(bits-1) and 2^(bits-1) - 1.
    leak : int, 1 .. bits
        After every update a sum loses 2^-leak of itself; a sum of that many batches is momentum. ``bits`` switches the
        leak off.
    reset_on_switch : bool
        A sum returns to 0 when its synapse has switched: what the weight has taken over no longer pulls at it.
    update_shifts : tuple of int
        Lowest and highest update shift that the hardware offers, a shifter between them; none for all that make sense,
        from pulse.nu_bits to pulse.nu_bits + bits - 1.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    bits: int = 14
    leak: int = 4
    reset_on_switch: bool = False
    update_shifts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 4 <= self.bits <= 24:
            raise ValueError(f"gradient.bits must be 4 .. 24, not {self.bits}")
        if not 1 <= self.leak <= self.bits:
            raise ValueError(f"gradient.leak must be 1 .. gradient.bits = {self.bits}, not {self.leak}")
        if self.update_shifts and (len(self.update_shifts) != 2 or self.update_shifts[0] > self.update_shifts[1]):
            raise ValueError(
                f"gradient.update_shifts must be a lowest and a highest update shift, not {list(self.update_shifts)}"
            )

    def offered(self, nu_bits: int) -> range:
        """Rates that the hardware offers, where the update splits off `nu_bits` of a fraction."""
        low, high = self.update_shifts or (nu_bits, nu_bits + self.bits - 1)
        return range(low, high + 1)


class GradientMemory:
    """Golden model of the gradient memory.

    Parameters
    ----------
    parameters : GradientParameters
        Width and leak.
    rows, lanes : int
        Shape, equal to the synapse array's.

    Attributes
    ----------
    sums : ndarray of int32, shape (rows, lanes)
        The sums G; positive asks for a larger weight. `FastMachine` narrows them to int16 where they fit.
    switched_mask : ndarray of bool, shape (rows, lanes)
        Synapses that have switched in this write pass; all clear outside of one.
    """

    def __init__(self, parameters: GradientParameters, rows: int, lanes: int) -> None:
        self.parameters = parameters
        self.sums: NDArray[Any] = np.zeros((rows, lanes), np.int32)
        self.switched_mask = np.zeros((rows, lanes), np.bool_)

    def clear(self, row: int) -> None:
        """Set one row of sums to zero; nothing of it has switched."""
        self.sums[row] = 0
        self.switched_mask[row] = False

    def accumulate(self, rows: NDArray[np.intp], coefficients: NDArray[np.int64], drive: NDArray[np.int64]) -> None:
        """Add the outer product of coefficients and drive to rows of sums, saturating.

        Parameters
        ----------
        rows : ndarray of intp, shape (n,)
            The rows, all different.
        coefficients : ndarray of int64, shape (n,)
            Row factors. They or the elements of `drive` are all -1, 0 or 1.
        drive : ndarray of int64, shape (lanes,)
            Column factors.
        """
        self.add(rows, np.outer(coefficients, drive))

    def add(self, rows: NDArray[np.intp], products: NDArray[np.int64]) -> None:
        """Add products, shape (n, lanes), to n rows of sums, all different, saturating."""
        limit = 1 << (self.parameters.bits - 1)
        self.sums[rows] = np.clip(self.sums[rows] + products, -limit, limit - 1)

    def leak(self, row: int) -> None:
        """Let a row of sums leak: a one's-complement magnitude a = G (G >= 0) or -1 - G loses ``a >> leak``."""
        g = self.sums[row]
        sign = g >> 31
        magnitude = g ^ sign
        self.sums[row] = (magnitude - (magnitude >> self.parameters.leak)) ^ sign

    def switched(self, row: int, lanes: NDArray[np.bool_]) -> None:
        """Set the bits of synapses of a row that have switched, one bool per lane."""
        if self.parameters.reset_on_switch:
            self.switched_mask[row] |= lanes

    def clear_switched(self, rows: slice) -> None:
        """Set the sums of all synapses to zero that have switched, and clear the mask."""
        self.sums[rows][self.switched_mask[rows]] = 0
        self.switched_mask[rows] = False
