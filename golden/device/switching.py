"""Switching probability of one junction against pulse width."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def probability_erf(width: ArrayLike, overdrive: float, theta_0: float, time_constant: float) -> NDArray[np.float64]:
    r"""Switching probability with a one-dimensional normal initial angle (the paper's form).

    The free layer starts at a normally distributed angle of spread theta_0 and precesses out in
    ``tau = C / (i - 1) * ln(pi / (2 |theta|))``, so that
    ``P_sw = 1 - erf(pi / (2 sqrt(2) theta_0) * exp(-t (i - 1) / C))``.

    Parameters
    ----------
    width : array_like
        Pulse width t, s, >= 0.
    overdrive : float
        Current over critical current, i = I / I_c0, > 1.
    theta_0 : float
        Thermal spread of the initial angle, rad, > 0.
    time_constant : float
        C, s, > 0: ``(1 + alpha^2) / (alpha gamma mu0 H_k)`` for a perpendicular device,
        ``2 / (alpha gamma mu0 M_s)`` for an in-plane one.

    Returns
    -------
    ndarray of float64
        Probability, 0 .. 1, of the shape of `width`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    References
    ----------
    Greenberg-Toledo et al., arXiv 1912.12636; the precessional switching time after Sun (2000).
    """
    if overdrive <= 1:
        raise ValueError(f"overdrive must be > 1 for precessional switching, not {overdrive}")
    if theta_0 <= 0 or time_constant <= 0:
        raise ValueError(f"theta_0 and time_constant must be > 0, not {theta_0} and {time_constant}")
    t = np.asarray(width, np.float64)
    if (t < 0).any():
        raise ValueError(f"pulse width must be >= 0 s, not {t.min()}")
    argument = math.pi / (2 * math.sqrt(2) * theta_0) * np.exp(-t * (overdrive - 1) / time_constant)
    return np.array([math.erfc(a) for a in argument.ravel()]).reshape(argument.shape)
