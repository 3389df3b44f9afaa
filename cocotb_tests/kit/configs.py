"""Configurations that tests run over."""

import os
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
    """Make pytest parameters ``config``: named and random configurations; for Icarus, which is slow, `tiny` alone."""
    if "DESIGN" in os.environ:
        return []  # the module is being imported inside the simulation
    count = 0 if block_bench.simulator() == "icarus" else count
    return [pytest.param(config, id=title) for title, config in series(runner.seed(), count).items()]


def tiny() -> MachineConfig:
    """Load the smallest named configuration, of which tests make variants."""
    return named.load("tiny")
