"""The whole machine on arrays with something wrong, bit for bit and cycle for cycle."""

import os
from pathlib import Path

import pytest

from cocotb_tests.machine import rtl, slow_array
from gen import config as named
from golden.array.converter import ConverterParameters
from golden.config import variant
from sim import runner
from sim.random_config import loadable, nonideal

SIM = os.environ.get("SIM", "verilator")
_SPREAD = {
    "model": "erf",
    "device": "perpendicular_50nm",
    "current_to_antiparallel": 45e-6,
    "current_to_parallel": 55e-6,
    "code_bits": 2,
    "threshold_bits": 7,
    "width_max": 30e-9,
    "variation_bins": 2,
    "variation": 0.05,
}


@pytest.mark.parametrize("number", range(4))
def test_random_configuration(tmp_path: Path, number: int) -> None:
    """All synapses and schemes, each with variation, stuck devices and converters or some of them."""
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


def test_slices(tmp_path: Path) -> None:
    """Everything wrong and everything loadable, on an array that writes two lanes of a slice at a time."""
    noisy = ConverterParameters(0, 0, 1, 4, 0)
    config = variant(
        loadable(named.load("tiny")),
        array={"slices": 2, "stages": 3, "adders": "chains"},
        switching=_SPREAD,
        nonideal={"stuck_parallel": 0.1, "stuck_antiparallel": 0.1, "columns": noisy, "rows": noisy},
        pulse={"nu_bits": 2, "dead_zone": 1},
        gradient={"bits": 5, "leak": 3, "reset_on_switch": True},
        training={"update_shifts": (2, 3, 2)},
    )
    outcome = rtl.present(rtl.generate(config), tmp_path, batches=6, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.counters["switches"] > 0


def test_slow_array_is_ideal() -> None:
    """The second array refuses what it does not have."""
    config = nonideal(named.load("tiny"), 1, 1)
    with pytest.raises(ValueError, match="the slow array is ideal"):
        slow_array.write(config, {"modules": {"mtj_gxnor_array": {"ports": {}}}})
