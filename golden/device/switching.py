"""Switching probability of one junction against pulse width: the named models.

All models share their arguments, which follow from a junction and the pulse: width t, overdrive i = I / I_c0, thermal
stability Delta (the initial angle has the spread theta_0 = sqrt(1 / (2 Delta))), and a time constant C. They answer
one question and differ widely; see docs/device.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.device.junction import GEOMETRIES, thermal_angle

_Floats = NDArray[np.float64]


def _inputs(
    width: ArrayLike, overdrive: ArrayLike, stability: float, constant: float, *, above: bool
) -> tuple[_Floats, _Floats]:
    """Check the arguments that all models share, and make arrays of width and overdrive."""
    t, i = np.asarray(width, np.float64), np.asarray(overdrive, np.float64)
    if t.size and not t.min() >= 0:
        raise ValueError(f"pulse width must be >= 0 s, not {t.min()}")
    if above and i.size and not i.min() > 1:
        raise ValueError(f"overdrive must be > 1 for precessional switching, not {i.min()}")
    if not above and i.size and not (i.min() >= 0 and i.max() < 1):
        raise ValueError(f"overdrive must be 0 <= i < 1 for thermal activation, not {i.min()} .. {i.max()}")
    if not (0 < stability < math.inf and 0 < constant < math.inf):
        raise ValueError(f"stability and time constant must be > 0 and finite, not {stability} and {constant}")
    return t, i


def erf(width: ArrayLike, overdrive: ArrayLike, stability: float, time_constant: float) -> _Floats:
    """Normally distributed initial angle in one dimension: the model of the paper.

    The angle grows as ``exp(t (i - 1) / C)`` and has switched at pi / 2:
    ``P = 1 - erf(pi / (2 sqrt(2) theta_0) * exp(-t (i - 1) / C))``. In the plane, where the demagnetising field keeps
    the magnetisation, the initial angle has one dimension.

    Parameters
    ----------
    width : array_like
        Pulse width t, s, >= 0.
    overdrive : array_like
        i = I / I_c0, > 1; broadcast against `width`.
    stability : float
        Delta, > 0.
    time_constant : float
        C of the junction's geometry, s, > 0 (`Junction.time_constant`).

    Returns
    -------
    ndarray of float64
        Probability, 0 .. 1, of the shape of width and overdrive together.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Greenberg-Toledo et al., arXiv 1912.12636; the precessional switching time after Sun (2000).
    """
    t, i = _inputs(width, overdrive, stability, time_constant, above=True)
    argument = math.pi / (2 * math.sqrt(2) * thermal_angle(stability)) * np.exp(-t * (i - 1) / time_constant)
    return np.array([math.erfc(a) for a in argument.ravel()]).reshape(argument.shape)


def rayleigh(width: ArrayLike, overdrive: ArrayLike, stability: float, time_constant: float) -> _Floats:
    """Normally distributed initial angle in two dimensions, as around a perpendicular easy axis.

    ``P = exp(-(pi^2 / (8 theta_0^2)) exp(-2 t (i - 1) / C))``: as `erf`, but the polar angle is Rayleigh distributed.
    Parameters, returns and errors as for `erf`.

    References
    ----------
    Follows from the switching time that `erf` uses.
    """
    t, i = _inputs(width, overdrive, stability, time_constant, above=True)
    return np.exp(-((math.pi / thermal_angle(stability)) ** 2) / 8 * np.exp(-2 * t * (i - 1) / time_constant))


def fokker_planck(width: ArrayLike, overdrive: ArrayLike, stability: float, time_constant: float) -> _Floats:
    """Thermal noise during the pulse as well, in the linear regime, around a perpendicular easy axis.

    ``P = exp(-(pi^2 / 4) Delta (i - 1) / (i exp(2 t (i - 1) / C) - 1))``. Parameters, returns and errors as for `erf`.

    References
    ----------
    Butler et al., IEEE Trans. Magn. 48, 4684 (2012), arXiv 1202.2621; Khvalkovskiy et al., J. Phys. D 46, 074001
    (2013).
    """
    t, i = _inputs(width, overdrive, stability, time_constant, above=True)
    return np.exp(-_remaining(t, i, stability, time_constant) * math.pi**2 / 4)


def macrospin(width: ArrayLike, overdrive: ArrayLike, stability: float, time_constant: float) -> _Floats:
    """As `fokker_planck`, with the way from a small angle to the equator that the torque really takes.

    ``d theta / d(t / C) = (i - cos theta) sin theta`` leads from a small angle theta to pi / 2 in the time
    ``C / (i - 1) * ln(theta_e / theta)``, ``theta_e = sqrt(2) 2^((i-1)/(2(i+1))) ((i-1)/i)^(1/(i+1))``, where linear
    growth would have theta_e = pi / 2; theta_e^2 takes the place of pi^2 / 4. Parameters and returns as for `erf`.

    Raises
    ------
    ValueError
        If an argument is outside its range, or the overdrive so small that the initial angle is not small against
        theta_e: a pulse of no width would switch with more than 10^-6.

    References
    ----------
    The integral is elementary and its closed form that of Butler et al. (2012); its use as a prefactor is this
    project's.
    """
    t, i = _inputs(width, overdrive, stability, time_constant, above=True)
    square = escape_angle(i) ** 2
    if i.size and stability * square.min() < math.log(1e6):
        raise ValueError(
            f"macrospin switching needs Delta theta_e^2 >= {math.log(1e6):.1f}, not {stability * square.min():.3g} as "
            f"with overdrive {i.min()} and stability {stability}: raise the current, or use fokker_planck"
        )
    return np.exp(-_remaining(t, i, stability, time_constant) * square)


def neel_brown(width: ArrayLike, overdrive: ArrayLike, stability: float, attempt_time: float) -> _Floats:
    """Thermal activation over the barrier below the critical current.

    ``P = 1 - exp(-t / tau)``, ``tau = tau_0 exp(Delta (1 - i))``.

    Parameters
    ----------
    width : array_like
        Pulse width t, s, >= 0.
    overdrive : array_like
        i = I / I_c0, 0 <= i < 1; broadcast against `width`.
    stability : float
        Delta, > 0.
    attempt_time : float
        tau_0, s, > 0; 1 ns is customary and disputed.

    Returns
    -------
    ndarray of float64
        Probability, 0 .. 1, of the shape of width and overdrive together.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Koch, Katine and Sun, Phys. Rev. Lett. 92, 088302 (2004). For a perpendicular macrospin, theory has the barrier
    fall as (1 - i)^2; the linear law is the one that measurements are usually fitted with.
    """
    t, i = _inputs(width, overdrive, stability, attempt_time, above=False)
    return -np.expm1(-t / attempt_time * np.exp(-stability * (1 - i)))


def _remaining(t: _Floats, i: _Floats, stability: float, time_constant: float) -> _Floats:
    """1 / (mean square angle), in the linear regime: Delta (i - 1) / (i exp(2 t (i - 1) / C) - 1).

    Written with the decaying exponential, which cannot overflow.
    """
    decay = np.exp(-2 * t * (i - 1) / time_constant)
    return stability * (i - 1) * decay / (i - decay)


def escape_angle(overdrive: ArrayLike) -> _Floats:
    """Angle theta_e, rad, at which linear growth would cross the equator when the real motion does; see `macrospin`."""
    i = np.asarray(overdrive, np.float64)
    return math.sqrt(2) * 2 ** ((i - 1) / (2 * (i + 1))) * ((i - 1) / i) ** (1 / (i + 1))


@dataclass(frozen=True)
class Form:
    """A model and where it holds.

    Attributes
    ----------
    probability : callable
        (width, overdrive, stability, constant) -> probability.
    above : bool
        Whether it holds above the critical current, with the time constant of precession; else below it, with the
        attempt time.
    geometries : tuple of str
        The geometries for which it holds.
    """

    probability: Callable[[ArrayLike, ArrayLike, float, float], _Floats]
    above: bool
    geometries: tuple[str, ...]


#: Name -> model.
MODELS = {
    "erf": Form(erf, True, GEOMETRIES),
    "rayleigh": Form(rayleigh, True, ("perpendicular",)),
    "fokker_planck": Form(fokker_planck, True, ("perpendicular",)),
    "macrospin": Form(macrospin, True, ("perpendicular",)),
    "neel_brown": Form(neel_brown, False, GEOMETRIES),
}
