"""Devices in use: variation between devices and between pulses, and what cannot be used."""

import math
import re
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from golden.device import variation
from golden.device.junction import JUNCTIONS, TO_PARALLEL
from golden.device.operation import Operation
from golden.device.switching import MODELS, erf
from sim.device.binomial import interval

BASELINE = JUNCTIONS["perpendicular_50nm"]
USE = Operation("erf", BASELINE, 40e-6, 50e-6)


@pytest.mark.parametrize("model", MODELS)
def test_probability(model: str) -> None:
    """Current, direction and temperature reach the model."""
    junction = replace(BASELINE, asymmetry=1.1)
    above = MODELS[model].above
    overdrives = (2.0, 2.2) if above else (0.9, 0.92)
    currents = [i * junction.critical_current(d, 330) for d, i in enumerate(overdrives)]
    use = Operation(model, junction, currents[0], currents[1], 330.0)
    widths = np.array([3e-9, 8e-9, 15e-9]) * (1 if above else 50)
    for direction, overdrive in enumerate(overdrives):
        constant = junction.time_constant(330) if above else 1e-9
        expected = MODELS[model].probability(widths, overdrive, junction.stability(330), constant)
        assert 0.1 < expected.max() < 1
        assert use.probability(widths, direction) == pytest.approx(expected[None, :], rel=1e-9)


def test_kinds_of_devices() -> None:
    """Quantile midpoints: as many below as above, equally likely, of the standard deviation asked for."""
    assert variation.devices(1, 0.2).tolist() == [1.0]
    for bins in (2, 16, 64):
        found = variation.devices(bins, 0.05)
        assert found + found[::-1] == pytest.approx(2)
        assert [NormalDist(1, 0.05).cdf(float(x)) for x in found] == pytest.approx(
            [(k + 0.5) / bins for k in range(bins)]
        )
    # what the midpoints leave out of the distribution's tails shrinks with their number; two are the quartiles
    assert variation.devices(2, 0.05).std() / 0.05 == pytest.approx(0.6745, abs=5e-5)
    assert 0.92 < variation.devices(8, 0.05).std() / 0.05 < variation.devices(64, 0.05).std() / 0.05 < 1


def test_kinds_have_their_own_probabilities() -> None:
    """A device with a larger critical current switches less; each device bin is the model at its own overdrive."""
    use = replace(USE, variation_bins=8, variation=0.05)
    found = use.probability([7e-9], TO_PARALLEL)
    assert found.shape == (8, 1)
    assert (np.diff(found[:, 0]) < 0).all()
    for device_bin, factor in enumerate(variation.devices(8, 0.05)):
        overdrive = 50e-6 / (BASELINE.critical_current(TO_PARALLEL, 300) * factor)
        alone = erf(7e-9, overdrive, BASELINE.stability(300), BASELINE.time_constant(300))
        assert found[device_bin, 0] == pytest.approx(float(alone), rel=1e-12)


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_cycle_spread_is_an_expectation(sigma: float) -> None:
    """Pulses with a critical current each: the share that switches is the one number that the table has."""
    rng, trials = np.random.default_rng(11), 200_000
    use = replace(USE, cycle_variation=sigma)
    widths = np.linspace(4e-9, 14e-9, 6)
    for width, expected in zip(widths, use.probability(widths, TO_PARALLEL)[0], strict=True):
        critical = BASELINE.critical_current(TO_PARALLEL, 300) * (1 + sigma * rng.normal(size=trials))
        each = erf(width, 50e-6 / critical, BASELINE.stability(300), BASELINE.time_constant(300))
        switched = int((rng.random(trials) < each).sum())
        low, high = interval(switched, trials, 1e-6 / 12)
        assert low <= expected <= high
    values, weights = variation.cycles(sigma)
    assert weights.sum() == pytest.approx(1)
    assert weights @ values == pytest.approx(1)
    # cut off at four standard deviations
    assert math.sqrt(weights @ (values - 1) ** 2) == pytest.approx(sigma, rel=1e-3)
    assert values.min() > 1 - 4 * sigma


@pytest.mark.parametrize("model", MODELS)
def test_proposed_pulses(model: str) -> None:
    """The longest pulse is just long enough for the slowest device bin, the step fine enough for a table."""
    factor = 2.0 if MODELS[model].above else 0.8
    use = Operation(model, BASELINE, factor * 24e-6, factor * 26e-6, variation_bins=4, variation=0.02)
    step, longest = use.pulses(0.99)
    assert 500 <= longest / step <= 5001
    assert longest / step == pytest.approx(round(longest / step), abs=1e-6)
    slowest = [min(float(use.probability([width], d).min()) for d in (0, 1)) for width in (longest, longest / 1.2)]
    assert slowest[0] >= 0.99 > slowest[1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"model": "linear"},
            "switching.model must be one of erf, rayleigh, fokker_planck, macrospin, neel_brown, not 'linear'",
        ),
        (
            {"model": "fokker_planck", "device": JUNCTIONS["in_plane_100nm"]},
            "switching.model 'fokker_planck' holds for perpendicular devices only, and this one is in_plane: use erf "
            "or neel_brown",
        ),
        ({"variation_bins": 0}, "switching.variation_bins must be >= 1, not 0"),
        ({"variation": 0.3}, "switching.variation must be 0 .. 0.2, not 0.3"),
        ({"cycle_variation": -0.1}, "switching.cycle_variation must be 0 .. 0.2, not -0.1"),
        ({"current_to_parallel": 0.0}, "switching.current_to_parallel must be > 0 A and finite, not 0.0"),
        (
            {"current_to_antiparallel": 20e-6},
            "switching.current_to_antiparallel must be above the critical current of every device, 2.364e-05 A with "
            "the variation asked for, for model 'erf', not 2.000e-05 A",
        ),
        (
            {"cycle_variation": 0.2},
            "switching.current_to_antiparallel must be above the critical current of every device, 4.251e-05 A with "
            "the variation asked for, for model 'erf', not 4.000e-05 A",
        ),
        (
            {"model": "neel_brown"},
            "switching.current_to_antiparallel must be below the critical current of every device, 2.364e-05 A with "
            "the variation asked for, for model 'neel_brown', not 4.000e-05 A",
        ),
    ],
)
def test_refused(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(USE, **fields)
