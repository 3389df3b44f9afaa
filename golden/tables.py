"""The two tables between a gradient and a switching event (twin of `hdl/tables.py`).

`PulseTable` belongs to the periphery: |nu| -> width code. `SwitchingTable` belongs to the array: width code ->
threshold of the random word. Neither side of the macro boundary sees the other's table.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.device.switching import probability_erf

#: Directions of a switching event, the first index of the thresholds.
TO_ANTIPARALLEL, TO_PARALLEL = 0, 1


@dataclass(frozen=True)
class SwitchingParameters:
    """How the array's devices answer a width code.

    Attributes
    ----------
    form : str
        ``ideal``: code k switches with tanh(slope * k / codes), the last code always; ``erf``: code k is a pulse of
        a width between `width_min` and `width_max` on a junction that follows the erf form.
    code_bits : int
        Bits of a width code, 1 .. 6. Code 0 is no pulse; the last code is the pulse of a deterministic step.
    threshold_bits : int
        Bits of the random word and of the thresholds, 4 .. 16; probabilities are multiples of 2^-threshold_bits.
    slope : float
        The m of tanh(m * nu), for ``ideal``.
    overdrive_to_antiparallel, overdrive_to_parallel : float
        Current over critical current of the two directions, > 1, for ``erf``.
    theta_0 : float
        Thermal spread of the initial angle, rad, for ``erf``.
    time_constant : float
        Precession time constant C, s, for ``erf``.
    width_min, width_max : float
        Widths of codes 1 and 2^code_bits - 1, s, for ``erf``; the codes between are spaced evenly.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    form: str = "ideal"
    code_bits: int = 5
    threshold_bits: int = 16
    slope: float = 3.0
    overdrive_to_antiparallel: float = 2.0
    overdrive_to_parallel: float = 2.0
    theta_0: float = 0.0842
    time_constant: float = 2.29e-9
    width_min: float = 4e-9
    width_max: float = 20e-9

    def __post_init__(self) -> None:
        if self.form not in ("ideal", "erf"):
            raise ValueError(f"switching.form must be 'ideal' or 'erf', not {self.form!r}")
        if not 1 <= self.code_bits <= 6:
            raise ValueError(f"switching.code_bits must be 1 .. 6, not {self.code_bits}")
        if not 4 <= self.threshold_bits <= 16:
            raise ValueError(f"switching.threshold_bits must be 4 .. 16, not {self.threshold_bits}")
        if not 0 < self.slope < math.inf:
            raise ValueError(f"switching.slope must be > 0 and finite, not {self.slope}")
        for name in ("overdrive_to_antiparallel", "overdrive_to_parallel"):
            if not 1 < getattr(self, name) < math.inf:
                raise ValueError(f"switching.{name} must be > 1 and finite, not {getattr(self, name)}")
        for name in ("theta_0", "time_constant"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"switching.{name} must be > 0 and finite, not {getattr(self, name)}")
        if not 0 < self.width_min < self.width_max < math.inf:
            raise ValueError(
                f"switching.width_min and width_max must be 0 < min < max, not {self.width_min} and {self.width_max} s"
            )

    @property
    def codes(self) -> int:
        """Number of width codes, code 0 included."""
        return 1 << self.code_bits

    @cached_property
    def thresholds(self) -> NDArray[np.uint32]:
        """Thresholds T of both directions.

        Returns
        -------
        ndarray of uint32, shape (2, codes)
            First index `TO_ANTIPARALLEL` or `TO_PARALLEL`. A pulse switches when ``u < T`` for the random word u,
            so P_sw = T / 2^threshold_bits; T is 0 for code 0 and 1 .. 2^threshold_bits for all others.
        """
        code = np.arange(self.codes)
        if self.form == "ideal":
            probability = np.tanh(self.slope * code / self.codes)
            probability[-1] = 1.0
            both = np.stack([probability, probability])
        else:
            width = np.linspace(self.width_min, self.width_max, self.codes - 1)
            both = np.zeros((2, self.codes))
            for direction, overdrive in (
                (TO_ANTIPARALLEL, self.overdrive_to_antiparallel),
                (TO_PARALLEL, self.overdrive_to_parallel),
            ):
                both[direction, 1:] = probability_erf(width, overdrive, self.theta_0, self.time_constant)
        full = 1 << self.threshold_bits
        thresholds = np.clip(np.rint(both * full), 1, full).astype(np.uint32)
        thresholds[:, 0] = 0
        return thresholds

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Exact switching probability of every direction and code, shape (2, codes), 0 .. 1."""
        return self.thresholds / float(1 << self.threshold_bits)


@dataclass(frozen=True)
class PulseParameters:
    """How the periphery chooses a width code.

    Attributes
    ----------
    nu_bits : int
        Leading bits of |nu| that address the table, 1 .. 8.
    slope : float
        The m of psi(nu) = tanh(m * |nu| / dz), > 0.
    dead_zone : int
        Table entries below this index give no pulse, 0 .. 2^nu_bits.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    nu_bits: int = 5
    slope: float = 3.0
    dead_zone: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.nu_bits <= 8:
            raise ValueError(f"pulse.nu_bits must be 1 .. 8, not {self.nu_bits}")
        if not 0 < self.slope < math.inf:
            raise ValueError(f"pulse.slope must be > 0 and finite, not {self.slope}")
        if not 0 <= self.dead_zone <= 1 << self.nu_bits:
            raise ValueError(f"pulse.dead_zone must be 0 .. 2^nu_bits = {1 << self.nu_bits}, not {self.dead_zone}")

    @property
    def targets(self) -> NDArray[np.float64]:
        """The probability psi that every table index asks for, shape (2^nu_bits,), 0 .. 1."""
        index = np.arange(1 << self.nu_bits)
        psi = np.array([math.tanh(self.slope * v / (1 << self.nu_bits)) for v in index])
        psi[: self.dead_zone] = 0.0
        return psi

    def codes(self, switching: SwitchingParameters) -> NDArray[np.uint8]:
        """Choose the width codes: for every index the code whose probability, mean of both directions, is nearest.

        Parameters
        ----------
        switching : SwitchingParameters
            The devices that will receive the pulses.

        Returns
        -------
        ndarray of uint8, shape (2^nu_bits,)
            Width codes, 0 .. switching.codes - 1; the lower code on a tie.
        """
        probability = switching.probabilities.mean(axis=0)
        return np.abs(self.targets[:, None] - probability[None, :]).argmin(axis=1).astype(np.uint8)

    def residual(self, switching: SwitchingParameters) -> float:
        """Worst distance between the probability asked for and the one given, over all indices and directions."""
        return float(np.abs(self.targets - switching.probabilities[:, self.codes(switching)]).max())
