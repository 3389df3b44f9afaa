"""Trains and tests on made-up samples, RTL and golden machine side by side (cocotb module of the machine tests)."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject

from cocotb_tests.kit.observed_state import machine_pair
from golden.config import MachineConfig
from golden.machine import Machine
from golden.run.comparison import Mismatch, compare
from golden.samples import Samples
from sim import manifest_reader as manifests
from sim.host import Hang, Host

#: Clock cycles after which a command counts as hanging.
_HANG = 1_000_000


@dataclass(frozen=True)
class PresentationJob:
    """What shall be presented; written and read as JSON.

    Attributes
    ----------
    work : str
        Folder with the design's manifest; samples, results and outcome go there.
    batches : int
        Mini-batches to train on.
    at_once : int
        Mini-batches per TRAIN command.
    stalls : int
        How the harness's streams pause.
    cycles : bool
        Whether cycle counts are compared.
    """

    work: str
    batches: int
    at_once: int = 1
    stalls: int = 0
    cycles: bool = True

    def write(self) -> Path:
        """Write the job into its folder."""
        path = Path(self.work) / "job.json"
        path.write_text(json.dumps(asdict(self)))
        return path


def make_samples(config: MachineConfig, rng: np.random.Generator, count: int) -> Samples:
    """Make samples that can be learned: a pattern per class, a fifth of its trits replaced."""
    patterns = np.random.default_rng(7).integers(-1, 2, (config.sizes[-1], config.sizes[0])).astype(np.int8)
    labels = rng.integers(0, config.sizes[-1], count).astype(np.uint8)
    shape = count, config.sizes[0]
    noise = rng.integers(-1, 2, shape).astype(np.int8)
    return Samples(np.where(rng.random(shape) < 0.2, noise, patterns[labels]), labels)


@cocotb.test()
async def present(dut: HierarchyObject) -> None:
    """Form, train and test, comparing after every command; write what came of it to outcome.json."""
    job = PresentationJob(**json.loads(Path(os.environ["MTJ_JOB"]).read_text()))
    work = Path(job.work)
    manifest = manifests.read(work)
    config = manifests.config(manifest)
    host, machine = Host(dut, manifest, work, limit=_HANG), Machine(config)
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    compared, mismatch, logged = 0, "", 0

    async def command(where: str, op: str, samples: Samples) -> None:
        nonlocal compared, logged
        if len(samples):
            host.play(samples)
        await host.command(op, len(samples), config.training.batch, config.training.update_shifts)
        predictions = np.zeros(0, np.int64)
        if op == "INIT_RANDOM":
            machine.initialise()
        elif op == "TRAIN":
            predictions = machine.train(samples, config.training.batch, config.training.update_shifts)
        else:
            predictions = machine.test(samples)
        rtl, golden = await machine_pair(host, machine, cycles=job.cycles)
        if len(predictions):
            lines = (work / "results.txt").read_text().splitlines()[logged:]
            logged += len(lines)
            found = [int(line.split()[0]) for line in lines]
            rtl["predictions"] = np.array(found, np.int64)
            golden["predictions"] = predictions
        compared += compare(where, rtl, golden)

    await host.reset(job.stalls)
    try:
        await command("initialise", "INIT_RANDOM", make_samples(config, rng, 0))
        for first in range(0, job.batches, job.at_once):
            count = config.training.batch * job.at_once
            await command(f"batch {first}", "TRAIN", make_samples(config, rng, count))
        # a last batch shorter than the others, then a test
        await command("short batch", "TRAIN", make_samples(config, rng, config.training.batch // 2 + 1))
        await command("test", "TEST", make_samples(config, rng, 10))
    except Mismatch as error:
        mismatch = str(error)
    except Hang as error:
        mismatch = str(error)
    outcome = {"compared": compared, "mismatch": mismatch, "counters": machine.counters}
    (work / "outcome.json").write_text(json.dumps(outcome))
