"""Fitting: round trips on noisy synthetic data, coverage of standard errors, and one line for every mistake."""

import math
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import dacite
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, chi2

from golden.device.fit import Fit, fit
from golden.device.junction import TO_ANTIPARALLEL, TO_PARALLEL
from golden.device.measured import Measurement, MeasurementError, read
from golden.device.switching import MODELS
from golden.tables import PulseParameters, SwitchingParameters

#: The device behind the synthetic data.
TRUE = {
    "critical_current_to_antiparallel": 24e-6,
    "critical_current_to_parallel": 20e-6,
    "delta": 60.0,
    "precession": 2e-9,
}
CRITICAL = {TO_ANTIPARALLEL: 24e-6, TO_PARALLEL: 20e-6}
NAMES = {TO_ANTIPARALLEL: "to_antiparallel", TO_PARALLEL: "to_parallel"}


def _rows(model: str, seed: int, attempts: int = 1000) -> Measurement:
    """Binomial counts of a device at three currents in both directions, ten widths each."""
    rng, f = np.random.default_rng(seed), MODELS[model]
    current, width, direction = [], [], []
    for d in (TO_ANTIPARALLEL, TO_PARALLEL):
        for i in (1.5, 2.0, 2.5) if f.above else (0.8, 0.85, 0.9):
            above, below = np.linspace(0.36, 6.6, 10) * 2e-9 / (i - 1), np.geomspace(0.05, 4, 10) * 1e-9
            width += (above if f.above else below * math.exp(60 * (1 - i))).tolist()
            current += [i * CRITICAL[d]] * 10
            direction += [d] * 10
    overdrive = np.array(current) / np.array([CRITICAL[d] for d in direction])
    p = f.probability(np.array(width), overdrive, 60.0, 2e-9 if f.above else 1e-9)
    return Measurement(
        file="made.csv",
        lines=np.arange(2, 2 + len(p)),
        current=np.array(current),
        width=np.array(width),
        probability=rng.binomial(attempts, p) / attempts,
        attempts=np.full(len(p), float(attempts)),
        direction=np.array(direction),
    )


def _write(path: Path, rows: Measurement, *, voltage: float = 0.0, leave_out: tuple[str, ...] = ()) -> Path:
    """Write rows as a CSV file."""
    assert rows.attempts is not None
    assert rows.direction is not None
    columns: dict[str, list[Any]] = {
        "voltage_V" if voltage else "current_A": (rows.current * (voltage or 1)).tolist(),
        "width_s": rows.width.tolist(),
        "p_sw": rows.probability.tolist(),
        "attempts": [int(n) for n in rows.attempts],
        "direction": [NAMES[int(d)] for d in rows.direction],
    }
    columns = {name: values for name, values in columns.items() if name not in leave_out}
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def _pulls(found: Fit) -> list[float]:
    """Distances from the truth in standard errors."""
    return [(getattr(found.device, name) - TRUE[name]) / error for name, error in found.errors.items()]


@pytest.mark.parametrize("model", MODELS)
def test_round_trip(model: str, tmp_path: Path) -> None:
    """Written, read and fitted: within four standard errors of the truth, and a configuration that can be used."""
    rows = _rows(model, 1)
    read_back = read(_write(tmp_path / "rows.csv", rows))
    assert (read_back.probability == rows.probability).all()
    assert read_back.direction is not None
    assert (read_back.direction == rows.direction).all()
    found = fit(read_back, model, "perpendicular", 310.0)
    constant = {"precession"} if MODELS[model].above else set()
    assert found.errors.keys() == {*TRUE} - {"precession"} | constant
    assert max(abs(pull) for pull in _pulls(found)) < 4
    # small enough to mean something
    assert all(error < 0.1 * getattr(found.device, name) for name, error in found.errors.items())
    assert found.likely is not None
    assert found.likely > 1e-4
    text = found.toml()
    switching = dacite.from_dict(SwitchingParameters, tomllib.loads(text)["switching"], dacite.Config(strict=True))
    assert switching.operation == found.operation
    assert PulseParameters(5, 3.0).residual(switching) <= 0.01
    assert switching.temperature == 310
    for line in text.splitlines():
        assert " = " not in line or re.search(r"\S +# \S", line)


