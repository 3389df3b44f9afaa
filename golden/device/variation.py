"""How much critical currents differ: between devices, and of one device from pulse to pulse.

Both are normal distributions of I_c0 around its mean; their widths are assumptions to be swept, not data.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

#: Where the distribution from pulse to pulse is cut off, in standard deviations.
CUT = 4.0
#: Largest standard deviation, relative: the cut-off stays well above zero.
LARGEST = 0.2

_NODES = 33


def devices(bins: int, sigma: float) -> NDArray[np.float64]:
    """Critical currents of `bins` equally likely device bins.

    Parameters
    ----------
    bins : int
        Number V of device bins, >= 1.
    sigma : float
        Relative standard deviation, 0 .. `LARGEST`.

    Returns
    -------
    ndarray of float64, shape (bins,)
        I_c0 relative to its mean, rising: ``1 + sigma q((k + 1/2) / V)`` with the quantile function q of the normal
        distribution. V = 1 is the mean device.
    """
    normal = NormalDist()
    return np.array([1 + sigma * normal.inv_cdf((k + 0.5) / bins) for k in range(bins)])


def cycles(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Critical currents of one device from pulse to pulse, for taking an expectation.

    Every pulse has its own critical current, independent of all others, so a pulse switches with the expectation of
    the probability over the distribution: nothing is lost by folding it into one number.

    Parameters
    ----------
    sigma : float
        Relative standard deviation, 0 .. `LARGEST`.

    Returns
    -------
    values : ndarray of float64, shape (n,)
        I_c0 relative to the device's mean.
    weights : ndarray of float64, shape (n,)
        Their probabilities, sum 1: Gauss-Legendre nodes of a normal distribution cut off at `CUT` sigma; one node
        without variation.
    """
    if sigma == 0:
        return np.ones(1), np.ones(1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    weights = weights * np.exp(-((CUT * nodes) ** 2) / 2)
    return 1 + sigma * CUT * nodes, weights / weights.sum()
