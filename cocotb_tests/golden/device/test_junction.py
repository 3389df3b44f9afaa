"""Derived quantities of a junction: worked values, consistency between them and over temperature, refusals."""

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.device.constants import BOLTZMANN, ELEMENTARY_CHARGE, HBAR, MU0
from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS, TO_ANTIPARALLEL, TO_PARALLEL, Junction, thermal_angle

BASELINE = JUNCTIONS["perpendicular_50nm"]
IN_PLANE = JUNCTIONS["in_plane_100nm"]
BOTH = pytest.mark.parametrize("junction", [BASELINE, IN_PLANE], ids=["perpendicular", "in_plane"])
GAMMA = 1.76e11


def test_baseline() -> None:
    """The worked values of the baseline set at 300 K, each within the half digit in which it is given."""
    assert pytest.approx(248e-3, abs=0.5e-3) == MU0 * BASELINE.field(300)
    assert pytest.approx(70.4, abs=0.05) == BASELINE.stability(300)
    assert pytest.approx(0.0842, abs=5e-5) == thermal_angle(BASELINE.stability(300))
    assert pytest.approx(2.29e-9, abs=5e-12) == BASELINE.time_constant(300)
    for direction in (TO_ANTIPARALLEL, TO_PARALLEL):
        assert pytest.approx(23.6e-6, abs=5e-8) == BASELINE.critical_current(direction, 300)


def test_the_constants_of_the_geometries_differ() -> None:
    """On the baseline's layer the in-plane constant would be three times too short."""
    limit = 2 / (BASELINE.damping * GAMMA * MU0 * BASELINE.magnetisation)
    assert limit == pytest.approx(0.75e-9, abs=5e-12)
    assert BASELINE.time_constant(300) / limit > 3
    flat = replace(IN_PLANE, magnetisation=BASELINE.magnetisation, demagnetisation=1e-6)
    assert flat.time_constant(300) == pytest.approx(limit * (1 + flat.damping**2), rel=1e-5)


@BOTH
@pytest.mark.parametrize("temperature", [4.0, 250.0, 300.0, 400.0])
def test_quantities_agree(junction: Junction, temperature: float) -> None:
    """Energies and currents by another way than the code's."""
    hot = replace(junction, bloch=2e-5, anisotropy_power=2.2)
    for layer in (junction, hot):
        ratio = (1 - layer.bloch * temperature**1.5) / (1 - layer.bloch * 300**1.5)
        saturation = layer.magnetisation * ratio
        assert layer.saturation(temperature) == pytest.approx(saturation, rel=1e-12)
        volume = math.pi * (layer.length / 2) * (layer.width / 2) * layer.thickness
        shape = MU0 * layer.demagnetisation * saturation**2 / 2
        if layer.geometry == "perpendicular":
            interface = layer.anisotropy * ratio**layer.anisotropy_power / layer.thickness
            density, threshold = interface - shape, 0.0
        else:
            density, threshold = shape, MU0 * saturation / 2
        barrier = density * volume
        assert layer.stability(temperature) == pytest.approx(barrier / (BOLTZMANN * temperature), rel=1e-9)
        tesla = 2 * density / saturation + threshold
        assert layer.time_constant(temperature) == pytest.approx(
            (1 + layer.damping**2) / (layer.damping * GAMMA * tesla), rel=1e-9
        )
        # the critical current transfers as much angular momentum as damping takes at the threshold
        current = 2 * layer.damping * ELEMENTARY_CHARGE / HBAR * saturation * volume * tesla / layer.polarisation
        assert layer.critical_current(TO_ANTIPARALLEL, temperature) == pytest.approx(current, rel=1e-9)
        if layer.geometry == "perpendicular":
            product = 4 * layer.damping * ELEMENTARY_CHARGE * barrier / (layer.polarisation * HBAR)
            assert current == pytest.approx(product, rel=1e-9)


