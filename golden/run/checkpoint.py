"""Checkpoints: where a run stands, in a file of which everything is checked when it is read."""

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.counters import COUNTER_BITS
from golden.lib import headed_arrays
from golden.machine import Machine


class CheckpointError(ValueError):
    """A checkpoint cannot be used, or does not belong to this run; the message is one line."""


@dataclass
class Epoch:
    """What one epoch brought: correct predictions, and how many samples were presented."""

    train_correct: int = 0
    train_samples: int = 0
    test_correct: int = 0
    test_samples: int = 0


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands between two steps: steps done, curve, state and counters of the golden machine."""

    done: int
    curve: list[Epoch]
    state: dict[str, NDArray[np.int64]]
    counters: dict[str, int]


@dataclass(frozen=True)
class Past:
    """What the sessions of a run took so far.

    Attributes
    ----------
    seconds : float
        Their time, s.
    compared : int
        Values compared.
    careful : int
        Steps up to which the whole state is compared after every one.
    figures : dict of str to float
        What their backends counted.
    """

    seconds: float = 0.0
    compared: int = 0
    careful: int = 0
    figures: dict[str, float] = field(default_factory=dict)


def write(path: Path, identity: dict[str, Any], snapshot: Snapshot, past: Past) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    identity : dict
        Everything that decides the run's course, by name.
    snapshot : Snapshot
        Where it stands.
    past : Past
        What it took.
    """
    header = {
        "identity": identity,
        "done": snapshot.done,
        "curve": [asdict(epoch) for epoch in snapshot.curve],
        "counters": snapshot.counters,
        "past": asdict(past),
    }
    headed_arrays.write(path, header, dict(snapshot.state))


def read(path: Path, identity: dict[str, Any], machine: Machine) -> tuple[Snapshot, Past]:
    """Read a checkpoint of a run.

    Parameters
    ----------
    path : Path
        The file.
    identity : dict
        The run's.
    machine : Machine
        A machine of the run's configuration, which is left as it is.

    Returns
    -------
    snapshot, past
        As they were written; the machine can be in this state. That steps done and curve fit the run is for the run
        to say.

    Raises
    ------
    CheckpointError
        If there is none, it cannot be read, it belongs to another run, or no run could have written it.
    """
    if not path.is_file():
        raise CheckpointError(f"nothing to resume: there is no checkpoint {path}")
    try:
        header, state = headed_arrays.read(path)
        theirs = header.get("identity")
    except (OSError, headed_arrays.DamagedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(f"checkpoint {path} cannot be read ({reason}): start without --resume") from error
    if (difference := _difference(theirs, identity)) is not None:
        name, one, other = difference
        raise CheckpointError(
            f"checkpoint {path} belongs to another run: {name} is {one} there and {other} here; "
            f"use the same settings, or start without --resume"
        )
    try:
        _check_state(state, machine)
        counters = _whole_numbers(_table(header, "counters"), "counters", list(machine.counters))
        past = _past(_table(header, "past"))
        curve = [Epoch(**_whole_numbers(entry, "curve", _EPOCH)) for entry in _list(header, "curve")]
        done = _whole_numbers({"done": header.get("done")}, "steps", ["done"])["done"]
    except ValueError as error:
        raise damaged(path, str(error)) from error
    return Snapshot(done, curve, state, counters), past


def damaged(path: Path, reason: str) -> CheckpointError:
    """Say that no run can have written a checkpoint."""
    return CheckpointError(f"checkpoint {path} is damaged: {reason}; start without --resume")


_EPOCH = [part.name for part in fields(Epoch)]


def _difference(one: Any, other: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Find the first value by which two nested dictionaries differ: its dotted name and both values."""
    if one == other:
        return None
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return name or "identity", one, other
    keys = [key for key in (*one, *other) if one.get(key) != other.get(key)]
    return _difference(one.get(keys[0]), other.get(keys[0]), f"{name}.{keys[0]}".lstrip("."))


def _check_state(state: dict[str, NDArray[Any]], machine: Machine) -> None:
    """Refuse a state that the machine cannot be in."""
    expected = machine.state()
    for name in (*expected, *state):
        if name not in state or name not in expected:
            raise ValueError(f"{name} is {'missing' if name in expected else 'nothing that this machine has'}")
        shape, known = state[name].shape, expected[name].shape
        if state[name].dtype != np.int64 or shape != known:
            raise ValueError(f"{name} is {state[name].dtype} of shape {list(shape)}, not int64 of {list(known)}")
    for name, (low, high) in machine.ranges().items():
        outside = (state[name] < low) | (state[name] > high)
        if outside.any():
            raise ValueError(f"{name} must be {low} .. {high}, not {state[name][outside][0]}")
    array = machine.array
    for name, stuck, states in zip(("r1", "r2"), array.stuck, array.stuck_states, strict=False):
        if (state[name] != states)[stuck].any():
            raise ValueError(f"{name} has stuck devices in other states than theirs")


def _table(header: dict[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(table := header.get(name), dict):
        raise ValueError(f"{name} is no table")
    return table


def _list(header: dict[str, Any], name: str) -> list[Any]:
    if not isinstance(found := header.get(name), list):
        raise ValueError(f"{name} is no list")
    return found


def _whole_numbers(found: Any, where: str, names: list[str]) -> dict[str, int]:
    """Refuse anything but whole numbers, as large as counters, under these names."""
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        raise ValueError(f"{where} has not the entries {', '.join(names)}")
    for name, number in found.items():
        if type(number) is not int or not 0 <= number < 1 << COUNTER_BITS:
            raise ValueError(f"{where}: {name} must be a whole number 0 .. 2^{COUNTER_BITS} - 1, not {number!r}")
    return found


def _past(found: dict[str, Any]) -> Past:
    """Refuse anything but finite numbers from 0."""
    seconds, figures = found.pop("seconds", None), found.pop("figures", None)
    if not isinstance(figures, dict):
        raise ValueError("figures is no table")
    for name, number in {"seconds": seconds, **figures}.items():
        if type(number) not in (int, float) or not 0 <= number < math.inf:
            raise ValueError(f"{name} must be a number >= 0, not {number!r}")
    return Past(seconds=seconds, figures=figures, **_whole_numbers(found, "past", ["compared", "careful"]))
