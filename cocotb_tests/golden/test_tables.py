"""Switching thresholds and pulse codes against the formulas they stand for."""

import dataclasses
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS, Junction
from golden.device.operation import Operation
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL, PulseParameters, SwitchingParameters

#: A device in use, directions alike; the currents are twice the critical one.
DEVICE = {"device": "perpendicular_50nm", "current_to_antiparallel": 47.3e-6, "current_to_parallel": 47.3e-6}
#: A junction, a fit's outcome, and currents.
JUNCTION = JUNCTIONS["perpendicular_50nm"]
FITTED = Fitted("perpendicular", 20e-6, 30e-6, 60.0, 2e-9)


def _device(model: str = "erf", **fields: Any) -> SwitchingParameters:
    return SwitchingParameters(model, **{**DEVICE, **fields})


@pytest.mark.parametrize("threshold_bits", [4, 9, 16])
@pytest.mark.parametrize("code_bits", [1, 2, 5, 6])
@pytest.mark.parametrize("slope", [0.5, 1.5, 3.0])
def test_ideal_thresholds(slope: float, code_bits: int, threshold_bits: int) -> None:
    """The ideal model is tanh(m k / codes) in steps of the random word; code 0 never, the last code always switches."""
    switching = SwitchingParameters("ideal", code_bits, threshold_bits, slope)
    codes, full = 2**code_bits, 2**threshold_bits
    assert switching.codes == codes
    between = [max(1, round(math.tanh(slope * code / codes) * full)) for code in range(1, codes - 1)]
    expected = [0, *between, full]
    assert switching.thresholds.tolist() == [expected, expected]
    assert (switching.probabilities == np.array([expected, expected]) / full).all()


def _table(operation: Operation, targets: list[float], directions: tuple[int, ...], step: float, longest: int) -> list:
    """Number of steps for every target by trying all of them; the fewest of the nearest."""
    steps = np.arange(1, longest + 1)
    mean = np.mean([operation.probability(steps * step, d).mean(axis=0) for d in directions], axis=0)
    return [int(steps[np.abs(mean - target).argmin()]) for target in targets]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"model": "erf", "code_bits": 3, "threshold_bits": 4},
        {"model": "rayleigh", "slope": 1.5},
        {"model": "fokker_planck", "code_bits": 6, "threshold_bits": 9, "temperature": 400.0},
        {"model": "macrospin", "code_bits": 1},
        {"model": "macrospin", "code_bits": 2, "variation_bins": 8, "variation": 0.05, "cycle_variation": 0.02},
        {"model": "erf", "device": "", "junction": JUNCTION},
        {"model": "erf", "device": "", "fitted": FITTED, "current_to_parallel": 61e-6},
        {"model": "erf", "device": "in_plane_100nm", "current_to_antiparallel": 7e-4, "current_to_parallel": 7e-4},
    ],
    ids=lambda fields: fields["model"],
)
def test_device_thresholds(fields: dict[str, Any], shared: bool) -> None:
    """Every code has the number of time steps that comes nearest to what it asks for, by trying all numbers."""
    fields = {"current_to_parallel": 52e-6, **fields}
    switching = _device(**fields, width_max=25e-9, shared_widths=shared)
    codes, full, longest = switching.codes, 2**switching.threshold_bits, 2500
    assert switching.targets[:-1].tolist() == [math.tanh(switching.slope * code / codes) for code in range(codes - 1)]
    assert switching.targets[-1] == 1
    both = (TO_ANTIPARALLEL, TO_PARALLEL)
    for direction in both:
        sharing = both if shared else (direction,)
        steps = _table(switching.operation, switching.targets[1:].tolist(), sharing, 1e-11, longest)
        assert switching.widths[direction] == pytest.approx([0, *(1e-11 * n for n in steps)], rel=1e-12)
        found = switching.operation.probability(switching.widths[direction], direction)
        for device_bin in range(switching.variation_bins):
            expected = [0, *(min(max(round(float(p) * full), 1), full) for p in found[device_bin, 1:])]
            assert switching.bin_thresholds[device_bin, direction].tolist() == expected
    if shared:
        assert (switching.widths[0] == switching.widths[1]).all()
    mean = switching.bin_thresholds.astype(float).mean(axis=0) / full
    assert switching.probabilities == pytest.approx(mean, abs=1e-15)
    if switching.variation_bins == 1:
        assert (switching.thresholds == switching.bin_thresholds[0]).all()


