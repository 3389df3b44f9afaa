"""Rules across blocks: every one refuses with field, rule and value; and what follows from a configuration."""

import re
from dataclasses import replace
from typing import Any

import pytest

from cocotb_tests.kit.configs import series
from gen import config as named
from golden.array.synapse_array import ArrayParameters
from golden.config import MachineConfig, TrainingParameters, variant
from sim.random_config import random_config

TINY = named.load("tiny")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layers": ()}, "layers must name at least inputs and classes, not []"),
        ({"layers": (5,)}, "layers must name at least inputs and classes, not [5]"),
        ({"layers": (10, 0, 3)}, "layers must be 1 .. 65536 neurons each, not 0"),
        ({"layers": (65537, 3)}, "layers must be 1 .. 65536 neurons each, not 65537"),
        ({"layers": (10, 6, 5, 1)}, "the last of layers must be 2 .. 256 classes, not 1"),
        ({"layers": (10, 6, 5, 257)}, "the last of layers must be 2 .. 256 classes, not 257"),
        (
            {"layers": (10, 6, 5, 17)},
            "a label of 17 classes must fit a sample word of 2 * array.group = 4 bits: widen array.group",
        ),
        (
            {"layers": (65536, 65536, 5, 3)},
            "layers need 1073823749 rows, more than 2^20: widen array.lanes",
        ),
        (
            {"random": replace(TINY.random, width=15, tap=1, leap=15, seed=1)},
            "switching.threshold_bits must not exceed random.width = 15, not 16",
        ),
        (
            {
                "random": replace(TINY.random, width=5, tap=2, leap=5, seed=1),
                "switching": replace(TINY.switching, threshold_bits=4),
                "array": ArrayParameters(32, 2),
            },
            "32 random streams do not fit the period 2^5 - 1: widen random.width",
        ),
        (
            {"error": replace(TINY.error, bits=8), "gradient": replace(TINY.gradient, bits=7)},
            "gradient.bits must be at least error.bits = 8, not 7",
        ),
        (
            {"training": replace(TINY.training, update_shifts=(8, 8))},
            "training.update_shifts must name one update shift per layer (3), not [8, 8]",
        ),
        (
            {"training": replace(TINY.training, update_shifts=(8, 4, 8))},
            "training.update_shifts must be pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1 = 5 .. 14, not 4",
        ),
        (
            {
                "gradient": replace(TINY.gradient, update_shifts=(8, 9)),
                "training": replace(TINY.training, update_shifts=(8, 10, 9)),
            },
            "training.update_shifts must be in gradient.update_shifts = 8 .. 9, not 10",
        ),
        (
            {"gradient": replace(TINY.gradient, update_shifts=(4, 9))},
            "gradient.update_shifts must be pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1 = 5 .. 14, not [4, 9]",
        ),
        (
            {"gradient": replace(TINY.gradient, update_shifts=(8, 15))},
            "gradient.update_shifts must be pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1 = 5 .. 14, not [8, 15]",
        ),
        (
            {"training": replace(TINY.training, update_shifts=(8, 8, 15))},
            "training.update_shifts must be pulse.nu_bits .. pulse.nu_bits + gradient.bits - 1 = 5 .. 14, not 15",
        ),
    ],
)
def test_rules_across_blocks(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(TINY, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch": 0}, "training.batch must be 1 .. 65535 samples, not 0"),
        ({"batch": 65536}, "training.batch must be 1 .. 65535 samples, not 65536"),
        ({"epochs": 0}, "training.epochs must be >= 1, not 0"),
        ({"shift_increase_every": -1}, "training.shift_increase_every must be >= 0 epochs, not -1"),
    ],
)
def test_rules_of_training(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        TrainingParameters(**{"batch": 4, "epochs": 2, "update_shifts": (8,), **fields})


def test_limits_are_allowed() -> None:
    """What stands in a message's range is accepted, the ends included."""
    replace(TINY, layers=(10, 6, 5, 16))
    replace(TINY, training=replace(TINY.training, update_shifts=(5, 14, 5)))
    replace(TINY, error=replace(TINY.error, bits=8), gradient=replace(TINY.gradient, bits=8))
    replace(TINY, training=TrainingParameters(65535, 1, (8, 8, 8)))
    wide = replace(
        TINY, layers=(65536, 2), array=ArrayParameters(2, 2), training=replace(TINY.training, update_shifts=(8,))
    )
    assert wide.geometry.rows == 65536


@pytest.mark.parametrize("config", [TINY, *series(3, 8).values()], ids=range(10))
def test_equal_configurations(config: MachineConfig) -> None:
    """A configuration is a value: equal fields, equal objects, equal programs."""
    other = replace(config)
    assert other == config
    assert hash(other) == hash(config)
    assert other.program == config.program
    assert config.steps == (2 if config.array.synapse == "ternary" else 1)


def test_rates_slow_down() -> None:
    """Rates rise by one every so many epochs, each up to the largest update shift."""
    config = variant(TINY, training={"update_shifts": (8, 13, 14), "shift_increase_every": 3})
    assert [config.update_shifts(epoch) for epoch in (0, 2, 3, 5, 6, 300)] == [
        (8, 13, 14),
        (8, 13, 14),
        (9, 14, 14),
        (9, 14, 14),
        (10, 14, 14),
        (14, 14, 14),
    ]
    assert TINY.update_shifts(1000) == TINY.training.update_shifts
    few = variant(
        TINY, gradient={"update_shifts": (8, 10)}, training={"update_shifts": (8, 9, 10), "shift_increase_every": 1}
    )
    assert [few.update_shifts(epoch) for epoch in (0, 1, 2, 9)] == [(8, 9, 10), (9, 10, 10), (10, 10, 10), (10, 10, 10)]


def test_random_configurations_repeat() -> None:
    """The same seed and number give the same configuration; four in a row have every synapse and scheme."""
    assert random_config(5, 2) == random_config(5, 2)
    assert random_config(5, 2) != random_config(6, 2)
    kinds = {(c.array.synapse, c.array.scheme) for c in (random_config(5, number) for number in range(4))}
    assert len(kinds) == 4


def test_random_configurations_can_be_loaded_or_not() -> None:
    """What a host can load varies, each by itself."""
    found = {
        (c.random.loadable, c.switching.loadable, c.pulse.loadable)
        for c in (random_config(5, number) for number in range(60))
    }
    assert len(found) == 8
