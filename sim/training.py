"""A training run inside the simulation, the golden machine beside it (cocotb module of `sim.train`)."""

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

from golden.fast.machine import quickest
from golden.machine import Machine
from golden.run import data
from golden.run.comparison import Mismatch, compare
from golden.run.progress import Progress
from golden.run.run import CHECKPOINT_SECONDS, Run, Step
from sim import manifest_reader as manifests
from sim.host import Host
from sim.observed_state import counter_pair, machine_pair


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

    Predictions and counters are compared after every step, the whole state as often as it takes no more than a tenth
    of the time, and at the end.

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
    seconds : float
        Processor time of the RTL's commands so far.
    careful : int
        Number of steps up to which the whole state is compared after every step.
    equal : Snapshot
        Where the whole state was last found equal.
    """

    def __init__(self, host: Host, run: Run, results: Path) -> None:
        self.host, self.run = host, run
        self.compared = self.cycles = self.careful = 0
        self.seconds = 0.0
        self.equal = run.snapshot()
        self._results = results
        self._log = 0
        self._due = 0.0

    async def step(self, step: Step) -> None:
        """Do one step on both sides and compare."""
        samples = self.run.present(step)
        self.host.play(samples)
        update_shifts = self.run.config.update_shifts(step.epoch)
        started = time.process_time()
        self.cycles += await self.host.command(
            "TRAIN" if step.training else "TEST", step.count, step.count, update_shifts
        )
        self.seconds += time.process_time() - started
        predictions = self.run.advance(step, samples)
        with self._results.open() as log:
            log.seek(self._log)
            lines = log.read()
            self._log += len(lines)
        expected = np.stack([predictions, samples.labels.astype(np.int64)], axis=1)
        found = [tuple(map(int, line.split())) for line in lines.splitlines()]
        where = f"epoch {step.epoch + 1}, {'batch' if step.training else 'test'} from sample {step.first}"
        self.compared += compare(where, {"results": np.array(found, np.int64)}, {"results": expected})
        self.compared += compare(where, *counter_pair(self.host, self.run.machine))
        if time.monotonic() >= self._due or self.run.done <= self.careful or self.run.finished:
            await self.check(where)

    async def check(self, where: str) -> None:
        """Compare counters and whole state."""
        started = time.monotonic()
        self.compared += compare(where, *await machine_pair(self.host, self.run.machine))
        self.equal = self.run.snapshot()
        now = time.monotonic()
        self._due = now + 10 * (now - started)


class Prefix:
    """The plain NumPy model beside the compiled one, at the beginning of a run.

    Parameters
    ----------
    run : Run
        A run at its beginning.
    """

    #: Samples that both models see.
    SAMPLES = 1000

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left = self.SAMPLES
        self._machine = Machine(run.config)
        self._machine.initialise()

    def step(self, step: Step) -> int:
        """Follow a step that the run has just done; return the number of values compared."""
        if self._left <= 0:
            return 0
        self._left -= step.count
        samples = self._run.present(step)
        if step.training:
            self._machine.train(samples, step.count, self._run.config.update_shifts(step.epoch))
        else:
            self._machine.test(samples)
        where = f"sample {step.first}, compiled model for RTL and NumPy model for golden"
        mine, other = self._run.machine, self._machine
        counters = [{name: np.array(count) for name, count in machine.counters.items()} for machine in (mine, other)]
        return compare(where, mine.state() | counters[0], other.state() | counters[1])


@cocotb.test()
async def train(dut: HierarchyObject) -> None:
    """Run the job that MTJ_JOB names."""
    job = Job(**json.loads(Path(os.environ["MTJ_JOB"]).read_text()))
    manifest = manifests.read(Path(job.design))
    dataset = data.load(job.dataset, Path(job.data_dir) if job.data_dir else None)
    config = manifests.config(manifest)
    run = Run(config, dataset, job.samples, job.epochs, quickest(config))
    work = Path(job.work)
    host = Host(dut, manifest, work)
    both = Comparison(host, run, work / "results.txt")
    prefix: Prefix | None = None
    seconds = 0.0
    # Ctrl-C reaches this process too: end after the step, without a trace; the command that started it reports
    interrupted: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: interrupted.append(number))

    await host.reset()
    if job.resume:
        extra = run.resume(job.checkpoint)
        both.cycles, both.compared, both.seconds = extra["cycles"], extra["compared"], extra["rtl_seconds"]
        both.careful, seconds = extra["careful"], extra["seconds"]
        await host.resume(run.machine.state(), run.machine.counters)
    else:
        both.cycles += await host.command("INIT_RANDOM")
        if run.model is not Machine:
            prefix = Prefix(run)
    await both.check("start")

    outcome: dict[str, Any] = {"bit_exact": True}
    started = time.monotonic()
    saved = started - CHECKPOINT_SECONDS

    async def save() -> None:
        """Write a checkpoint of a state that was compared."""
        if both.equal.done != run.done:
            await both.check("checkpoint")
        extra = {
            "cycles": both.cycles,
            "compared": both.compared,
            "rtl_seconds": both.seconds,
            "careful": both.careful,
            "seconds": seconds + time.monotonic() - started,
        }
        run.save(job.checkpoint, extra)

    with Progress(run) as progress:
        for step in run.steps():
            try:
                await both.step(step)
                both.compared += prefix.step(step) if prefix else 0
                now = time.monotonic()
                if now - saved > CHECKPOINT_SECONDS or run.finished or interrupted:
                    await save()
                    saved = now
            except Mismatch as mismatch:
                # go back to where all was equal, so that the steps since can be repeated, with care or with a waveform
                outcome |= {"bit_exact": False, "mismatch": str(mismatch)}
                both.careful = max(both.careful, run.done)
                run.restore(both.equal)
                await save()
            progress.show(step)
            if interrupted:
                return
            if job.one_step or not outcome["bit_exact"]:
                break
    outcome |= {
        "compared_values": both.compared,
        "rtl_cycles": both.cycles,
        "rtl_seconds": both.seconds,
        "wall_seconds": seconds + time.monotonic() - started,
    }
    job.outcome.write_text(json.dumps(outcome))
