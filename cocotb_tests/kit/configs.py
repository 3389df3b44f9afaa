"""Configurations that tests run over."""

import os
from collections.abc import Sequence
from typing import Any

import pytest

from gen import config as named
from golden.config import MachineConfig
from sim import block_bench, runner
from sim.random_config import random_config


def series(seed: int, count: int = 2) -> dict[str, MachineConfig]:
    """Configurations that a test runs over.

    Parameters
    ----------
    seed : int
        Seed of the random ones.
    count : int
        How many random ones.

    Returns
    -------
    dict of str to MachineConfig
        Title -> configuration: ``tiny``, then ``random0`` and following.
    """
    return {"tiny": named.load("tiny"), **{f"random{i}": random_config(seed, i) for i in range(count)}}


def cases(count: int = 2) -> list[Any]:
    """Make pytest parameters ``config``: `tiny`, a random one, more of them slow; for Icarus, which is slow, `tiny`."""
    if "DESIGN" in os.environ:
        return []  # the module is being imported inside the simulation
    count = 0 if block_bench.simulator() == "icarus" else count
    found = series(runner.seed(), count).items()
    return [
        pytest.param(config, id=title, marks=pytest.mark.slow if number > 1 else ())
        for number, (title, config) in enumerate(found)
    ]


def tiny() -> MachineConfig:
    """Load the smallest named configuration, of which tests make variants."""
    return named.load("tiny")


def crossed(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Make pytest parameters of all pairs; beyond those in which every value is met once, they are slow.

    Parameters
    ----------
    first, second : sequence
        Values, or tuples of values, or pytest parameters with one value and an id.

    Returns
    -------
    list of pytest.param
        The values of the first, then those of the second.
    """

    def parts(case: Any) -> tuple[tuple[Any, ...], str]:
        if hasattr(case, "values") and hasattr(case, "marks"):
            return tuple(case.values), str(case.id)
        values = case if isinstance(case, tuple) else (case,)
        return values, "-".join(map(str, values))

    found = []
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            (left, name), (right, suffix) = parts(one), parts(other)
            marks = [] if (i - j) % min(len(first), len(second)) == 0 else [pytest.mark.slow]
            found.append(pytest.param(*left, *right, id=f"{name}-{suffix}", marks=marks))
    return found