def test_operation() -> None:
    """Every field about the devices reaches them."""
    fields = {"temperature": 320.0, "variation_bins": 4, "variation": 0.03, "cycle_variation": 0.01}
    switching = _device("rayleigh", current_to_parallel=49e-6, width_max=30e-9, **fields)
    assert switching.operation == Operation("rayleigh", JUNCTION, 47.3e-6, 49e-6, 320.0, 4, 0.03, 0.01)


@pytest.mark.parametrize("model", ["erf", "rayleigh", "fokker_planck", "macrospin", "neel_brown"])
def test_numbers_out_of_proportion(model: str) -> None:
    """Any number of a device may be far too large or too small: a table, or one line that names it."""
    current = 20e-6 if model == "neel_brown" else 47.3e-6
    known = {"model": model, "current_to_antiparallel": current, "current_to_parallel": current, "junction": JUNCTION}
    junction = [field.name for field in dataclasses.fields(Junction) if field.name != "geometry"]
    named = set()
    for name in (*junction, "temperature", "time_step", "width_max", "slope", "current_to_parallel"):
        for number in (5e-324, 1e-300, 1e-154, 1e-30, 1e30, 1e154, 1e300, 1.7e308):
            try:
                given = {"junction": replace(JUNCTION, **{name: number})} if name in junction else {name: number}
                assert SwitchingParameters(**{**known, **given}).bin_thresholds.shape == (1, 2, 32)
            except ValueError as error:
                says = re.fullmatch(r"(.*) = (.*) is too far from the other numbers to compute with", str(error))
                if says:
                    named.add((says[1].rpartition(".")[2], float(says[2]) == number, name))
    assert {named_ for named_, _, _ in named} >= {"length", "damping", "asymmetry", "temperature", "width_max"}
    assert all(equal and named_ == name for named_, equal, name in named)


@pytest.mark.parametrize("model", ["erf", "rayleigh", "fokker_planck", "macrospin", "neel_brown"])
@pytest.mark.parametrize(("code_bits", "slope"), [(5, 3.0), (6, 1.5), (6, 3.0)])
def test_device_does_what_is_asked(model: str, code_bits: int, slope: float) -> None:
    """With as many codes as table entries a device's pulse table is within 0.01 of tanh, in both directions.

    Also where the critical currents of the directions differ by half, and with device and cycle variation.
    """
    pulse = PulseParameters(code_bits, slope, 2)
    uneven = replace(JUNCTION, asymmetry=1.2)
    slow = {"width_max": 2e-5, "time_step": 1e-9} if model == "neel_brown" else {"width_max": 40e-9}
    factor = 0.92 if model == "neel_brown" else 2.1
    uses = [
        (JUNCTION, {}),
        (uneven, {}),
        (JUNCTION, {"variation_bins": 8, "variation": 0.02, "cycle_variation": 0.01 if model != "neel_brown" else 0.0}),
    ]
    for junction, variation in uses:
        currents = {
            f"current_to_{name}": factor * junction.critical_current(direction, 300)
            for name, direction in (("antiparallel", TO_ANTIPARALLEL), ("parallel", TO_PARALLEL))
        }
        # the same amplitude for both, where both are above their critical currents
        if model != "neel_brown":
            currents["current_to_parallel"] = currents["current_to_antiparallel"]
        switching = SwitchingParameters(
            model, code_bits, slope=slope, junction=junction, **currents, **slow, **variation
        )
        assert pulse.residual(switching) <= 0.01, (junction.asymmetry, variation)


@pytest.mark.parametrize("model", ["ideal", "erf", "rayleigh", "fokker_planck", "macrospin"])
@pytest.mark.parametrize("code_bits", range(1, 7))
def test_thresholds_are_monotone(model: str, code_bits: int) -> None:
    """A longer pulse never switches less often; every pulse can switch; none exceeds certainty."""
    for threshold_bits in range(4, 17):
        thresholds = _device(model, code_bits=code_bits, threshold_bits=threshold_bits).thresholds.astype(int)
        assert (np.diff(thresholds, axis=1) >= 0).all()
        assert (thresholds[:, 0] == 0).all()
        assert (thresholds[:, 1:] >= 1).all()
        assert (thresholds <= 2**threshold_bits).all()