@pytest.mark.parametrize("model", MODELS)
def test_likelihood(model: str) -> None:
    """Deviance and standard errors from the binomial distribution itself and its curvature at the best fit."""
    rows = _rows(model, 8, attempts=4000)
    assert rows.attempts is not None
    found = fit(rows, model, "perpendicular")
    names = list(found.errors)
    best = np.log([getattr(found.device, name) for name in names])
    hits = np.rint(rows.probability * rows.attempts)

    def loss(x: NDArray[np.float64]) -> float:
        values = {"precession": 0.0, **dict(zip(names, np.exp(x).tolist(), strict=True))}
        critical = np.array([values[f"critical_current_{NAMES[d]}"] for d in (TO_ANTIPARALLEL, TO_PARALLEL)])
        p = MODELS[model].probability(
            rows.width,
            rows.current / critical[rows.direction],
            values["delta"],
            values["precession"] if MODELS[model].above else 1e-9,
        )
        return -float(binom.logpmf(hits, rows.attempts, np.clip(p, 1e-12, 1 - 1e-12)).sum())

    saturated = -float(binom.logpmf(hits, rows.attempts, rows.probability).sum())
    assert found.misfit == pytest.approx(2 * (loss(best) - saturated), rel=1e-6)
    step, unit = 2e-4, np.eye(len(names))
    curvature = np.array(
        [
            [
                sum(a * b * loss(best + step * (a * row + b * column)) for a in (1, -1) for b in (1, -1))
                / (4 * step**2)
                for column in unit
            ]
            for row in unit
        ]
    )
    expected = np.sqrt(np.diag(np.linalg.inv(curvature))) * np.exp(best)
    # the expected information of the code is not quite the one of these rows
    assert list(found.errors.values()) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("model", MODELS)
def test_coverage(model: str) -> None:
    """Over repeated fits the truth is inside one and two standard errors as often as it should be.

    The bounds are exceeded by chance with a probability below 1e-4 each, were the parameters of a fit one number.
    """
    runs = 20
    pulls = np.array([_pulls(fit(_rows(model, 100 + seed), model, "perpendicular")) for seed in range(runs)])
    for inside, share in ((1, 0.683), (2, 0.954)):
        for parameter in range(pulls.shape[1]):
            hits = int((np.abs(pulls[:, parameter]) < inside).sum())
            assert binom.cdf(hits, runs, share) > 1e-4, (inside, parameter)
            assert binom.sf(hits - 1, runs, share) > 1e-4, (inside, parameter)


@pytest.mark.parametrize("model", MODELS)
def test_deviance_tells_the_right_model(model: str) -> None:
    """The deviance of the true model is chi-square distributed; another model's is beyond it."""
    rows = _rows(model, 5, attempts=5000)
    found = fit(rows, model, "perpendicular")
    assert found.freedom == 60 - len(found.errors)
    assert found.likely is not None
    assert found.likely == pytest.approx(float(chi2.sf(found.misfit, found.freedom)))
    assert found.likely > 1e-4
    # the shapes of rayleigh, fokker_planck and macrospin differ too little; erf has another tail
    if MODELS[model].above:
        other = fit(rows, "rayleigh" if model == "erf" else "erf", "perpendicular")
        assert other.likely is not None
        assert other.likely < 1e-6
        assert other.misfit > 2 * found.misfit


def test_without_attempts(tmp_path: Path) -> None:
    """Probabilities alone: least squares, larger and less certain errors, no statement about the fit."""
    path = _write(tmp_path / "rows.csv", _rows("erf", 3), leave_out=("attempts",))
    found = fit(read(path), "erf", "perpendicular")
    assert found.likely is None
    assert max(abs(pull) for pull in _pulls(found)) < 6
    assert "sum of squares" in found.toml()


