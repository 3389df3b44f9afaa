"""Switching thresholds and pulse codes against the formulas they stand for."""

import math
import re
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from golden.device.switching import probability_erf
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL, PulseParameters, SwitchingParameters

#: The baseline device of PHYSICS.md: spread of the initial angle (rad) and time constant (s).
THETA_0, TIME_CONSTANT = 0.0842, 2.29e-9


def _escapes(width: float, overdrive: float, theta_0: float, time_constant: float) -> float:
    """Probability that a normal initial angle is beyond the one that takes exactly `width` to precess out."""
    angle = math.pi / 2 * math.exp(-width * (overdrive - 1) / time_constant)
    return 2 * NormalDist(0, theta_0).cdf(-angle)


@pytest.mark.parametrize(
    ("overdrive", "nanoseconds", "probability"),
    [(1.5, 10, 0.035), (1.5, 15, 0.478), (1.5, 20, 0.811), (2, 5, 0.035), (2, 8, 0.568), (2, 10, 0.811)],
)
def test_worked_values(overdrive: float, nanoseconds: float, probability: float) -> None:
    """The erf form gives the worked values of the baseline device.

    The device's constants are given in three digits, and the probability falls with both: the last half digit of each
    brackets it, and brackets narrowly.
    """
    width = nanoseconds * 1e-9
    middle = probability_erf(width, overdrive, THETA_0, TIME_CONSTANT)
    assert middle.shape == ()
    least = float(probability_erf(width, overdrive, THETA_0 + 5e-5, TIME_CONSTANT + 5e-12))
    most = float(probability_erf(width, overdrive, THETA_0 - 5e-5, TIME_CONSTANT - 5e-12))
    # the angle's spread helps a pulse, unlike the time constant
    least = min(least, float(probability_erf(width, overdrive, THETA_0 - 5e-5, TIME_CONSTANT + 5e-12)))
    most = max(most, float(probability_erf(width, overdrive, THETA_0 + 5e-5, TIME_CONSTANT - 5e-12)))
    assert least - 5e-4 <= probability <= most + 5e-4
    assert least < float(middle) < most
    assert most - least < 8e-3


