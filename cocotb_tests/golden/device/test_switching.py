"""The switching models: worked values, each other's limits, and Monte-Carlo over the initial angle."""

import math
import re
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from golden.device.junction import JUNCTIONS, thermal_angle
from golden.device.switching import MODELS, erf, escape_angle, fokker_planck, macrospin, neel_brown, rayleigh
from sim.device.binomial import interval

BASELINE = JUNCTIONS["perpendicular_50nm"]
DELTA, CONSTANT = BASELINE.stability(300), BASELINE.time_constant(300)
ABOVE = [name for name, model in MODELS.items() if model.above]


@pytest.mark.parametrize(
    ("overdrive", "nanoseconds", "expected"),
    [
        (1.5, 10, (0.035, 0.108, 0.473)),
        (1.5, 15, (0.478, 0.778, 0.919)),
        (1.5, 20, (0.811, 0.972, 0.991)),
        (2, 5, (0.035, 0.108, 0.327)),
        (2, 8, (0.568, 0.850, 0.922)),
        (2, 10, (0.811, 0.972, 0.986)),
    ],
)
def test_worked_values(overdrive: float, nanoseconds: float, expected: tuple[float, ...]) -> None:
    """Probabilities of the baseline device, in the three digits in which they are given."""
    for model, value in zip((erf, rayleigh, fokker_planck), expected, strict=True):
        assert float(model(nanoseconds * 1e-9, overdrive, DELTA, CONSTANT)) == pytest.approx(value, abs=5.5e-4)


def test_sensitivity() -> None:
    """How 7.62 ns at i = 2 answer to another critical current or temperature: the worked values of the erf model.

    They were worked out with rounded constants, so the last digit may differ by one.
    """
    for error, value in ((-0.1, 0.747), (-0.05, 0.634), (0.05, 0.355), (0.1, 0.217)):
        assert float(erf(7.62e-9, 2 / (1 + error), DELTA, CONSTANT)) == pytest.approx(value, abs=1.5e-3)
    for temperature, value in ((250, 0.460), (350, 0.532), (400, 0.559)):
        found = erf(7.62e-9, 2, BASELINE.stability(temperature), BASELINE.time_constant(temperature))
        assert float(found) == pytest.approx(value, abs=1.5e-3)


def _escapes(width: float, overdrive: float, theta_0: float) -> float:
    """Probability that a normal initial angle is beyond the one that takes exactly `width` to precess out."""
    angle = math.pi / 2 * math.exp(-width * (overdrive - 1) / CONSTANT)
    return 2 * NormalDist(0, theta_0).cdf(-angle)


def test_erf_is_a_tail_of_the_normal_distribution() -> None:
    """For arrays of any shape, by another way."""
    rng = np.random.default_rng(1)
    widths, overdrives = rng.uniform(0, 40e-9, (7, 5)), rng.uniform(1.05, 4, 5)
    found = erf(widths, overdrives, DELTA, CONSTANT)
    assert found.shape == (7, 5)
    for row, column in np.ndindex(7, 5):
        expected = _escapes(float(widths[row, column]), float(overdrives[column]), thermal_angle(DELTA))
        assert found[row, column] == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_rises_from_nothing_to_certainty(name: str) -> None:
    """With the width, with the current, with the temperature."""
    model = MODELS[name]
    constant, overdrive, longest = (CONSTANT, 1.7, 2e-7) if model.above else (1e-9, 0.9, 1e-4)
    widths = np.linspace(0, longest, 4001)
    found = model.probability(widths, overdrive, DELTA, constant)
    assert found.shape == widths.shape
    assert found[0] <= 1e-30
    assert found[-1] == pytest.approx(1, abs=1e-9)
    assert (np.diff(found) >= 0).all()
    middle = widths[(found > 0.01) & (found < 0.99)]
    assert len(middle) > 3
    before = model.probability(middle, overdrive, DELTA, constant)
    assert (model.probability(middle, overdrive + 0.05, DELTA, constant) > before).all()
    assert (model.probability(middle, overdrive, DELTA * 0.9, constant) > before).all()
    assert (model.probability(middle, overdrive, DELTA, constant * 0.9) > before).all()


