"""Devices in use: driven by a current in each direction, at a temperature, with its variation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.device import variation
from golden.device.fitted import Fitted
from golden.device.junction import TO_ANTIPARALLEL, TO_PARALLEL, Junction
from golden.device.switching import MODELS

_NAMES = {TO_ANTIPARALLEL: "current_to_antiparallel", TO_PARALLEL: "current_to_parallel"}


@dataclass(frozen=True)
class Operation:
    """Switching probability of devices in use.

    Fields are those of `golden.tables.SwitchingParameters`, and messages call them so.

    Attributes
    ----------
    model : str
        A name of `MODELS`.
    device : Junction or Fitted
        The mean device.
    current_to_antiparallel, current_to_parallel : float
        Amplitudes of the write pulses, A, > 0.
    temperature : float
        K, > 0.
    variation_bins : int
        Device bins, >= 1.
    variation : float
        Relative standard deviation of I_c0 between devices.
    cycle_variation : float
        Relative standard deviation of I_c0 of one device from pulse to pulse.

    Raises
    ------
    ValueError
        If a field breaks its rule, the model does not hold for the device's geometry, or a current is on the wrong side
        of the critical current for some device.
    """

    model: str
    device: Junction | Fitted
    current_to_antiparallel: float
    current_to_parallel: float
    temperature: float = 300.0
    variation_bins: int = 1
    variation: float = 0.0
    cycle_variation: float = 0.0

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"switching.model must be one of {', '.join(MODELS)}, not {self.model!r}")
        if self.device.geometry not in MODELS[self.model].geometries:
            known = [name for name, model in MODELS.items() if self.device.geometry in model.geometries]
            raise ValueError(
                f"switching.model {self.model!r} holds for {' or '.join(MODELS[self.model].geometries)} devices only, "
                f"and this one is {self.device.geometry}: use {' or '.join(known)}"
            )
        if self.variation_bins < 1:
            raise ValueError(f"switching.variation_bins must be >= 1, not {self.variation_bins}")
        for name in ("variation", "cycle_variation"):
            if not 0 <= getattr(self, name) <= variation.LARGEST:
                raise ValueError(f"switching.{name} must be 0 .. {variation.LARGEST}, not {getattr(self, name)}")
        for direction, name in _NAMES.items():
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"switching.{name} must be > 0 A and finite, not {getattr(self, name)}")
            self._check_side(direction, name)

    def _check_side(self, direction: int, name: str) -> None:
        """Every device, in every cycle, is on the side of its critical current for which the model holds."""
        overdrives = self._overdrives(direction)
        above = MODELS[self.model].above
        critical = getattr(self, name) / (overdrives.min() if above else overdrives.max())
        if (above and overdrives.min() <= 1) or (not above and overdrives.max() >= 1):
            raise ValueError(
                f"switching.{name} must be {'above' if above else 'below'} the critical current of every device, "
                f"{critical:.3e} A with the variation asked for, for model {self.model!r}, "
                f"not {getattr(self, name):.3e} A"
            )

    def _overdrives(self, direction: int) -> NDArray[np.float64]:
        """Overdrives of all device bins in all cycles, shape (bins, cycles)."""
        mean = getattr(self, _NAMES[direction]) / self.device.critical_current(direction, self.temperature)
        device_bins, (cycles, _) = (
            variation.devices(self.variation_bins, self.variation),
            variation.cycles(self.cycle_variation),
        )
        return mean / (device_bins[:, None] * cycles)

    def probability(self, width: ArrayLike, direction: int) -> NDArray[np.float64]:
        """Probability that a pulse switches a device, the expectation over cycles.

        Parameters
        ----------
        width : array_like, shape (n,)
            Pulse widths, s, >= 0.
        direction : int
            `TO_ANTIPARALLEL` or `TO_PARALLEL`.

        Returns
        -------
        ndarray of float64, shape (variation_bins, n)
            0 .. 1 for every device bin.
        """
        model = MODELS[self.model]
        constant = self.device.time_constant(self.temperature) if model.above else self.device.attempt_time
        widths = np.asarray(width, np.float64)[:, None]
        overdrives = self._overdrives(direction)[:, None, :]
        found = model.probability(widths, overdrives, self.device.stability(self.temperature), constant)
        return found @ variation.cycles(self.cycle_variation)[1]

    def steps(
        self, targets: ArrayLike, directions: Sequence[int], time_step: float, longest: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Pulse widths, in multiples of a time step, that come nearest to probabilities asked for.

        Parameters
        ----------
        targets : array_like, shape (n,)
            Probabilities, mean over directions and device bins.
        directions : sequence of int
            The directions that share the widths: `TO_ANTIPARALLEL`, `TO_PARALLEL`, or both.
        time_step : float
            s, > 0.
        longest : int
            Most steps, >= 1.

        Returns
        -------
        steps : ndarray of int64, shape (n,)
            1 .. longest, the fewer steps on a tie.
        reached : ndarray of float64, shape (n,)
            Their mean probabilities.
        """
        asked = np.asarray(targets, np.float64)

        def mean(steps: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.mean([self.probability(steps * time_step, d).mean(axis=0) for d in directions], axis=0)

        # the probability rises with the width: halve the interval in which it crosses the target
        low, high = np.ones(asked.shape, np.int64), np.full(asked.shape, longest, np.int64)
        while (high - low > 1).any():
            middle = (low + high) // 2
            enough = mean(middle) >= asked
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        below, beyond = mean(low), mean(high)
        shorter = np.abs(below - asked) <= np.abs(beyond - asked)
        return np.where(shorter, low, high), np.where(shorter, below, beyond)

    def pulses(self, certain: float) -> tuple[float, float]:
        """Propose time step and longest pulse for a table of this device.

        Parameters
        ----------
        certain : float
            Probability that the longest pulse reaches for every device bin, below 1.

        Returns
        -------
        time_step : float
            s; a power of ten, 500 to 5000 of which are the longest pulse.
        width_max : float
            s, a multiple of the time step.
        """

        def least(width: float) -> float:
            return min(float(self.probability([width], direction).min()) for direction in _NAMES)

        width = 1e-12
        while least(width) < certain:
            width *= 1.1
        # written out in decimal, so that the text of a configuration gives the same number
        exponent = math.floor(math.log10(width / 500))
        steps = math.ceil(width / 10.0**exponent)
        return float(f"1e{exponent}"), float(f"{steps}e{exponent}")