def test_erf_form() -> None:
    """The erf form is the normal distribution's tail, for arrays of any shape; it rises with width and overdrive."""
    rng = np.random.default_rng(1)
    widths = rng.uniform(0, 40e-9, (7, 5))
    for _ in range(10):
        overdrive, theta_0, time_constant = rng.uniform(1.05, 4), rng.uniform(0.03, 0.2), rng.uniform(0.5e-9, 5e-9)
        found = probability_erf(widths, overdrive, theta_0, time_constant)
        assert found.shape == widths.shape
        for index in np.ndindex(*widths.shape):
            expected = _escapes(float(widths[index]), overdrive, theta_0, time_constant)
            assert found[index] == pytest.approx(expected, rel=1e-9, abs=1e-14)
        ordered = probability_erf(np.linspace(0, 40e-9, 200), overdrive, theta_0, time_constant)
        assert (np.diff(ordered) >= 0).all()
        assert (probability_erf(widths, overdrive + 0.1, theta_0, time_constant) >= found).all()
    # an angle of pi / 2 is many spreads away: a pulse of no width never switches; one of no end always does
    assert float(probability_erf(0, 2, THETA_0, TIME_CONSTANT)) < 1e-70
    assert float(probability_erf(1e-6, 2, THETA_0, TIME_CONSTANT)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1e-9, 1.0, 0.1, 1e-9), "overdrive must be > 1 for precessional switching, not 1.0"),
        ((1e-9, 2.0, 0.0, 1e-9), "theta_0 and time_constant must be > 0, not 0.0 and 1e-09"),
        ((1e-9, 2.0, 0.1, 0.0), "theta_0 and time_constant must be > 0, not 0.1 and 0.0"),
        (([1e-9, -1e-9], 2.0, 0.1, 1e-9), "pulse width must be >= 0 s, not -1e-09"),
    ],
)
def test_erf_form_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    """Values outside the form's range are named."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        probability_erf(*arguments)


@pytest.mark.parametrize("threshold_bits", [4, 9, 16])
@pytest.mark.parametrize("code_bits", [1, 2, 5, 6])
@pytest.mark.parametrize("slope", [0.5, 1.5, 3.0])
def test_ideal_thresholds(slope: float, code_bits: int, threshold_bits: int) -> None:
    """The ideal form is tanh(m k / codes) in steps of the random word; code 0 never, the last code always switches."""
    switching = SwitchingParameters("ideal", code_bits, threshold_bits, slope)
    codes, full = 2**code_bits, 2**threshold_bits
    assert switching.codes == codes
    between = [max(1, round(math.tanh(slope * code / codes) * full)) for code in range(1, codes - 1)]
    expected = [0, *between, full]
    assert switching.thresholds.tolist() == [expected, expected]
    assert (switching.probabilities == np.array([expected, expected]) / full).all()


@pytest.mark.parametrize("threshold_bits", [4, 16])
@pytest.mark.parametrize("code_bits", [1, 2, 3, 6])
def test_erf_thresholds(code_bits: int, threshold_bits: int) -> None:
    """Codes 1 and following are evenly spaced widths; the two directions have their own currents."""
    switching = SwitchingParameters(
        "erf",
        code_bits,
        threshold_bits,
        overdrive_to_antiparallel=1.7,
        overdrive_to_parallel=2.2,
        width_min=5e-9,
        width_max=15e-9,
    )
    full, last = 2**threshold_bits, 2**code_bits - 1
    for direction, overdrive in ((TO_ANTIPARALLEL, 1.7), (TO_PARALLEL, 2.2)):
        expected = [0]
        for code in range(1, last + 1):
            width = 5e-9 + (code - 1) * 10e-9 / (last - 1) if last > 1 else 5e-9
            expected.append(min(max(round(_escapes(width, overdrive, THETA_0, TIME_CONSTANT) * full), 1), full))
        assert switching.thresholds[direction].tolist() == expected
    assert (switching.thresholds[TO_PARALLEL] >= switching.thresholds[TO_ANTIPARALLEL]).all()
    if code_bits > 1:
        assert switching.thresholds[TO_PARALLEL, -1] > switching.thresholds[TO_ANTIPARALLEL, -1]


@pytest.mark.parametrize("form", ["ideal", "erf"])
@pytest.mark.parametrize("code_bits", range(1, 7))
def test_thresholds_are_monotone(form: str, code_bits: int) -> None:
    """A longer pulse never switches less often; every pulse can switch; none exceeds certainty."""
    for threshold_bits in range(4, 17):
        thresholds = SwitchingParameters(form, code_bits, threshold_bits).thresholds.astype(int)
        assert (np.diff(thresholds, axis=1) >= 0).all()
        assert (thresholds[:, 0] == 0).all()
        assert (thresholds[:, 1:] >= 1).all()
        assert (thresholds <= 2**threshold_bits).all()


def _switchings() -> list[SwitchingParameters]:
    return [
        SwitchingParameters("ideal", 5, 16, 3.0),
        SwitchingParameters("ideal", 3, 8, 1.5),
        SwitchingParameters("ideal", 6, 4, 4.0),
        SwitchingParameters("erf", 5, 16),
        SwitchingParameters("erf", 2, 12, overdrive_to_antiparallel=1.6, overdrive_to_parallel=2.3),
    ]


@pytest.mark.parametrize("nu_bits", [1, 4, 5, 8])
@pytest.mark.parametrize("switching", _switchings(), ids=lambda s: f"{s.form}{s.code_bits}")
def test_pulse_table_takes_the_nearest_code(switching: SwitchingParameters, nu_bits: int) -> None:
    """Each index gets the lowest of the codes whose mean probability is nearest; the residual is the worst distance."""
    entries, full = 2**nu_bits, 2**switching.threshold_bits
    to_antiparallel, to_parallel = switching.thresholds.astype(int).tolist()
    for dead_zone in sorted({0, 1, entries // 3, entries}):
        pulse = PulseParameters(nu_bits, 2.5, dead_zone)
        codes = pulse.codes(switching)
        assert codes.dtype == np.uint8
        worst = 0.0
        for index in range(entries):
            psi = math.tanh(2.5 * index / entries) if index >= dead_zone else 0.0
            assert pulse.targets[index] == psi
            distances = [abs(psi - (a + b) / 2 / full) for a, b in zip(to_antiparallel, to_parallel, strict=True)]
            assert codes[index] == distances.index(min(distances)), index
            worst = max(worst, *(abs(psi - table[codes[index]] / full) for table in (to_antiparallel, to_parallel)))
        assert pulse.residual(switching) == pytest.approx(worst, abs=1e-15)
        assert not codes[:dead_zone].any()
        assert codes[0] == 0
        assert (np.diff(codes.astype(int)) >= 0).all()


def test_equal_slopes_give_the_index_itself() -> None:
    """With as many codes as table entries and one slope the table is the identity, but for the certain last code."""
    pulse, switching = PulseParameters(5, 3.0), SwitchingParameters("ideal", 5, 16, 3.0)
    assert pulse.codes(switching).tolist() == [*range(31), 30]
    last = math.tanh(3 * 31 / 32) - round(math.tanh(3 * 30 / 32) * 2**16) / 2**16
    assert pulse.residual(switching) == pytest.approx(last, abs=1e-12)


@pytest.mark.parametrize(
    ("block", "fields", "message"),
    [
        ("switching", {"form": "linear"}, "switching.form must be 'ideal' or 'erf', not 'linear'"),
        ("switching", {"code_bits": 0}, "switching.code_bits must be 1 .. 6, not 0"),
        ("switching", {"code_bits": 7}, "switching.code_bits must be 1 .. 6, not 7"),
        ("switching", {"threshold_bits": 3}, "switching.threshold_bits must be 4 .. 16, not 3"),
        ("switching", {"threshold_bits": 17}, "switching.threshold_bits must be 4 .. 16, not 17"),
        ("switching", {"slope": 0.0}, "switching.slope must be > 0 and finite, not 0.0"),
        ("switching", {"slope": math.nan}, "switching.slope must be > 0 and finite, not nan"),
        (
            "switching",
            {"width_min": 0.0},
            "switching.width_min and width_max must be 0 < min < max, not 0.0 and 2e-08 s",
        ),
        (
            "switching",
            {"width_min": 2e-9, "width_max": 2e-9},
            "switching.width_min and width_max must be 0 < min < max, not 2e-09 and 2e-09 s",
        ),
        ("pulse", {"nu_bits": 0}, "pulse.nu_bits must be 1 .. 8, not 0"),
        ("pulse", {"nu_bits": 9}, "pulse.nu_bits must be 1 .. 8, not 9"),
        ("pulse", {"slope": -1.0}, "pulse.slope must be > 0 and finite, not -1.0"),
        ("pulse", {"dead_zone": -1}, "pulse.dead_zone must be 0 .. 2^nu_bits = 32, not -1"),
        ("pulse", {"dead_zone": 33}, "pulse.dead_zone must be 0 .. 2^nu_bits = 32, not 33"),
    ],
)
def test_bad_parameters(block: str, fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    parameters = {"switching": SwitchingParameters, "pulse": PulseParameters}[block]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parameters(**fields)
