"""Fit of a switching model to measured probabilities, with standard errors, and the configuration that follows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.device.fitted import Fitted
from golden.device.junction import GEOMETRIES, TO_ANTIPARALLEL, TO_PARALLEL
from golden.device.measured import DIRECTIONS, Measurement, MeasurementError
from golden.device.operation import Operation
from golden.device.switching import MODELS

_Floats = NDArray[np.float64]

#: Bounds of stability and time constant.
_STABILITY, _CONSTANT = (5.0, 1000.0), (1e-13, 1e-5)
#: Rows between these probabilities say where the transition is.
_INFORMATIVE = (0.005, 0.995)
#: What the longest pulse of the proposed configuration reaches.
_CERTAIN = 0.995
#: A parameter with a larger relative standard error is not determined.
_VAGUE = 1.0
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Fit:
    """Outcome of a fit.

    Attributes
    ----------
    model : str
        The model.
    device : Fitted
        Maximum-likelihood parameters (least squares where the number of attempts is not known).
    errors : dict of str to float
        Standard errors of the fitted fields of `device`, in their units.
    operation : Operation
        The device driven as hard as in the measurement.
    rows : int
        Rows used.
    misfit : float
        Deviance of the binomial counts, or sum of squared differences.
    freedom : int
        Degrees of freedom.
    likely : float or None
        Probability of so large a deviance if the model holds; None where the number of attempts is not known.
    file : str
        Where the rows come from.
    """

    model: str
    device: Fitted
    errors: dict[str, float]
    operation: Operation
    rows: int
    misfit: float
    freedom: int
    likely: float | None
    file: str

    def toml(self) -> str:
        """Write what the fit says of the table ``[switching]`` of a configuration.

        Returns
        -------
        str
            TOML, every value with its meaning and standard error.
        """
        use, device = self.operation, self.device
        step, longest = use.pulses(_CERTAIN)
        quality = "" if self.likely is None else f", which chance exceeds with probability {self.likely:.3g}"
        kind = "sum of squares" if self.likely is None else "deviance"
        lines = [
            f"# Fitted to {self.file}: {self.rows} rows, {kind} {self.misfit:.4g} with {self.freedom} degrees of "
            f"freedom{quality}.",
            "[switching]",
            f'model = "{self.model}"  # the fitted model',
            f"current_to_antiparallel = {use.current_to_antiparallel!r}  # A, the largest one measured",
            f"current_to_parallel = {use.current_to_parallel!r}  # A, likewise",
            f"temperature = {use.temperature!r}  # K",
            f"time_step = {step!r}  # s, resolution of pulse widths; an assumption about the pulse generator",
            f"width_max = {longest!r}  # s, switches with P >= {_CERTAIN}",
            "",
            "[switching.fitted]",
            f'geometry = "{device.geometry}"  # as stated',
        ]
        constant = ("precession", "s, time constant") if MODELS[self.model].above else ("attempt_time", "s, tau_0")
        for name, meaning in (
            ("critical_current_to_antiparallel", "A"),
            ("critical_current_to_parallel", "A"),
            ("delta", "thermal stability"),
            constant,
        ):
            error = f"standard error {self.errors[name]:.2g}" if name in self.errors else "as stated, not fitted"
            lines.append(f"{name} = {getattr(device, name)!r}  # {meaning}; {error}")
        lines.append(f"measured_temperature = {device.measured_temperature!r}  # K, as stated")
        return "\n".join(lines) + "\n"


def fit(
    measurement: Measurement,
    model: str,
    geometry: str,
    temperature: float = 300.0,
    attempt_time: float = 1e-9,
) -> Fit:
    """Fit a model to measured rows.

    With known attempts the deviance of the binomial counts is minimal, which is maximum likelihood, and standard errors
    follow from Fisher's information. Otherwise the sum of squared differences is minimal, and standard errors follow
    from its curvature and the scatter of the rows (White's estimate, which allows rows to be differently noisy); with
    few rows they are up to 1.6 times too small. Rows without direction are taken to be the same in both.

    Parameters
    ----------
    measurement : Measurement
        The rows.
    model : str
        A name of `golden.device.switching.MODELS`. Above the critical current, critical currents, stability and time
        constant are fitted; below (`neel_brown`), critical currents and stability.
    geometry : str
        Geometry of the device.
    temperature : float
        Temperature of the measurement, K, > 0.
    attempt_time : float
        tau_0, s, > 0, which a measurement below the critical current cannot tell from the stability.

    Returns
    -------
    Fit
        Parameters and standard errors.

    Raises
    ------
    MeasurementError
        If the model does not hold for the geometry, rows are too few or say too little, or the fit needs currents on
        the wrong side of the critical current.
    """
    if model not in MODELS:
        raise MeasurementError(f"unknown model {model!r}: give one of {', '.join(MODELS)}")
    if geometry not in GEOMETRIES:
        raise MeasurementError(f"unknown geometry {geometry!r}: give one of {', '.join(GEOMETRIES)}")
    if geometry not in MODELS[model].geometries:
        raise MeasurementError(
            f"model {model!r} holds for {' or '.join(MODELS[model].geometries)} devices only, not for {geometry}"
        )
    for name, value in (("temperature", temperature), ("attempt time", attempt_time)):
        if not 0 < value < math.inf:
            raise MeasurementError(f"{name} must be > 0 and finite, not {value}")
    problem = _Problem(measurement, model, attempt_time)
    found = problem.solve()
    errors = problem.errors(found)
    misfit, freedom = float((problem.differences(found) ** 2).sum()), len(measurement.lines) - len(found)
    likely = None
    if measurement.attempts is not None:
        from scipy.stats import chi2

        likely = float(chi2.sf(misfit, freedom))
    fields = dict(zip(problem.names, np.exp(found).tolist(), strict=True))
    standard_errors = {name: fields[name] * error for name, error in zip(problem.names, errors.tolist(), strict=True)}
    largest = {d: float(measurement.current[problem.directions == d].max()) for d in problem.present}
    for given, missing in ((TO_ANTIPARALLEL, TO_PARALLEL), (TO_PARALLEL, TO_ANTIPARALLEL)):
        if missing not in problem.present:
            fields[_CRITICAL[missing]], largest[missing] = fields[_CRITICAL[given]], largest[given]
            standard_errors[_CRITICAL[missing]] = standard_errors[_CRITICAL[given]]
    device = Fitted(geometry, **{"attempt_time": attempt_time, **fields}, measured_temperature=temperature)
    return Fit(
        model=model,
        device=device,
        errors=standard_errors,
        operation=Operation(model, device, largest[TO_ANTIPARALLEL], largest[TO_PARALLEL], temperature),
        rows=len(measurement.lines),
        misfit=misfit,
        freedom=freedom,
        likely=likely,
        file=measurement.file,
    )


_CRITICAL = {TO_ANTIPARALLEL: "critical_current_to_antiparallel", TO_PARALLEL: "critical_current_to_parallel"}


class _Problem:
    """The differences between rows and model as a function of the logarithms of the parameters."""

    def __init__(self, measurement: Measurement, model: str, attempt_time: float) -> None:
        self._rows, self._model, self._attempt_time = measurement, MODELS[model], attempt_time
        count = len(measurement.lines)
        self.directions = np.zeros(count, np.int64) if measurement.direction is None else measurement.direction
        self.present = sorted(set(self.directions.tolist()))
        self.names = [_CRITICAL[direction] for direction in self.present] + ["delta"]
        self.names += ["precession"] if self._model.above else []
        self._check_rows()
        edges = []
        for direction in self.present:
            currents = measurement.current[self.directions == direction]
            # the critical current is below all currents, or above all of them
            edges.append((currents.min() / 100, currents.min() / 1.001))
            if not self._model.above:
                edges[-1] = (currents.max() * 1.001, currents.max() * 100)
        edges.append(_STABILITY)
        edges += [_CONSTANT] if self._model.above else []
        self._bounds = np.log(np.array(edges).T)

    def _check_rows(self) -> None:
        """There are enough rows, in the transition, at more than one current."""
        rows, needed = self._rows, len(self.names)
        if len(rows.lines) <= needed:
            raise MeasurementError(
                f"{rows.file}: {len(rows.lines)} rows are too few for {needed} parameters: give at least {needed + 1}"
            )
        low, high = _INFORMATIVE
        informative = (rows.probability > low) & (rows.probability < high)
        if informative.sum() < needed:
            raise MeasurementError(
                f"{rows.file}: {informative.sum()} rows have {low} < p_sw < {high}, too few for {needed} parameters: "
                f"measure at least {needed} in the transition"
            )
        for direction in self.present:
            if not informative[self.directions == direction].any():
                name = next(name for name, value in DIRECTIONS.items() if value == direction)
                raise MeasurementError(f"{rows.file}: no row {name} has {low} < p_sw < {high}: measure its transition")
        if all(len(set(rows.current[informative & (self.directions == d)].tolist())) < 2 for d in self.present):
            raise MeasurementError(
                f"{rows.file}: one current alone does not tell the critical current from the other parameters: "
                f"measure the transition at two currents or more"
            )

    def probability(self, x: _Floats) -> _Floats:
        """What the model says of every row."""
        values = dict(zip(self.names, np.exp(x).tolist(), strict=True))
        critical = np.array([values.get(_CRITICAL[d], math.nan) for d in (TO_ANTIPARALLEL, TO_PARALLEL)])
        overdrive = self._rows.current / critical[self.directions]
        constant = values.get("precession", self._attempt_time)
        return self._model.probability(self._rows.width, overdrive, values["delta"], constant)

    def differences(self, x: _Floats) -> _Floats:
        """Signed square roots of the rows' deviance, or differences of probabilities."""
        p = self._rows.probability
        try:
            q = np.clip(self.probability(x), _SMALLEST, 1 - _SMALLEST)
        except ValueError:
            # outside the model's range: as bad as can be
            q = np.where(p > 0.5, _SMALLEST, 1 - _SMALLEST)
        if self._rows.attempts is None:
            return p - q
        with np.errstate(divide="ignore", invalid="ignore"):
            hits = np.where(p > 0, p * np.log(p / q), 0.0)
            misses = np.where(p < 1, (1 - p) * np.log((1 - p) / (1 - q)), 0.0)
        return np.sign(p - q) * np.sqrt(2 * self._rows.attempts * np.maximum(hits + misses, 0))

    def solve(self) -> _Floats:
        """Find the parameters: a grid of starts, then least squares from the best of them."""
        from scipy.optimize import least_squares

        low, high = self._bounds
        shares = np.linspace(0, 1, 15)[1:-1]
        starts = []
        for share in shares:
            near = high - (high - low) * share**2 * 0.5 if self._model.above else low + (high - low) * share**2 * 0.5
            for delta in np.log([20.0, 40.0, 70.0, 120.0]):
                for constant in np.log(np.geomspace(1e-11, 1e-7, 17)) if self._model.above else [None]:
                    rest = [delta] if constant is None else [delta, constant]
                    starts.append(np.concatenate([near[: len(self.present)], rest]))
        starts.sort(key=lambda x: float((self.differences(x) ** 2).sum()))
        outcomes: list[Any] = [
            least_squares(
                self.differences, np.clip(x, low + 1e-6, high - 1e-6), bounds=(low, high), jac="3-point", xtol=1e-12
            )
            for x in starts[:4]
        ]
        best = min(outcomes, key=lambda outcome: outcome.cost)
        self._check_bounds(best.x)
        return best.x

    def _check_bounds(self, x: _Floats) -> None:
        """The best fit is inside, not at the end of what is possible."""
        low, high = self._bounds
        for name, value, bottom, top in zip(self.names, x, low, high, strict=True):
            if min(value - bottom, top - value) > 1e-4:
                continue
            near = top - value if self._model.above else value - bottom
            if name in _CRITICAL.values() and near <= 1e-4:
                side, remedy = ("above", "lowest") if self._model.above else ("below", "highest")
                raise MeasurementError(
                    f"{self._rows.file}: the model needs currents {side} the critical one, and the fit drives {name} "
                    f"to {math.exp(value):.3e} A, the limit: leave out the {remedy} currents, or fit another model"
                )
            raise MeasurementError(
                f"{self._rows.file}: the fit drives {name} to {math.exp(value):.3g}, the end of {math.exp(bottom):.3g} "
                f".. {math.exp(top):.3g}: the rows do not follow this model or do not determine it"
            )

    def errors(self, x: _Floats) -> _Floats:
        """Relative standard errors of the parameters."""
        step = 1e-5
        slopes = np.stack(
            [
                (self.probability(x + step * unit) - self.probability(x - step * unit)) / (2 * step)
                for unit in np.eye(len(x))
            ],
            axis=1,
        )
        if self._rows.attempts is None:
            # the noise of a row is not known and differs from row to row: the covariance that allows for that
            scatter = self.differences(x)[:, None] * slopes * math.sqrt(len(slopes) / (len(slopes) - len(x)))
            inverse = _inverse(slopes.T @ slopes)
            variances = np.diag(inverse @ (scatter.T @ scatter) @ inverse)
        else:
            q = np.clip(self.probability(x), _SMALLEST, 1 - _SMALLEST)
            variances = np.diag(_inverse(slopes.T @ (slopes * (self._rows.attempts / (q * (1 - q)))[:, None])))
        found = np.sqrt(variances)
        if found.max() > _VAGUE:
            name = self.names[int(found.argmax())]
            raise MeasurementError(
                f"{self._rows.file}: the rows do not determine {name}, whose standard error would be "
                f"{found.max():.1f} times its value: measure more currents and widths in the transition"
            )
        return found


def _inverse(information: _Floats) -> _Floats:
    """Inverse of a matrix of information; huge, but finite, in directions of which nothing is known."""
    values, vectors = np.linalg.eigh(information)
    return (vectors / np.maximum(values, _SMALLEST)) @ vectors.T