def _switchings() -> list[SwitchingParameters]:
    return [
        SwitchingParameters("ideal", 5, 16, 3.0),
        SwitchingParameters("ideal", 3, 8, 1.5),
        SwitchingParameters("ideal", 6, 4, 4.0),
        _device("erf"),
        _device("erf", code_bits=2, threshold_bits=12, current_to_parallel=54e-6, shared_widths=True),
    ]


@pytest.mark.parametrize("nu_bits", [1, 4, 5, 8])
@pytest.mark.parametrize("switching", _switchings(), ids=lambda s: f"{s.model}{s.code_bits}")
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
        (
            "switching",
            {"model": "linear"},
            "switching.model must be one of ideal, erf, rayleigh, fokker_planck, macrospin, neel_brown, not 'linear'",
        ),
        ("switching", {"code_bits": 0}, "switching.code_bits must be 1 .. 6, not 0"),
        ("switching", {"code_bits": 7}, "switching.code_bits must be 1 .. 6, not 7"),
        (
            "switching",
            {"code_bits": 6, "variation_bins": 8, "loadable": True},
            "switching.loadable keeps every entry in registers, 512 at most, not 8 device bins x 2 directions x 64 "
            "codes: lower switching.variation_bins or switching.code_bits",
        ),
        ("switching", {"threshold_bits": 3}, "switching.threshold_bits must be 4 .. 16, not 3"),
        ("switching", {"threshold_bits": 17}, "switching.threshold_bits must be 4 .. 16, not 17"),
        ("switching", {"slope": 0.0}, "switching.slope must be > 0 and finite, not 0.0"),
        ("switching", {"slope": math.nan}, "switching.slope must be > 0 and finite, not nan"),
        ("switching", {"temperature": 0.0}, "switching.temperature must be > 0 and finite, not 0.0"),
        ("switching", {"time_step": math.inf}, "switching.time_step must be > 0 and finite, not inf"),
        ("switching", {"variation_bins": 12}, "switching.variation_bins must be a power of two, 1 .. 64, not 12"),
        ("switching", {"variation_bins": 128}, "switching.variation_bins must be a power of two, 1 .. 64, not 128"),
        (
            "switching",
            {**DEVICE, "model": "erf", "variation": 0.05},
            "switching.variation = 0.05 needs device bins: set switching.variation_bins > 1",
        ),
        (
            "switching",
            {"cycle_variation": 0.05},
            "switching.cycle_variation needs a device, and model 'ideal' has none: choose another model",
        ),
        (
            "switching",
            {"model": "erf"},
            "switching.model 'erf' needs one device, and 0 are given: set switching.device to one of "
            "perpendicular_50nm, in_plane_100nm, or give [switching.junction] or [switching.fitted]",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "fitted": FITTED},
            "switching.model 'erf' needs one device, and 2 are given: set switching.device to one of "
            "perpendicular_50nm, in_plane_100nm, or give [switching.junction] or [switching.fitted]",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "device": "mine"},
            "switching.device must be one of perpendicular_50nm, in_plane_100nm, not 'mine'",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "width_max": 1e-10},
            "switching.width_max must be 2^code_bits = 32 .. 2^20 steps of switching.time_step = 1e-11 s, not 1e-10 s",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "width_max": 5e-9},
            "the switching table cannot reach P = 1.0000 towards antiparallel, which width code 31 asks for: 0.0352 "
            "with 5e-09 s is the nearest, farther than 0.01; raise switching.width_max or "
            "switching.current_to_antiparallel",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "current_to_parallel": 30e-6},
            "the switching table cannot reach P = 1.0000 towards parallel, which width code 31 asks for: 0.0737 with "
            "2e-08 s is the nearest, farther than 0.01; raise switching.width_max or switching.current_to_parallel",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "time_step": 5e-10},
            "the switching table cannot reach P = 0.4372 towards antiparallel, which width code 5 asks for: 0.4790 "
            "with 7.5e-09 s is the nearest, farther than 0.01; lower switching.time_step",
        ),
        (
            "switching",
            {**DEVICE, "model": "erf", "time_step": 1.25e-10},
            "the switching table cannot reach P = 0.1853 towards antiparallel, which width code 2 asks for: 0.1972 "
            "with 6.125e-09 s is the nearest, farther than 0.01; lower switching.time_step",
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
