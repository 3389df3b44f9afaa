"""The macro boundary: another array with the same ports takes the place of the emulated one."""

import json
import os
from pathlib import Path

import pytest

from cocotb_tests.machine import rtl, slow_array
from gen import config as named
from golden.config import MachineConfig

SIM = os.environ.get("SIM", "verilator")


CONFIGS = {"tiny": named.load("tiny")} | {f"random{n}": rtl.lively(11, n) for n in range(2)}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_slow_array_gives_the_same_machine(tmp_path: Path, config: MachineConfig) -> None:
    """An array written independently, lane by lane and with random latency, trains to the same bits."""
    files = rtl.generate(config)
    periphery = files["periphery.v"]
    manifest = json.loads(files["manifest.json"])
    manifest["probes"] = {k: v for k, v in manifest["probes"].items() if not k.startswith("random_")}
    files |= {"array.v": slow_array.write(config, manifest), "manifest.json": json.dumps(manifest)}
    outcome = rtl.present(files, tmp_path, batches=5, cycles=False, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.counters["pulses"] > 0
    assert files["periphery.v"] == periphery