def test_voltages_and_one_direction(tmp_path: Path) -> None:
    """Voltages over a resistance are currents; without directions both are the same."""
    rows = _rows("rayleigh", 4)
    assert rows.direction is not None
    chosen = rows.direction == TO_PARALLEL
    one = _few(rows, chosen)
    path = _write(tmp_path / "rows.csv", one, voltage=6000.0, leave_out=("direction",))
    found = fit(read(path, 6000.0), "rayleigh", "perpendicular")
    assert found.device.critical_current_to_antiparallel == found.device.critical_current_to_parallel
    assert found.device.critical_current_to_parallel == pytest.approx(20e-6, rel=0.03)
    named = fit(read(_write(path, one)), "rayleigh", "perpendicular")
    assert named.device.critical_current_to_antiparallel == named.device.critical_current_to_parallel
    assert named.operation.current_to_antiparallel == named.operation.current_to_parallel == pytest.approx(50e-6)


HEAD = "current_A,width_s,p_sw,attempts\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty: give a line of column names and one line per pulse width and current"),
        ("# nothing\n\n", "empty: give a line of column names and one line per pulse width and current"),
        (
            "I,width_s,p_sw\n",
            "line 1: unknown column 'I': columns are current_A, voltage_V, width_s, p_sw, attempts, counts, "
            "direction, the unit is part of the name",
        ),
        (
            "current_kA,width_s,p_sw\n",
            "line 1: column 'current_kA': unknown unit 'kA' of current: "
            "give one of A, mA, uA, \u00b5A, \u03bcA, nA, pA",
        ),
        (
            "current,width_s,p_sw\n",
            "line 1: column 'current': unknown unit '' of current: give one of A, mA, uA, \u00b5A, \u03bcA, nA, pA",
        ),
        (
            "current_A,width_s,p_sw,attempts_n\n",
            "line 1: column 'attempts_n': unknown unit 'n' of attempts: it has none",
        ),
        ("current_A,width_s,counts\n", "line 1: column 'attempts' is missing, of which 'counts' have switched"),
        ("current_A,width_s,counts,attempts,p_sw\n", "line 1: columns 'p_sw' and 'counts' say the same: give one"),
        (
            "current_A,width_s,counts,attempts\n1e-5,1e-8,5,10\n1e-5,1e-8,11,10\n",
            "line 3: counts must be 0 .. attempts = 10, not 11",
        ),
        (
            HEAD + "1e-5,1e-8,0,5,10\n",
            "line 2: 5 fields for 4 columns: are there decimal commas? separate columns by semicolons then",
        ),
        ("current_A;width_s;p_sw\n1e-5;1e-8;0,5;1\n", "line 2: 4 fields for 3 columns"),
        ("current_A;width_s;p_sw\n1e-5;1e-8;1.000,5\n", "line 2: p_sw must be a number, not '1.000,5'"),
        (
            "current_uA;width_s;p_sw\n2e5;1e-8;0,5\n",
            "line 2: current_uA must be 0.001 .. 100000 uA, not 2e5: is it in uA, or signed? the unit is part of the "
            "column's name, the sign a direction",
        ),
        ('current_A,"width_s\n', "line 1: unexpected end of data"),
        ("# x\ncurrent_A,p_sw\n", "line 2: column 'width_s' is missing"),
        ("current_A,width_s\n", "line 1: column 'p_sw' is missing"),
        ("current_A,width_s,p_sw,p_sw\n", "line 1: column 'p_sw' is there 2 times, not once"),
        ("width_s,p_sw\n", "line 1: one of the columns 'current_A' and 'voltage_V' is needed, not both or none"),
        (HEAD + "1e-5,1e-8,0.5\n", "line 2: 3 fields for 4 columns"),
        (HEAD + "\n1e-5,1e-8,half,10\n", "line 3: p_sw must be a number, not 'half'"),
        (
            HEAD + "1e-5,1e-8,1.01,10\n",
            "line 2: p_sw must be 0 .. 1, not 1.01: is it in percent? call the column p_sw_percent",
        ),
        (
            HEAD + "1e-5,1e-8,-0.1,10\n",
            "line 2: p_sw must be 0 .. 1, not -0.1: is it in percent? call the column p_sw_percent",
        ),
        (
            HEAD + "1e-5,1e-8,nan,10\n",
            "line 2: p_sw must be 0 .. 1, not nan: is it in percent? call the column p_sw_percent",
        ),
        (
            HEAD + "1e-5,12,0.5,10\n",
            "line 2: width_s must be 1e-12 .. 1 s, not 12: is it in ns? the unit is part of the column's name",
        ),
        (
            HEAD + "47,1e-8,0.5,10\n",
            "line 2: current_A must be 1e-09 .. 0.1 A, not 47: is it in uA, or signed? the unit is part of the "
            "column's name, the sign a direction",
        ),
        (HEAD + "1e-5,1e-8,0.5,2.5\n", "line 2: attempts must be a whole number, not 2.5"),
        (HEAD + "1e-5,1e-8,0.5,0\n", "line 2: attempts must be 1 .. 1e+12, not 0: give the number of pulses"),
        (
            "current_A,width_s,p_sw,direction\n1e-5,1e-8,0.5,up\n",
            "line 2: direction must be to_antiparallel or to_parallel, not 'up'",
        ),
        (
            "voltage_V,width_s,p_sw\n0.3,1e-8,0.5\n",
            "voltages need the resistance in ohm that turns them into currents, > 0",
        ),
        (
            HEAD + "1e-5,1e-8,0.5,1000\n1e-5,2e-8,0.9,1000\n1e-5,1e-8,0.7,1000\n",
            "lines 2 and 4 contradict each other: equal pulses switch with p_sw = 0.5 and 0.7, farther apart than 0.11",
        ),
        (
            "width_s,p_sw,current_A\n2e-8,0.4,1e-5\n1e-8,0.6,1e-5\n",
            "lines 3 and 2 contradict each other: a longer pulse of the same current switches less often: p_sw = 0.6 "
            "and 0.4, farther apart than 0.1",
        ),
    ],
)
def test_refused_files(text: str, message: str, tmp_path: Path) -> None:
    """File, line, field, rule and value."""
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(MeasurementError, match=f"^{re.escape(f'{path}: {message}')}$"):
        read(path)