@BOTH
def test_temperature(junction: Junction) -> None:
    """Without a material law, Delta falls as 1 / T and all else stays; with one, all of it softens together."""
    for temperature in (200.0, 350.0):
        assert junction.stability(temperature) * temperature == pytest.approx(junction.stability(300) * 300)
        assert junction.critical_current(TO_PARALLEL, temperature) == junction.critical_current(TO_PARALLEL, 300)
        assert junction.time_constant(temperature) == junction.time_constant(300)
    soft = replace(junction, bloch=2e-5, anisotropy_power=3.0)
    temperatures = np.linspace(250, 400, 16)
    for quantity, rising in (
        (soft.saturation, False),
        (soft.stability, False),
        (lambda t: thermal_angle(soft.stability(t)), True),
        (lambda t: soft.critical_current(TO_PARALLEL, t), False),
        (soft.time_constant, True),
    ):
        values = np.array([quantity(float(t)) for t in temperatures])
        assert (np.diff(values) > 0).all() == rising
        assert (np.diff(values) < 0).all() != rising
    assert soft.stability(300) == junction.stability(300)


def test_asymmetry() -> None:
    """At Lambda the torque towards parallel is Lambda^2 times the other: the currents differ by as much."""
    uneven = replace(BASELINE, asymmetry=1.3)
    ratio = uneven.critical_current(TO_ANTIPARALLEL, 300) / uneven.critical_current(TO_PARALLEL, 300)
    assert ratio == pytest.approx(1.69)
    assert uneven.critical_current(TO_ANTIPARALLEL, 300) == BASELINE.critical_current(TO_ANTIPARALLEL, 300)


@pytest.mark.parametrize(
    ("junction", "fields", "message"),
    [
        (BASELINE, {"geometry": "tilted"}, "junction.geometry must be 'perpendicular' or 'in_plane', not 'tilted'"),
        (BASELINE, {"length": 0.0}, "junction.length must be > 0 and finite, not 0.0 m"),
        (BASELINE, {"damping": -0.01}, "junction.damping must be > 0 and finite, not -0.01"),
        (BASELINE, {"magnetisation": math.nan}, "junction.magnetisation must be > 0 and finite, not nan A/m"),
        (BASELINE, {"polarisation": 1.0}, "junction.polarisation must be above 0 and below 1, not 1.0"),
        (BASELINE, {"demagnetisation": 1.1}, "junction.demagnetisation must be above 0, at most 1, not 1.1"),
        (BASELINE, {"tmr": -1.0}, "junction.tmr must be > 0 and finite, not -1.0"),
        (BASELINE, {"bloch": -1e-5}, "junction.bloch must be >= 0 and finite, not -1e-05"),
        (
            BASELINE,
            {"bloch": 1e-3},
            "a junction with bloch = 0.001 has no magnetisation left at 300.0 K: lower bloch or temperature",
        ),
        (
            BASELINE,
            {"geometry": "in_plane"},
            "junction.anisotropy belongs to a perpendicular junction, not to an in_plane one: leave it out, not "
            "0.001 J/m^2",
        ),
        (
            IN_PLANE,
            {"geometry": "perpendicular"},
            "junction.anisotropy = 0.0 J/m^2 does not hold the easy axis out of the plane at 300.0 K: a perpendicular "
            "junction of this layer needs more than 6.28e-05 J/m^2",
        ),
    ],
)
def test_refused_junctions(junction: Junction, fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value; parameters of the other geometry are refused."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(junction, **fields)


@pytest.mark.parametrize("temperature", [0.0, -3.0, math.nan, math.inf])
@pytest.mark.parametrize("device", [BASELINE, IN_PLANE, Fitted("in_plane", 1e-5, 1e-5, 60.0)])
def test_refused_temperatures(device: Junction | Fitted, temperature: float) -> None:
    """A temperature is positive."""
    with pytest.raises(ValueError, match=f"^temperature must be > 0 K and finite, not {temperature}$"):
        device.stability(temperature)


def test_fitted() -> None:
    """A fitted device gives back what was measured; its stability alone follows the temperature."""
    device = Fitted("perpendicular", 20e-6, 30e-6, 60.0, 2e-9, measured_temperature=290.0)
    assert device.stability(290) == 60
    assert device.stability(580) == 30
    for temperature in (290, 350):
        assert device.critical_current(TO_ANTIPARALLEL, temperature) == 20e-6
        assert device.critical_current(TO_PARALLEL, temperature) == 30e-6
        assert device.time_constant(temperature) == 2e-9
    for fields, message in (
        ({"geometry": "flat"}, "fitted.geometry must be 'perpendicular' or 'in_plane', not 'flat'"),
        ({"delta": 0.0}, "fitted.delta must be > 0 and finite, not 0.0"),
        ({"precession": math.inf}, "fitted.precession must be > 0 and finite, not inf"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            replace(device, **fields)
