"""From gradient sums to write pulses: the kappa / nu split of GXNOR (twin of `hdl/update_unit.py`).

With the step dz of the discrete weight space as unit and the layer's update shift r, the real-valued update is
``dW / dz = G / 2^r``. Its integer part kappa becomes deterministic steps (pulses of the last width code), its
fraction nu a pulse whose width code the `PulseTable` chooses.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.tables import PulseParameters, SwitchingParameters


@dataclass(frozen=True)
class Pulse:
    """One row of write pulses.

    Attributes
    ----------
    increase : ndarray of bool, shape (lanes,)
        Polarity.
    codes : ndarray of uint8, shape (lanes,)
        Width codes, 0 for no pulse.
    """

    increase: NDArray[np.bool_]
    codes: NDArray[np.uint8]


class UpdateUnit:
    """Golden model of the update unit.

    Parameters
    ----------
    pulse : PulseParameters
        The split's resolution and the table.
    switching : SwitchingParameters
        The devices for which the table is made.
    steps : int
        Largest kappa: the number of steps across the weight space (2 ternary, 1 binary).
    """

    def __init__(self, pulse: PulseParameters, switching: SwitchingParameters, steps: int) -> None:
        self.nu_bits = pulse.nu_bits
        self.table = pulse.codes(switching)
        self.full = switching.codes - 1
        self.steps = steps

    def split(self, sums: NDArray[np.int32], update_shift: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Split one row of gradient sums into kappa and the table index of nu.

        Parameters
        ----------
        sums : ndarray of int32, shape (lanes,)
            Gradient sums G. The magnitude is the one's complement for G < 0, as in the leak.
        update_shift : int
            log2 of the sum that stands for one weight step, >= nu_bits.

        Returns
        -------
        kappa : ndarray of int32, shape (lanes,)
            Whole steps, 0 .. steps (saturated).
        nu : ndarray of int32, shape (lanes,)
            Leading nu_bits of the fraction.
        """
        magnitude = sums ^ (sums >> 31)
        kappa = np.minimum(magnitude >> update_shift, self.steps)
        nu = (magnitude >> (update_shift - self.nu_bits)) & ((1 << self.nu_bits) - 1)
        return kappa, nu

    def pulses(self, sums: NDArray[np.int32], update_shift: int) -> Iterator[Pulse]:
        """Yield the pulses of one row, kappa first; a pulse that no lane needs is not issued.

        Parameters
        ----------
        sums : ndarray of int32, shape (lanes,)
            Gradient sums G.
        update_shift : int
            log2 of the sum that stands for one weight step, >= nu_bits.
        """
        kappa, nu = self.split(sums, update_shift)
        increase = sums >= 0
        whole = [np.where(kappa > step, self.full, 0) for step in range(self.steps)]
        for codes in (*whole, self.table[nu]):
            if codes.any():
                yield Pulse(increase, codes.astype(np.uint8))
