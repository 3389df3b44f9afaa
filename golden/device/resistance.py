"""Resistance of a junction against the angle between its layers and the voltage across it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from golden.device.junction import Junction


def tunnel_magnetoresistance(junction: Junction, voltage: ArrayLike = 0.0) -> NDArray[np.float64]:
    """TMR = (R_ap - R_p) / R_p at a voltage: ``TMR_0 / (1 + (V / V_h)^2)``.

    Parameters
    ----------
    junction : Junction
        Its `tmr`, or Julliere's ``2 P^2 / (1 - P^2)`` from its polarisation, is TMR_0; `bias_half` is V_h.
    voltage : array_like
        V, either sign.

    Returns
    -------
    ndarray of float64
        TMR, > 0, of the shape of `voltage`.

    References
    ----------
    Julliere, Phys. Lett. A 54, 225 (1975), as Arm's mram_simulation_framework uses it; the roll-off is the customary
    empirical one.
    """
    square = junction.polarisation**2
    at_no_bias = 2 * square / (1 - square) if junction.tmr is None else junction.tmr
    return at_no_bias / (1 + (np.asarray(voltage, np.float64) / junction.bias_half) ** 2)


def resistance(junction: Junction, alignment: ArrayLike, voltage: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Resistance ``R_p (1 + r) / (1 + r m)`` with ``r = TMR / (TMR + 2)``.

    The conductance is linear in the cosine; R_p does not change with the voltage.

    Parameters
    ----------
    junction : Junction
        The junction.
    alignment : array_like
        Cosine m of the angle between the layers, +1 parallel, -1 antiparallel.
    voltage : array_like
        V, broadcast against `alignment`.

    Returns
    -------
    ndarray of float64
        Ohm.

    Raises
    ------
    ValueError
        If a cosine is outside -1 .. 1.

    References
    ----------
    Verilog-A model of Arm's mram_simulation_framework, whose m has the opposite sign.
    """
    m = np.asarray(alignment, np.float64)
    if m.size and not (m.min() >= -1 and m.max() <= 1):
        raise ValueError(f"the cosine between the layers must be -1 .. 1, not {m.min()} .. {m.max()}")
    tmr = tunnel_magnetoresistance(junction, voltage)
    ratio = tmr / (tmr + 2)
    return junction.resistance * (1 + ratio) / (1 + ratio * m)
