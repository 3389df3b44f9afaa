"""Measured switching probabilities, read from a CSV file and checked row by row."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golden.device.junction import TO_ANTIPARALLEL, TO_PARALLEL

#: Names in the column `direction`.
DIRECTIONS = {"to_antiparallel": TO_ANTIPARALLEL, "to_parallel": TO_PARALLEL}

#: Column -> smallest and largest value, unit, and what a value outside usually means.
_COLUMNS = {
    "current_A": (1e-9, 0.1, "A", "is it in uA, or signed? give amperes, and the sign as a direction"),
    "voltage_V": (1e-3, 10.0, "V", "is it in mV, or signed? give volts, and the sign as a direction"),
    "width_s": (1e-12, 1.0, "s", "is it in ns? give seconds"),
    "p_sw": (0.0, 1.0, "", "is it in percent? give a probability"),
    "attempts": (1, 1e12, "", "give the number of pulses"),
}

#: Rows contradict each other where they differ by more than this many standard deviations, or, where the number of
#: attempts is not known, by more than this probability.
_SIGMAS, _DIFFERENCE = 5.0, 0.1


class MeasurementError(ValueError):
    """Measured rows cannot be used; the message is one line."""


@dataclass(frozen=True)
class Measurement:
    """Rows of a measurement.

    Attributes
    ----------
    file : str
        Where they come from, for messages.
    lines : ndarray of int64, shape (n,)
        Line numbers in the file.
    current, width, probability : ndarray of float64, shape (n,)
        Amplitude in A, > 0; pulse width in s, > 0; share of attempts that switched, 0 .. 1.
    attempts : ndarray of float64, shape (n,), or None
        Pulses per row, where known.
    direction : ndarray of int64, shape (n,), or None
        `TO_ANTIPARALLEL` or `TO_PARALLEL`, where known.
    """

    file: str
    lines: NDArray[np.int64]
    current: NDArray[np.float64]
    width: NDArray[np.float64]
    probability: NDArray[np.float64]
    attempts: NDArray[np.float64] | None
    direction: NDArray[np.int64] | None


def read(path: Path, resistance: float | None = None) -> Measurement:
    """Read a CSV file.

    The first line names the columns, in any order: ``current_A`` or ``voltage_V``, ``width_s``, ``p_sw``, and, where
    known, ``attempts`` and ``direction`` (``to_parallel`` or ``to_antiparallel``). Lines that begin with # are
    comments.

    Parameters
    ----------
    path : Path
        The file.
    resistance : float, optional
        Resistance in ohm by which voltages are divided, > 0; needed for ``voltage_V`` alone.

    Returns
    -------
    Measurement
        Its rows, in their order.

    Raises
    ------
    MeasurementError
        If a column or a value breaks its rule, or rows contradict each other.
    OSError
        If the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeasurementError(f"{path}: not a text file: byte {error.start} is no UTF-8") from error
    numbered = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not numbered:
        raise MeasurementError(f"{path}: empty: give a line of column names and one line per pulse width and current")
    header = [name.strip() for name in next(csv.reader([numbered[0][1]]))]
    _check_header(f"{path}: line {numbered[0][0]}", header)
    rows = [_row(f"{path}: line {number}", header, line) for number, line in numbered[1:]]
    columns = {name: np.array([row[name] for row in rows], np.float64) for name in header}
    if "voltage_V" in columns:
        if resistance is None or not 0 < resistance < math.inf:
            raise MeasurementError(f"{path}: voltages need the resistance in ohm that turns them into currents, > 0")
        columns["current_A"] = columns["voltage_V"] / resistance
    measurement = Measurement(
        file=str(path),
        lines=np.array([number for number, _ in numbered[1:]], np.int64),
        current=columns["current_A"],
        width=columns["width_s"],
        probability=columns["p_sw"],
        attempts=columns.get("attempts"),
        direction=columns["direction"].astype(np.int64) if "direction" in columns else None,
    )
    _check_contradictions(measurement)
    return measurement


def _check_header(where: str, header: list[str]) -> None:
    """Every column is known and there once; the needed ones are there."""
    known = [*_COLUMNS, "direction"]
    for name in header:
        if name not in known:
            raise MeasurementError(
                f"{where}: unknown column {name!r}: columns are {', '.join(known)}, the unit is part of the name"
            )
        if header.count(name) > 1:
            raise MeasurementError(f"{where}: column {name!r} is there {header.count(name)} times, not once")
    for name in ("width_s", "p_sw"):
        if name not in header:
            raise MeasurementError(f"{where}: column {name!r} is missing")
    if ("current_A" in header) == ("voltage_V" in header):
        raise MeasurementError(f"{where}: one of the columns 'current_A' and 'voltage_V' is needed, not both or none")


def _row(where: str, header: list[str], line: str) -> dict[str, float]:
    """Values of one line by column."""
    fields = [field.strip() for field in next(csv.reader([line]))]
    if len(fields) != len(header):
        raise MeasurementError(f"{where}: {len(fields)} fields for {len(header)} columns")
    values = {}
    for name, field in zip(header, fields, strict=True):
        if name == "direction":
            if field not in DIRECTIONS:
                raise MeasurementError(f"{where}: direction must be {' or '.join(DIRECTIONS)}, not {field!r}")
            values[name] = DIRECTIONS[field]
            continue
        low, high, unit, hint = _COLUMNS[name]
        try:
            value = float(field)
        except ValueError:
            raise MeasurementError(f"{where}: {name} must be a number, not {field!r}") from None
        if not low <= value <= high:
            raise MeasurementError(
                f"{where}: {name} must be {low:g} .. {high:g} {unit}".rstrip() + f", not {field}: {hint}"
            )
        if name == "attempts" and value != int(value):
            raise MeasurementError(f"{where}: attempts must be a whole number, not {field}")
        values[name] = value
    return values


def _series(measurement: Measurement) -> Iterator[NDArray[np.intp]]:
    """Indices of the rows of every direction and current, each by rising width."""
    directions = np.zeros(len(measurement.lines)) if measurement.direction is None else measurement.direction
    for direction, current in sorted(set(zip(directions.tolist(), measurement.current.tolist(), strict=True))):
        chosen = np.flatnonzero((directions == direction) & (measurement.current == current))
        yield chosen[np.argsort(measurement.width[chosen], kind="stable")]


def _check_contradictions(measurement: Measurement) -> None:
    """No form lets the probability fall with the width, or two equal pulses differ."""
    p, n = measurement.probability, measurement.attempts
    for rows in _series(measurement):
        for first, second in pairwise(rows.tolist()):
            same = measurement.width[first] == measurement.width[second]
            fall = abs(p[first] - p[second]) if same else p[first] - p[second]
            allowed = _DIFFERENCE
            if n is not None:
                # add one success and one failure: certain rows have an uncertainty as well
                pooled = (p[first] * n[first] + p[second] * n[second] + 1) / (n[first] + n[second] + 2)
                allowed = _SIGMAS * math.sqrt(pooled * (1 - pooled) * (1 / n[first] + 1 / n[second]))
            if fall > allowed:
                what = "equal pulses switch with" if same else "a longer pulse of the same current switches less often:"
                raise MeasurementError(
                    f"{measurement.file}: lines {measurement.lines[first]} and {measurement.lines[second]} contradict "
                    f"each other: {what} p_sw = {p[first]:g} and {p[second]:g}, farther apart than {allowed:.3g}"
                )
