"""The part of the benchmark that runs inside the simulation (cocotb module of `sim.bench`)."""

import json
import os
import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject

from golden.samples import Samples
from sim import manifest_reader as manifests
from sim.host import Host


@cocotb.test()
async def train(dut: HierarchyObject) -> None:
    """Form the machine and train on the samples that MTJ_WORK holds, mini-batch by mini-batch, as `make train` does."""
    work = Path(os.environ["MTJ_WORK"])
    manifest = manifests.read(work)
    config = manifests.config(manifest)
    stored = np.load(work / "bench.npz")
    samples, batch = Samples(stored["trits"], stored["labels"]), config.training.batch
    host = Host(dut, manifest, work)
    await host.reset()
    await host.command("INIT_RANDOM")
    started, cycles = time.process_time(), 0
    for first in range(0, len(samples), batch):
        part = samples[first : first + batch]
        host.play(part)
        cycles += await host.command("TRAIN", len(part), batch, config.update_shifts(0))
    seconds = time.process_time() - started
    (work / "bench.json").write_text(json.dumps({"cycles": cycles, "seconds": seconds}))
