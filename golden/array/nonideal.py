"""Device variation and defects of an array: devices that differ or are stuck, converters that err."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from golden.array.converter import ConverterParameters
from golden.lib import seeded_hash
from golden.lib.separated_text import Table, read_table

#: A stuck device: row, lane, device (0 for R1, 1 for R2), state (1 parallel, 0 antiparallel).
Stuck = tuple[int, int, int, int]

_COLUMNS = ("row", "lane", "device", "state")
_STATES = {"P": 1, "AP": 0}


class StuckMapError(ValueError):
    """A map of stuck devices cannot be used; the message is one line."""


@dataclass(frozen=True)
class NonidealParameters:
    """Non-idealities of the array; all are off by default, and cost no hardware then.

    How much devices differ belongs to their physics, `golden.tables.SwitchingParameters.variation`; which bin each
    device is of follows from the seed here.

    Attributes
    ----------
    seed : int, 0 .. 2^64 - 1
        Device bins, stuck devices and offsets follow from it. Another seed is another specimen.
    stuck_parallel, stuck_antiparallel : float, 0 .. 1
        Probability that a device is stuck in either state, together at most 1.
    stuck : tuple of Stuck
        Devices known to be stuck: row, lane, device (0 for R1, 1 for R2), state (1 parallel, 0 antiparallel). They
        override what the probabilities choose.
    columns, rows : ConverterParameters
        Read-out of column sums and of row sums.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    seed: int = 1
    stuck_parallel: float = 0.0
    stuck_antiparallel: float = 0.0
    stuck: tuple[Stuck, ...] = ()
    columns: ConverterParameters = field(default_factory=ConverterParameters)
    rows: ConverterParameters = field(default_factory=ConverterParameters)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 64:
            raise ValueError(f"nonideal.seed must be 0 .. 2^64 - 1, not {self.seed}")
        for name in ("stuck_parallel", "stuck_antiparallel"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"nonideal.{name} must be 0 .. 1, not {getattr(self, name)}")
        if self.stuck_parallel + self.stuck_antiparallel > 1:
            raise ValueError(
                f"nonideal.stuck_parallel + nonideal.stuck_antiparallel must be at most 1, not "
                f"{self.stuck_parallel + self.stuck_antiparallel}"
            )
        places: set[tuple[int, int, int]] = set()
        for row, lane, device, state in self.stuck:
            if state not in (0, 1):
                raise ValueError(f"nonideal.stuck: state must be 1 (parallel) or 0 (antiparallel), not {state}")
            if (row, lane, device) in places:
                raise ValueError(f"nonideal.stuck names row {row}, lane {lane}, device {device} twice")
            places.add((row, lane, device))

    @property
    def any_stuck(self) -> bool:
        """Whether devices may be stuck."""
        return bool(self.stuck) or self.stuck_parallel + self.stuck_antiparallel > 0

    @property
    def converting(self) -> bool:
        """Whether sums pass through converters, which takes `CONVERSION` cycles."""
        return self.columns.on or self.rows.on

    def noise_streams(self, group: int) -> tuple[int, int]:
        """Random streams of the converters of columns, of which there are `group`, and of that of rows."""
        return group * (self.columns.noise > 0), int(self.rows.noise > 0)

    def check(self, *, rows: int, lanes: int, devices: int, column_bits: int, row_bits: int) -> None:
        """Refuse what does not fit an array of this shape, with sums of these widths."""
        for cell in self.stuck:
            inside = all(0 <= number < limit for number, limit in zip(cell, (rows, lanes, devices), strict=False))
            if not inside:
                raise ValueError(
                    f"nonideal.stuck: row, lane, device {list(cell[:3])} is outside the array of {rows} rows, {lanes} "
                    f"lanes, {devices} devices, all counted from 0"
                )
        for name, bits in (("columns", column_bits), ("rows", row_bits)):
            try:
                getattr(self, name).result_bits(bits)
            except ValueError as error:
                raise ValueError(f"nonideal.{name}: {error}") from error

    def stuck_devices(self, rows: int, lanes: int, devices: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Say which devices are stuck.

        Parameters
        ----------
        rows, lanes, devices : int
            Shape of the array; devices per synapse.

        Returns
        -------
        stuck : ndarray of bool, shape (devices, rows, lanes)
            Which are.
        states : ndarray of uint8, shape (devices, rows, lanes)
            In which state, 1 parallel; 0 for all others.
        """
        shape = (devices, rows, lanes)
        stuck, states = np.zeros(shape, bool), np.zeros(shape, np.uint8)
        if self.stuck_parallel + self.stuck_antiparallel > 0:
            chosen = seeded_hash.words(self.seed, "stuck", shape).astype(np.float64)
            parallel = chosen < self.stuck_parallel * 2.0**32
            stuck = chosen < (self.stuck_parallel + self.stuck_antiparallel) * 2.0**32
            states = parallel.astype(np.uint8)
        for row, lane, device, state in self.stuck:
            stuck[device, row, lane] = True
            states[device, row, lane] = state
        return stuck, states


def read_map(path: Path) -> tuple[Stuck, ...]:
    """Read a map of stuck devices.

    Parameters
    ----------
    path : Path
        Either a CSV file whose first line names the columns ``row,lane,device,state``, the state being P or AP,
        as `golden.lib.separated_text` reads it; or a NumPy file (``.npy``) of integers, shape (n, 4), with the same
        columns, the state being 1 (parallel) or 0.

    Returns
    -------
    tuple of Stuck
        In the order of the file.

    Raises
    ------
    StuckMapError
        If the file cannot be read; the message names file, line and rule.
    """
    where = f"map of stuck devices {str(path)!r}"
    try:
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return _from_array(path, _array(file, where))
        table = read_table(path)
    except OSError as error:
        raise StuckMapError(f"{where} cannot be read: {error.strerror}") from error
    except StuckMapError:
        raise
    except ValueError as error:
        raise StuckMapError(f"{where} is no table: {error}") from error
    return _from_table(path, table)


def _array(file: BinaryIO, where: str) -> NDArray[np.generic]:
    """Read a NumPy file."""
    try:
        return np.lib.format.read_array(file, allow_pickle=False)
    # NumPy does not say which exceptions a file can cause, and its texts advise to trust the file
    except Exception as error:
        raise StuckMapError(f"{where} is no NumPy file of numbers, or only a part of one") from error


def _from_array(path: Path, array: NDArray[np.generic]) -> tuple[Stuck, ...]:
    """Take the rows of an array."""
    if array.ndim != 2 or array.shape[1] != len(_COLUMNS) or not np.issubdtype(array.dtype, np.integer):
        raise StuckMapError(
            f"map of stuck devices {str(path)!r} must hold integers of shape (n, 4), the columns "
            f"{', '.join(_COLUMNS)}, not {array.dtype} of shape {array.shape}"
        )
    return tuple((int(row), int(lane), int(device), int(state)) for row, lane, device, state in array)


def _from_table(path: Path, table: Table) -> tuple[Stuck, ...]:
    """Take the lines of a table."""
    where = f"map of stuck devices {str(path)!r}"
    header = table.lines[0][1] if table.lines else ()
    if header != _COLUMNS:
        raise StuckMapError(f"{where} must begin with the line {','.join(_COLUMNS)}, not {','.join(header)!r}")
    found: list[Stuck] = []
    for at, fields in table.lines[1:]:
        if len(fields) != len(_COLUMNS):
            raise StuckMapError(f"{where}, line {at}: {len(_COLUMNS)} fields are needed, not {len(fields)}")
        for name, text in zip(_COLUMNS, fields[:3], strict=False):
            if not text.isdecimal():
                raise StuckMapError(f"{where}, line {at}: {name} must be a number from 0, not {text!r}")
        if fields[3] not in _STATES:
            raise StuckMapError(f"{where}, line {at}: state must be P or AP, not {fields[3]!r}")
        found.append((int(fields[0]), int(fields[1]), int(fields[2]), _STATES[fields[3]]))
    return tuple(found)