@pytest.mark.parametrize("overdrive", [1.2, 2.0, 5.0])
def test_rayleigh_and_erf(overdrive: float) -> None:
    """Both are tails of one distribution of angles, |x| > a and r > a: asymptotes in a, certain at a = 0.

    erfc(a / sqrt 2) -> sqrt(2 / pi) exp(-a^2 / 2) / a for many spreads a, 1 - sqrt(2 / pi) a for few.
    """
    theta_0 = thermal_angle(DELTA)

    def width(a: float) -> float:
        return CONSTANT / (overdrive - 1) * math.log(math.pi / (2 * theta_0 * a))

    for a in (0.01, 0.1, 1.0, 5.0, 12.0):
        one, two = (float(model(width(a), overdrive, DELTA, CONSTANT)) for model in (erf, rayleigh))
        assert two == pytest.approx(math.exp(-(a**2) / 2), rel=1e-9)
        assert one < two
        if a <= 0.1:
            assert 1 - one == pytest.approx(math.sqrt(2 / math.pi) * a, rel=a**2)
            assert 1 - two == pytest.approx(a**2 / 2, rel=a**2)
        if a >= 5:
            assert one / two == pytest.approx(math.sqrt(2 / math.pi) / a, rel=1.1 / a**2)


def test_fokker_planck_and_rayleigh() -> None:
    """Noise during the pulse adds nothing at t = 0 nor for i -> infinity, and i / (i - 1) to the angle^2 for long t."""
    assert float(fokker_planck(0, 1.5, DELTA, CONSTANT)) == pytest.approx(
        float(rayleigh(0, 1.5, DELTA, CONSTANT)), rel=1e-9
    )
    growth = np.linspace(0, 8, 50)
    for overdrive in (1e3, 1e6):
        widths = growth * CONSTANT / (overdrive - 1)
        found, limit = (np.log(f(widths, overdrive, DELTA, CONSTANT)) for f in (fokker_planck, rayleigh))
        assert found == pytest.approx(limit, rel=2 / overdrive)
    for overdrive in (1.1, 1.5, 3.0):
        long = 8 * CONSTANT / (overdrive - 1)
        found, limit = (math.log(float(f(long, overdrive, DELTA, CONSTANT))) for f in (fokker_planck, rayleigh))
        assert limit / found == pytest.approx(overdrive / (overdrive - 1), rel=1e-6)


def test_fokker_planck_at_the_critical_current() -> None:
    """For i -> 1 noise alone spreads the angle: P = exp(-(pi^2 / 4) Delta / (1 + 2 t / C))."""
    times = np.array([1.0, 30.0, 300.0])
    found = fokker_planck(times * CONSTANT, 1 + 1e-9, DELTA, CONSTANT)
    assert np.log(found) == pytest.approx(-(math.pi**2) / 4 * DELTA / (1 + 2 * times), rel=1e-5)


@pytest.mark.parametrize("overdrive", [1.2, 1.5, 2.0, 10.0])
def test_macrospin_is_the_way_to_the_equator(overdrive: float) -> None:
    """The time from a small angle to pi / 2, integrated numerically, is that of linear growth to theta_e."""
    small = 1e-4
    time, _ = quad(
        lambda log: 1 / ((overdrive - math.cos(math.exp(log))) * math.sin(math.exp(log)) / math.exp(log)),
        math.log(small),
        math.log(math.pi / 2),
        epsabs=1e-12,
        limit=200,
    )
    assert small * math.exp(time * (overdrive - 1)) == pytest.approx(float(escape_angle(overdrive)), rel=1e-5)
    found, linear = (
        math.log(float(model(12e-9 / overdrive, overdrive, DELTA, CONSTANT))) for model in (macrospin, fokker_planck)
    )
    assert found / linear == pytest.approx((float(escape_angle(overdrive)) / (math.pi / 2)) ** 2, rel=1e-9)


