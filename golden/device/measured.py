"""Measured switching probabilities, read from a CSV file and checked row by row."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golden.device.junction import TO_ANTIPARALLEL, TO_PARALLEL
from golden.lib.separated_text import Table, read_table

#: Names in the column `direction`.
DIRECTIONS = {"to_antiparallel": TO_ANTIPARALLEL, "to_parallel": TO_PARALLEL}

#: Quantity -> smallest and largest value, unit, and what a value outside usually means.
_QUANTITIES = {
    "current": (1e-9, 0.1, "A", "is it in uA, or signed? the unit is part of the column's name, the sign a direction"),
    "voltage": (1e-3, 10.0, "V", "is it in mV, or signed? the unit is part of the column's name, the sign a direction"),
    "width": (1e-12, 1.0, "s", "is it in ns? the unit is part of the column's name"),
    "p_sw": (0.0, 1.0, "", "is it in percent? call the column p_sw_percent"),
    "attempts": (1, 1e12, "", "give the number of pulses"),
    "counts": (0, 1e12, "", "give the number of pulses that switched"),
}
#: What stands before a unit -> power of ten. Both signs for micro are in use.
_PREFIXES = {"": 0, "m": -3, "u": -6, "\u00b5": -6, "\u03bc": -6, "n": -9, "p": -12}
_NAMES = "current_A, voltage_V, width_s, p_sw, attempts, counts, direction"

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
    known, ``attempts`` and ``direction`` (``to_parallel`` or ``to_antiparallel``). The unit is part of the name and may
    have m, u, n or p before it, or be in brackets: ``current_uA``, ``width (ns)``; ``p_sw`` may be in ``percent``, or
    be given by ``counts``, pulses that switched. Columns are separated by commas, semicolons or tabs; with the latter
    two a comma in a number is a decimal one. Lines that begin with # are comments.

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
        table = read_table(path)
    except ValueError as error:
        raise MeasurementError(f"{path}: {error}") from error
    if not table.lines:
        raise MeasurementError(f"{path}: empty: give a line of column names and one line per pulse width and current")
    where, names = f"{path}: line {table.lines[0][0]}", table.lines[0][1]
    header = [_column(where, name) for name in names]
    _check_header(where, [column.quantity for column in header], names)
    rows = [_row(f"{path}: line {number}", header, fields, table.separator) for number, fields in table.lines[1:]]
    columns = {column.quantity: np.array([row[column.quantity] for row in rows], np.float64) for column in header}
    if "counts" in columns:
        _check_counts(path, table, columns)
        columns["p_sw"] = columns["counts"] / columns["attempts"]
    if "voltage" in columns:
        if resistance is None or not 0 < resistance < math.inf:
            raise MeasurementError(f"{path}: voltages need the resistance in ohm that turns them into currents, > 0")
        columns["current"] = columns["voltage"] / resistance
    measurement = Measurement(
        file=str(path),
        lines=np.array([number for number, _ in table.lines[1:]], np.int64),
        current=columns["current"],
        width=columns["width"],
        probability=columns["p_sw"],
        attempts=columns.get("attempts"),
        direction=columns["direction"].astype(np.int64) if "direction" in columns else None,
    )
    _check_contradictions(measurement)
    return measurement


@dataclass(frozen=True)
class _Column:
    """A column: its name in the file, what it holds, and the power of ten of its unit."""

    name: str
    quantity: str
    exponent: int = 0

    def in_units(self, value: float) -> str:
        """Write a value of the quantity in the column's unit."""
        unit = _QUANTITIES[self.quantity][2]
        prefix = next(prefix for prefix, exponent in _PREFIXES.items() if exponent == self.exponent) if unit else ""
        return f"{value / 10.0**self.exponent:g} {prefix}{unit}".rstrip()


