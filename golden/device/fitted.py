"""A junction of which only the answer to pulses is known: what a fit to measured switching yields."""

import math
from dataclasses import dataclass

from golden.device.junction import GEOMETRIES, TO_PARALLEL


@dataclass(frozen=True)
class Fitted:
    """Measured parameters, at the temperature of the measurement.

    Another temperature changes the stability alone, as k_B T does: nothing is known of the material.

    Attributes
    ----------
    geometry : {'perpendicular', 'in_plane'}
        Where the free layer's easy axis lies.
    critical_current_to_antiparallel, critical_current_to_parallel : float, > 0
        I_c0 of the two directions, A.
    delta : float, > 0
        Thermal stability Delta.
    precession : float, > 0
        Time constant C of precession, s; used above the critical current.
    attempt_time : float, > 0
        tau_0 of thermal activation, s; used below the critical current.
    measured_temperature : float, > 0
        Temperature of the measurement, K.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    geometry: str
    critical_current_to_antiparallel: float
    critical_current_to_parallel: float
    delta: float
    precession: float = 1e-9
    attempt_time: float = 1e-9
    measured_temperature: float = 300.0

    def __post_init__(self) -> None:
        if self.geometry not in GEOMETRIES:
            raise ValueError(f"fitted.geometry must be 'perpendicular' or 'in_plane', not {self.geometry!r}")
        for name in (
            "critical_current_to_antiparallel",
            "critical_current_to_parallel",
            "delta",
            "precession",
            "attempt_time",
            "measured_temperature",
        ):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"fitted.{name} must be > 0 and finite, not {getattr(self, name)}")

    def stability(self, temperature: float) -> float:
        """Thermal stability Delta at a temperature in K."""
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be > 0 K and finite, not {temperature}")
        return self.delta * self.measured_temperature / temperature

    def critical_current(self, direction: int, temperature: float) -> float:
        """Critical current of a direction, A; the same at every `temperature`."""
        del temperature
        return self.critical_current_to_parallel if direction == TO_PARALLEL else self.critical_current_to_antiparallel

    def time_constant(self, temperature: float) -> float:
        """Time constant of precession, s; the same at every `temperature`."""
        del temperature
        return self.precession