#: The same rows, as programs and spreadsheets write them.
_FORMS = {
    "commas": "current_A,width_s,p_sw,attempts\n4.7e-5,5e-9,0.25,1000\n6e-5,1e-8,0.5,1000\n",
    "semicolons": "current_A;width_s;p_sw;attempts\n4.7e-5;5e-9;0.25;1000\n6e-5;1e-8;0.5;1000\n",
    "tabs": "current_A\twidth_s\tp_sw\tattempts\n4.7e-5\t5e-9\t0.25\t1000\n6e-5\t1e-8\t0.5\t1000\n",
    "decimal commas": "current_A;width_s;p_sw;attempts\n4,7e-5;5e-9;0,25;1000\n6e-5;1e-8;0,5;1000\n",
    "units": "current_uA,width_ns,p_sw_percent,attempts\n47,5,25,1000\n60,10,50,1000\n",
    "brackets": "current (\u00b5A);width [ns];p_sw (%);attempts\n47;5,0;25;1000\n60;10;50;1000\n",
    "counts": "# of a prober\nwidth_ps\tcurrent_nA\tcounts\tattempts\n\n"
    "5000\t47000\t250\t1000\n10000\t60000\t500\t1000\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", _FORMS)
def test_forms(form: str, encoding: str, tmp_path: Path) -> None:
    """Separators, decimal commas, units and marks that begin a file: the same numbers, to the last bit."""
    path = tmp_path / "rows.csv"
    path.write_bytes(_FORMS[form].replace("\n", "\r\n").encode(encoding))
    found = read(path)
    assert found.current.tolist() == [4.7e-5, 6e-5]
    assert found.width.tolist() == [5e-9, 1e-8]
    assert found.probability.tolist() == [0.25, 0.5]
    assert found.attempts is not None
    assert found.attempts.tolist() == [1000, 1000]


def test_refused_bytes(tmp_path: Path) -> None:
    """A spreadsheet is no CSV."""
    path = tmp_path / "rows.xlsx"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(MeasurementError, match=r"not a text file: byte 4 is no UTF-8$"):
        read(path)


