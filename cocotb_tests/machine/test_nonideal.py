"""The whole machine on arrays with something wrong, bit for bit and cycle for cycle."""

import os
from pathlib import Path

import pytest

from cocotb_tests import runner
from cocotb_tests.configs import nonideal
from cocotb_tests.machine import rtl, slow_array
from gen import config as named

SIM = os.environ.get("SIM", "verilator")


@pytest.mark.parametrize("number", range(4))
def test_random_configuration(tmp_path: Path, number: int) -> None:
    """All synapses and schemes, each with spread, stuck devices and converters or some of them."""
    config = rtl.lively(runner.seed(), number, nonideal=True)
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=4, simulator=SIM)
    assert not outcome.mismatch, config
    assert outcome.counters["pulses"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4, 16))
def test_more_random_configurations(tmp_path: Path, number: int) -> None:
    """More of the same."""
    config = rtl.lively(runner.seed(), number, nonideal=True)
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=8, stalls=number % 3, simulator=SIM)
    assert not outcome.mismatch, config


def test_slow_array_is_ideal() -> None:
    """The second array refuses what it does not have."""
    config = nonideal(named.load("tiny"), 1, 1)
    with pytest.raises(ValueError, match="the slow array is ideal"):
        slow_array.write(config, {"modules": {"mtj_gxnor_array": {"ports": {}}}})
