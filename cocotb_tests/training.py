"""A training run inside the simulation, the golden machine beside it (cocotb module of `cocotb_tests.train`)."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject
from numpy.typing import NDArray

from cocotb_tests import manifest as manifests
from cocotb_tests.host import Host
from cocotb_tests.progress import Progress
from cocotb_tests.state import Mismatch, compare, machine_pair
from golden import data
from golden.training import CHECKPOINT_SECONDS, Run, Step


@dataclass(frozen=True)
class Job:
    """What the simulation shall do; written and read as JSON.

    Attributes
    ----------
    design : str
        Folder of the generated design.
    work : str
        Folder for samples, results, checkpoint and outcome.
    dataset, data_dir : str
        As on the command line; no folder is the empty string.
    samples, epochs : int
        As on the command line; all samples are 0.
    resume : bool
        Continue from the checkpoint.
    one_step : bool
        Stop after one step, for a waveform.
    """

    design: str
    work: str
    dataset: str
    data_dir: str
    samples: int
    epochs: int
    resume: bool
    one_step: bool

    @property
    def checkpoint(self) -> Path:
        """The checkpoint."""
        return Path(self.work) / "checkpoint.npz"

    @property
    def outcome(self) -> Path:
        """What the simulation reports."""
        return Path(self.work) / "outcome.json"


class Comparison:
    """RTL and golden machine side by side.

    Parameters
    ----------
    host : Host
        The RTL.
    run : Run
        The golden machine and what is presented.
    results : Path
        The harness's result log.

    Attributes
    ----------
    compared : int
        Values compared so far.
    cycles : int
        Clock cycles of the RTL's commands so far.
    """

    def __init__(self, host: Host, run: Run, results: Path) -> None:
        self.host, self.run = host, run
        self.compared = self.cycles = 0
        self._results = results
        self._log = 0

    async def step(self, step: Step) -> None:
        """Do one step on both sides and compare predictions, counters and the whole state."""
        samples = self.run.present(step)
        self.host.play(samples)
        rates = self.run.config.rates(step.epoch)
        self.cycles += await self.host.command("TRAIN" if step.training else "TEST", step.count, step.count, rates)
        predictions = self.run.advance(step, samples)
        with self._results.open() as log:
            log.seek(self._log)
            lines = log.read()
            self._log += len(lines)
        expected = np.stack([predictions, samples.labels.astype(np.int64)], axis=1)
        found = [tuple(map(int, line.split())) for line in lines.splitlines()]
        where = f"epoch {step.epoch + 1}, {'batch' if step.training else 'test'} from sample {step.first}"
        await self.check(where, results=(np.array(found, np.int64), expected))

    async def check(self, where: str, **more: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        """Compare counters and whole state, and what else is given as (RTL, golden)."""
        rtl, golden = await machine_pair(self.host, self.run.machine)
        rtl |= {name: pair[0] for name, pair in more.items()}
        golden |= {name: pair[1] for name, pair in more.items()}
        self.compared += compare(where, rtl, golden)


@cocotb.test()
async def train(dut: HierarchyObject) -> None:
    """Run the job that MTJ_JOB names."""
    job = Job(**json.loads(Path(os.environ["MTJ_JOB"]).read_text()))
    manifest = manifests.read(Path(job.design))
    dataset = data.load(job.dataset, Path(job.data_dir) if job.data_dir else None)
    run = Run(manifests.config(manifest), dataset, job.samples, job.epochs)
    work = Path(job.work)
    host = Host(dut, manifest, work)
    both = Comparison(host, run, work / "results.txt")
    seconds = 0.0
    # Ctrl-C reaches this process too: end after the step, without a trace; the command that started it reports
    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupted.append(number))

    await host.reset()
    if job.resume:
        extra = run.resume(job.checkpoint)
        both.cycles, both.compared, seconds = extra["cycles"], extra["compared"], extra["seconds"]
        await host.resume(run.machine.state(), run.machine.counters)
    else:
        both.cycles += await host.command("FORM")
    await both.check("start")

    outcome: dict[str, Any] = {"bit_exact": True}
    started = time.monotonic()
    saved = started - CHECKPOINT_SECONDS
    with Progress(run) as progress:
        for step in run.steps():
            before = run.snapshot()
            try:
                await both.step(step)
            except Mismatch as mismatch:
                # leave the run where it was before the step, so that it can be repeated with a waveform
                run.restore(before)
                outcome |= {"bit_exact": False, "mismatch": str(mismatch)}
            progress.show(step)
            now = time.monotonic()
            if now - saved > CHECKPOINT_SECONDS or run.finished or not outcome["bit_exact"]:
                extra = {"cycles": both.cycles, "compared": both.compared, "seconds": seconds + now - started}
                run.save(job.checkpoint, extra)
                saved = now
            if interrupted:
                return
            if job.one_step or not outcome["bit_exact"]:
                break
    outcome |= {
        "compared_values": both.compared,
        "rtl_cycles": both.cycles,
        "wall_seconds": seconds + time.monotonic() - started,
    }
    job.outcome.write_text(json.dumps(outcome))