def test_macrospin_limits() -> None:
    """For i -> infinity the motion is that of tan(theta / 2), whose theta_e is 2; at i = 1 the torque vanishes."""
    assert float(escape_angle(1e9)) == pytest.approx(2, rel=1e-6)
    assert float(escape_angle(1 + 1e-12)) < 1e-5


def test_neel_brown_limits() -> None:
    """Without current the rate is Arrhenius'; at the critical current tau is tau_0; short pulses are linear."""
    assert float(neel_brown(1e-9 * math.exp(40), 0, 40, 1e-9)) == pytest.approx(1 - math.exp(-1), rel=1e-9)
    assert float(neel_brown(1e-9, 1 - 1e-12, 40, 1e-9)) == pytest.approx(1 - math.exp(-1), rel=1e-9)
    assert float(neel_brown(1e-6, 0.5, 70, 1e-9)) == pytest.approx(1e3 * math.exp(-35), rel=1e-6)
    # the models do not meet at i = 1, where neither holds: activation is certain in 20 ns, the others hardly begin
    assert float(neel_brown(20e-9, 0.9999, DELTA, 1e-9)) > 0.999
    for model in (erf, rayleigh, fokker_planck):
        assert float(model(20e-9, 1.0001, DELTA, CONSTANT)) < 0.001
    with pytest.raises(ValueError, match=r"^macrospin switching needs Delta theta_e\^2 >= 13.8, not 5\.86 as with"):
        macrospin(20e-9, [2.0, 1.04], DELTA, CONSTANT)


def _one_dimension(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.abs(rng.normal(0, thermal_angle(DELTA), n))


def _two_dimensions(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.hypot(*rng.normal(0, thermal_angle(DELTA), (2, n)))


@pytest.mark.parametrize(("model", "draw"), [(erf, _one_dimension), (rayleigh, _two_dimensions)])
def test_monte_carlo(model: Callable[..., Any], draw: Callable[..., Any]) -> None:
    """Random initial angles, each with its switching time: the count is within an exact interval at every point.

    All points together miss with a probability of at most 1e-6.
    """
    rng, trials = np.random.default_rng(7), 400_000
    points = [(overdrive, k) for overdrive in (1.2, 1.5, 2.0, 4.0) for k in np.linspace(2.0, 5.5, 12)]
    for overdrive, growth in points:
        width = growth * CONSTANT / (overdrive - 1)
        needed = CONSTANT / (overdrive - 1) * np.log(math.pi / (2 * draw(rng, trials)))
        low, high = interval(int((needed <= width).sum()), trials, 1e-6 / len(points))
        assert low <= float(model(width, overdrive, DELTA, CONSTANT)) <= high, (overdrive, width)


@pytest.mark.parametrize("name", ABOVE)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1e-9, 1.0, 70.0, 1e-9), "overdrive must be > 1 for precessional switching, not 1.0"),
        ((1e-9, [2.0, math.nan], 70.0, 1e-9), "overdrive must be > 1 for precessional switching, not nan"),
        ((1e-9, 2.0, 0.0, 1e-9), "stability and time constant must be > 0 and finite, not 0.0 and 1e-09"),
        ((1e-9, 2.0, 70.0, math.inf), "stability and time constant must be > 0 and finite, not 70.0 and inf"),
        (([1e-9, -1e-9], 2.0, 70.0, 1e-9), "pulse width must be >= 0 s, not -1e-09"),
    ],
)
def test_refused_above(name: str, arguments: tuple[Any, ...], message: str) -> None:
    """Values outside a model's range are named."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MODELS[name].probability(*arguments)


@pytest.mark.parametrize("overdrive", [1.0, -0.1, math.nan])
def test_refused_below(overdrive: float) -> None:
    """Thermal activation needs a barrier."""
    with pytest.raises(ValueError, match="overdrive must be 0 <= i < 1 for thermal activation"):
        neel_brown(1e-9, overdrive, 70, 1e-9)
