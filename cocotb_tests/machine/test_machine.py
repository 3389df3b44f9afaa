"""The whole machine, bit for bit and cycle for cycle, in every configuration and whatever its streams do."""

import os
from pathlib import Path

import pytest

from cocotb_tests import runner
from cocotb_tests.machine import rtl
from gen import config as named

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
    outcome = rtl.present(rtl.generate(named.load("digits")), tmp_path, batches=2, simulator=SIM, quick=False)
    assert not outcome.mismatch
    assert outcome.counters["switches"] > 0