def _few(rows: Measurement, chosen: Any) -> Measurement:
    assert rows.attempts is not None
    assert rows.direction is not None
    return replace(
        rows,
        lines=rows.lines[chosen],
        current=rows.current[chosen],
        width=rows.width[chosen],
        probability=rows.probability[chosen],
        attempts=rows.attempts[chosen],
        direction=rows.direction[chosen],
    )


def test_refused_rows() -> None:
    """Too few rows, rows that say too little, rows that the model does not reach."""
    rows = _rows("erf", 2)
    one = rows.direction == TO_PARALLEL
    i = rows.current / 20e-6
    cases: list[tuple[Measurement, str, dict[str, Any], str]] = [
        (
            _few(rows, np.flatnonzero(one)[:3]),
            "erf",
            {},
            "made.csv: 3 rows are too few for 3 parameters: give at least 4",
        ),
        (
            _few(rows, one & ((rows.probability < 0.005) | (rows.probability > 0.995))),
            "erf",
            {},
            "made.csv: 0 rows have 0.005 < p_sw < 0.995, too few for 3 parameters: measure at least 3 in the "
            "transition",
        ),
        (
            _few(rows, one & (np.abs(i - 2) < 0.01)),
            "erf",
            {},
            "made.csv: one current alone does not tell the critical current from the other parameters: measure the "
            "transition at two currents or more",
        ),
        (
            _few(rows, ~one | (rows.probability < 0.005)),
            "erf",
            {},
            "made.csv: no row to_parallel has 0.005 < p_sw < 0.995: measure its transition",
        ),
        (rows, "linear", {}, "unknown model 'linear': give one of erf, rayleigh, fokker_planck, macrospin, neel_brown"),
        (rows, "erf", {"geometry": "flat"}, "unknown geometry 'flat': give one of perpendicular, in_plane"),
        (
            rows,
            "macrospin",
            {"geometry": "in_plane"},
            "model 'macrospin' holds for perpendicular devices only, not for in_plane",
        ),
        (rows, "erf", {"temperature": -1.0}, "temperature must be > 0 and finite, not -1.0"),
        (rows, "neel_brown", {"attempt_time": 0.0}, "attempt time must be > 0 and finite, not 0.0"),
    ]
    for chosen, model, options, message in cases:
        with pytest.raises(MeasurementError, match=f"^{re.escape(message)}$"):
            fit(chosen, model, **{"geometry": "perpendicular", **options})


def test_refused_currents() -> None:
    """Rows on the other side of the critical current, some of them or all."""
    for true, model in (("neel_brown", "erf"), ("erf", "neel_brown")):
        with pytest.raises(
            MeasurementError,
            match=r"^made.csv: the fit drives delta to 5, .*: the rows do not follow this model or do not "
            r"determine it$",
        ):
            fit(_rows(true, 2), model, "perpendicular")
    rows = _rows("erf", 2)
    low = rows.current == rows.current.min()
    mixed = replace(
        rows,
        current=np.where(low, 18e-6, rows.current),
        probability=np.where(low, 0.0, rows.probability),
    )
    with pytest.raises(
        MeasurementError,
        match=r"^made.csv: the model needs currents above the critical one, and the fit drives "
        r"critical_current_to_parallel to 1.798e-05 A, the limit: leave out the lowest currents, or fit another model$",
    ):
        fit(mixed, "erf", "perpendicular")


def test_undetermined() -> None:
    """Two currents that are nearly one: a fit is found, and says nothing; or it runs away."""
    for seed, message in (
        (2, r"the rows do not determine precession, whose standard error would be 7\.\d times its value"),
        (3, r"the fit drives critical_current_to_parallel to 4e-07, the end of 4e-07 \.\. 4e-05"),
    ):
        rows = _rows("erf", seed)
        rows = _few(rows, (rows.direction == TO_PARALLEL) & (np.abs(rows.current - 40e-6) < 1e-9))
        every_second = np.arange(len(rows.lines)) % 2 == 0
        with pytest.raises(MeasurementError, match=f"^made.csv: {message}"):
            fit(replace(rows, current=np.where(every_second, 40.04e-6, 40e-6)), "erf", "perpendicular")
