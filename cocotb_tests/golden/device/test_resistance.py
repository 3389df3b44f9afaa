"""Resistance against alignment and voltage."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from golden.device.junction import JUNCTIONS
from golden.device.resistance import resistance, tunnel_magnetoresistance

BASELINE = JUNCTIONS["perpendicular_50nm"]


def test_baseline() -> None:
    """257 %, 6 kohm and 21.4 kohm."""
    assert float(tunnel_magnetoresistance(BASELINE)) == pytest.approx(2.57, abs=5e-3)
    parallel, antiparallel = resistance(BASELINE, [1, -1])
    assert parallel == 6000
    assert antiparallel == pytest.approx(21.4e3, abs=50)


def test_definition() -> None:
    """TMR is the relative rise of resistance, given or Julliere's; the conductance is linear in the cosine."""
    for junction in (BASELINE, replace(BASELINE, tmr=1.2)):
        for voltage in (0.0, 0.2, -0.7):
            parallel, antiparallel = resistance(junction, [1, -1], voltage)
            assert (antiparallel - parallel) / parallel == pytest.approx(
                float(tunnel_magnetoresistance(junction, voltage))
            )
            cosines = np.linspace(-1, 1, 9)
            conductance = 1 / resistance(junction, cosines, voltage)
            assert np.diff(conductance, 2) == pytest.approx(0, abs=1e-18)
            assert conductance[4] == pytest.approx((1 / parallel + 1 / antiparallel) / 2)


def test_roll_off() -> None:
    """V_h halves the TMR, either sign; the parallel resistance does not roll off."""
    full = float(tunnel_magnetoresistance(BASELINE))
    assert tunnel_magnetoresistance(BASELINE, [0.5, -0.5, 1.5]) == pytest.approx([full / 2, full / 2, full / 10])
    assert (resistance(BASELINE, 1, [0, 0.5, 1]) == 6000).all()


@pytest.mark.parametrize("cosine", [1.01, -2.0, math.nan])
def test_refused(cosine: float) -> None:
    """A cosine is a cosine."""
    with pytest.raises(ValueError, match=f"^{re.escape('the cosine between the layers must be -1 .. 1, not')}"):
        resistance(BASELINE, [0.0, cosine])
