"""Closed forms against an independent solver of the stochastic equation of motion (package cmtj, where installed)."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golden.device.junction import JUNCTIONS, TO_ANTIPARALLEL, TO_PARALLEL
from golden.device.switching import MODELS
from sim.device import llg
from sim.device.binomial import interval

BASELINE = JUNCTIONS["perpendicular_50nm"]
#: A junction whose directions differ, at another temperature.
UNEVEN = replace(BASELINE, asymmetry=1.2, bloch=1e-5, anisotropy_power=2.0)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(llg.missing(BASELINE)), reason=llg.missing(BASELINE) or "runs"),
]


@pytest.mark.parametrize("direction", [TO_ANTIPARALLEL, TO_PARALLEL])
@pytest.mark.parametrize("temperature", [300.0, 380.0])
def test_growth(temperature: float, direction: int) -> None:
    """Without noise a small angle grows as exp((i - 1) t / C): field, critical currents and time constant in one.

    The solver's gyromagnetic ratio differs by 0.13 %.
    """
    hot = replace(
        UNEVEN,
        magnetisation=UNEVEN.saturation(temperature),
        anisotropy=UNEVEN.anisotropy * (UNEVEN.saturation(temperature) / UNEVEN.magnetisation) ** 2,
        bloch=0.0,
    )
    constant = UNEVEN.time_constant(temperature)
    for overdrive in (0.0, 0.5, 1.5, 2.0, 4.0):
        current = overdrive * UNEVEN.critical_current(direction, temperature)
        run = llg.solver(hot, current, 0.0, direction, 1e-3, 0.0, 1)
        path = llg.magnetisation(run, 2.1e-9, 1e-11, noise=False)
        angle = np.hypot(path[:, 1], path[:, 2])
        rate = math.log(angle[200] / angle[20]) / (path[200, 0] - path[20, 0])
        assert rate * constant == pytest.approx(overdrive - 1, rel=3e-3)


def test_equilibrium() -> None:
    """Noise alone keeps the spread of the angle: both transverse components together have the mean square 1 / Delta."""
    squares = []
    for seed in range(1, 81):
        path = llg.magnetisation(llg.solver(BASELINE, 0.0, 300.0, TO_ANTIPARALLEL, 0.08, 0.0, seed), 100e-9, 1e-10)
        squares.append((path[200:, 1] ** 2 + path[200:, 2] ** 2).mean())
    mean, error = np.mean(squares), np.std(squares) / math.sqrt(len(squares))
    assert abs(mean * BASELINE.stability(300) - 1) < 5 * error * BASELINE.stability(300)
    assert error * BASELINE.stability(300) < 0.03
    drawn = np.sin(llg.equilibrium_angles(BASELINE.stability(300), 400_000, np.random.default_rng(3))) ** 2
    assert drawn.mean() * BASELINE.stability(300) == pytest.approx(1, abs=0.015)


@pytest.mark.parametrize("overdrive", [1.5, 2.0, 3.0])
def test_switching(overdrive: float) -> None:
    """P_sw against width: `macrospin` is right within 0.05; the others are late, in this order.

    Every point counts with an exact interval, all of them together wrong with a probability of at most 1e-6.
    `macrospin` takes the initial angle to be small, which shows where few switch.
    """
    count, constant, delta = 3000, BASELINE.time_constant(300), BASELINE.stability(300)
    growth = np.array([1.9, 2.2, 2.6, 3.1, 3.7])
    widths = np.round(growth * constant / (overdrive - 1), 10)
    current = overdrive * BASELINE.critical_current(TO_PARALLEL, 300)
    counts = llg.switched(BASELINE, current, 300.0, TO_PARALLEL, widths, count, 9)
    values = {name: f.probability(widths, overdrive, delta, constant) for name, f in MODELS.items() if f.above}
    bounds = [interval(int(k), count, 1e-6 / 15) for k in counts]
    for at, (low, high) in enumerate(bounds):
        assert low - 0.05 <= values["macrospin"][at] <= high + 0.05
        assert values["erf"][at] < values["rayleigh"][at] < values["fokker_planck"][at] < values["macrospin"][at]
        # the models of a fixed initial angle are wrong, and not by chance
        assert values["erf"][at] < low
    # in the middle of the transition so is rayleigh, and where the current is low fokker_planck
    middle = int(np.abs(counts / count - 0.7).argmin())
    assert values["rayleigh"][middle] < bounds[middle][0]
    if overdrive <= 1.5:
        assert values["fokker_planck"][middle] < bounds[middle][0]