def _column(where: str, name: str) -> _Column:
    """Understand the name of a column: a quantity and, behind a blank or an underscore, or in brackets, its unit."""
    parts = re.fullmatch(r"(current|voltage|width|p_sw|attempts|counts|direction)[ _]*[(\[]?([^\s()\[\]]*)[)\]]?", name)
    if parts is None:
        raise MeasurementError(f"{where}: unknown column {name!r}: columns are {_NAMES}, the unit is part of the name")
    quantity, unit = parts.groups()
    if quantity == "p_sw" and unit in ("percent", "%"):
        return _Column(name, quantity, -2)
    base = "" if quantity == "direction" else _QUANTITIES[quantity][2]
    units = {prefix + base: exponent for prefix, exponent in _PREFIXES.items()} if base else {"": 0}
    if unit not in units:
        known = f"give one of {', '.join(dict.fromkeys(units))}" if base else "it has none"
        raise MeasurementError(f"{where}: column {name!r}: unknown unit {unit!r} of {quantity}: {known}")
    return _Column(name, quantity, units[unit])


def _check_header(where: str, quantities: list[str], names: tuple[str, ...]) -> None:
    """Every quantity is there once at most; the needed ones are there."""
    for quantity, name in zip(quantities, names, strict=True):
        if quantities.count(quantity) > 1:
            raise MeasurementError(f"{where}: column {name!r} is there {quantities.count(quantity)} times, not once")
    if "width" not in quantities:
        raise MeasurementError(f"{where}: column 'width_s' is missing")
    if "counts" in quantities and "attempts" not in quantities:
        raise MeasurementError(f"{where}: column 'attempts' is missing, of which 'counts' have switched")
    if "p_sw" not in quantities and "counts" not in quantities:
        raise MeasurementError(f"{where}: column 'p_sw' is missing")
    if "p_sw" in quantities and "counts" in quantities:
        raise MeasurementError(f"{where}: columns 'p_sw' and 'counts' say the same: give one")
    if ("current" in quantities) == ("voltage" in quantities):
        raise MeasurementError(f"{where}: one of the columns 'current_A' and 'voltage_V' is needed, not both or none")


def _row(where: str, header: list[_Column], fields: tuple[str, ...], separator: str) -> dict[str, float]:
    """Values of one line by quantity, in A, V, s."""
    if len(fields) != len(header):
        hint = ": are there decimal commas? separate columns by semicolons then" if separator == "," else ""
        hint *= len(fields) > len(header)
        raise MeasurementError(f"{where}: {len(fields)} fields for {len(header)} columns{hint}")
    return {
        column.quantity: _value(where, column, field, separator) for column, field in zip(header, fields, strict=True)
    }


def _value(where: str, column: _Column, field: str, separator: str) -> float:
    """Value of a field; where commas do not separate fields, they are decimal ones."""
    name = column.name
    if column.quantity == "direction":
        if field not in DIRECTIONS:
            raise MeasurementError(f"{where}: direction must be {' or '.join(DIRECTIONS)}, not {field!r}")
        return DIRECTIONS[field]
    low, high, _, hint = _QUANTITIES[column.quantity]
    try:
        # exact: 47 uA is the same number as 47e-6 A
        value = float(Decimal(field.replace(",", ".") if separator != "," else field).scaleb(column.exponent))
    except (InvalidOperation, ValueError):
        raise MeasurementError(f"{where}: {name} must be a number, not {field!r}") from None
    if not low <= value <= high:
        limits = f"{column.in_units(low).split()[0]} .. {column.in_units(high)}"
        raise MeasurementError(f"{where}: {name} must be {limits}, not {field}: {hint}")
    if column.quantity in ("attempts", "counts") and value != int(value):
        raise MeasurementError(f"{where}: {name} must be a whole number, not {field}")
    return value


def _check_counts(path: Path, table: Table, columns: dict[str, NDArray[np.float64]]) -> None:
    """No more pulses have switched than there were."""
    for at in np.flatnonzero(columns["counts"] > columns["attempts"]).tolist():
        raise MeasurementError(
            f"{path}: line {table.lines[at + 1][0]}: counts must be 0 .. attempts = {columns['attempts'][at]:g}, "
            f"not {columns['counts'][at]:g}"
        )


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
