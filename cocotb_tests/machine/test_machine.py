"""The whole machine, bit for bit and cycle for cycle, in every configuration and whatever its streams do."""

import os
from pathlib import Path

import pytest

from cocotb_tests.machine import rtl
from gen import config as named
from golden.config import variant
from sim import runner

SIM = os.environ.get("SIM", "verilator")
STALLS = {"no stalls": 0, "random stalls": 1, "long stalls": 2}


@pytest.mark.parametrize("stalls", STALLS.values(), ids=[name.replace(" ", "-") for name in STALLS])
def test_tiny(tmp_path: Path, stalls: int) -> None:
    """Three layers, folded and padded, under every behaviour of the streams."""
    outcome = rtl.present(rtl.generate(named.load("tiny")), tmp_path, batches=6, stalls=stalls, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.compared > 1000
    assert outcome.counters["switches"] > 0
    assert outcome.counters["backward_rows_sensed"] > 0
    assert outcome.counters["backward_rows_driven"] > 0


def test_many_batches_in_one_command(tmp_path: Path) -> None:
    """The host gives one command for several mini-batches and nothing in between."""
    outcome = rtl.present(rtl.generate(named.load("tiny")), tmp_path, batches=6, at_once=3, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.counters["updates"] == 7


@pytest.mark.parametrize("number", range(4))
def test_random_configuration(tmp_path: Path, number: int) -> None:
    """All synapses and schemes with random sizes and parameters."""
    config = rtl.lively(runner.seed(), number)
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=4, simulator=SIM)
    assert not outcome.mismatch, config
    assert outcome.counters["pulses"] > 0


@pytest.mark.parametrize(
    ("synapse", "scheme", "slices", "stages", "adders"),
    [
        ("ternary", "verified", 2, 3, "chains"),
        ("ternary", "blind", 4, 1, "planes"),
        ("binary", "verified", 1, 3, "planes"),
        ("binary", "blind", 4, 2, "chains"),
    ],
)
def test_slices(tmp_path: Path, synapse: str, scheme: str, slices: int, stages: int, adders: str) -> None:
    """Arrays as FPGAs want them: rows of several pulses wait for an array that writes slice by slice."""
    array = {"synapse": synapse, "scheme": scheme, "slices": slices, "stages": stages, "adders": adders}
    config = variant(
        named.load("tiny"),
        array=array,
        pulse={"nu_bits": 2, "dead_zone": 1},
        gradient={"bits": 5, "leak": 3, "reset_on_switch": True},
        training={"update_shifts": (2, 3, 2)},
    )
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=6, stalls=slices % 3, simulator=SIM)
    assert not outcome.mismatch, config
    assert outcome.counters["rows_pulsed"] > outcome.counters["update_rows"] // 2


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4, 28))
def test_more_random_configurations(tmp_path: Path, number: int) -> None:
    """More of the same."""
    config = rtl.lively(runner.seed(), number)
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=8, stalls=number % 3, simulator=SIM)
    assert not outcome.mismatch, config


@pytest.mark.skipif(SIM == "icarus", reason="the four-state tier is small")
def test_digits(tmp_path: Path) -> None:
    """The embedded default."""
    outcome = rtl.present(rtl.generate(named.load("digits")), tmp_path, batches=2, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.counters["switches"] > 0
