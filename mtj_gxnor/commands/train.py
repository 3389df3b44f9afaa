"""``mtj-gxnor train``: the main job."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from fpga.host.driver import Driver
from fpga.host.driver_backend import VerilatedBackend
from gen import config as configs
from gen import generated, verilog
from golden.config import seeded
from golden.fast.machine import FastMachine, quickest
from golden.lib.lock import locked
from golden.machine import Machine
from golden.run import data, memory_check
from golden.run.run import Run
from golden.run.session import Backend, Outcome, Session
from mtj_gxnor.commands.options import BUILD, Build, DataDir, Epochs, Quick, Samples, Seed
from sim import rtl, run_report, runner
from sim.verilated import Verilated

#: The golden model alone, in place of a simulator; all of them share their checkpoints.
_GOLDEN = {"golden": Machine, "fast": FastMachine}


def train(
    dataset: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    config: Annotated[str, typer.Option(help="Configuration, named or .toml; by default that of the data set.")] = "",
    data_dir: DataDir = None,
    samples: Samples = 0,
    epochs: Epochs = 0,
    sim: Annotated[str, typer.Option(help="verilator, icarus; golden model alone: golden, or fast.")] = "verilator",
    transport: Annotated[str, typer.Option(help="direct, or axi: driver and registers on the bus.")] = "direct",
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
    waves: Annotated[bool, typer.Option("--waves", help="Record one batch as a waveform, and stop.")] = False,
    quick: Quick = False,
    build: Build = BUILD,
) -> None:
    """Train a network in RTL, the golden model beside it; write build/reports/train.json and train.png."""
    _check(sim, transport, resume=resume, waves=waves)
    name = config or dataset
    loaded = data.load(dataset, data_dir)
    machine = seeded(configs.load(name), seed)
    memory_check.check(machine)
    run = Run(machine, loaded, samples, epochs or machine.training.epochs, _GOLDEN.get(sim) or quickest())
    title = configs.title(name)
    kind = "-golden" if sim in _GOLDEN else "-axi" if transport == "axi" else ""
    work = (build / "train" / f"{dataset}-{title}{kind}").resolve()
    checkpoint = work / "checkpoint.npz"
    with ExitStack() as stack:
        stack.enter_context(locked(work))
        if resume:
            run.check(checkpoint)
        backend: Backend | None = None
        if sim not in _GOLDEN:
            files = generated.machine(machine, title)
            design = work / "design"
            verilog.write(files, design)
            if transport == "axi":
                block = Verilated(design, quick=quick)
                stack.callback(block.close)
                backend = VerilatedBackend(block, Driver(block, json.loads(files["manifest.json"])), run)
            else:
                # one mini-batch is not worth a compilation for speed
                simulated = rtl.simulated(files, design, work, sim, waves=waves, quick=quick or waves)
                backend = stack.enter_context(simulated)
        # a recording leaves report and checkpoint of a run that is there already
        kept = None if waves and not resume else checkpoint
        outcome = Session(run, backend, kept, resume=resume, steps=1 if waves else None).train()
    if waves:
        _say_recorded(outcome, runner.waveform_file(work.name, sim))
        return
    names: dict[str, Any] = {"dataset": dataset, "config": title, "simulator": sim, "transport": transport}
    report = run_report.report(run, outcome, **names)
    run_report.write(run, report, build / "reports", "train")
    if outcome.bit_exact is False:
        again = "" if transport == "axi" else "; the same command with --resume and --waves records this batch"
        sys.exit(f"RTL and golden model differ: {outcome.mismatch}{again}")
    print(f"{run_report.summary(report, f'{dataset} on {title}')}; {build}/reports/train.json, train.png")


def _say_recorded(outcome: Outcome, waveform: Path) -> None:
    """Say what the recording of one mini-batch shows."""
    if outcome.bit_exact is False:
        sys.exit(f"RTL and golden model differ: {outcome.mismatch}; recorded in {waveform}")
    print(f"recorded one mini-batch, {outcome.compared} values compared and equal; {waveform}")


def _check(sim: str, transport: str, *, resume: bool, waves: bool) -> None:
    """Refuse what cannot be, before anything is loaded."""
    if sim not in (*runner.SIMULATORS, *_GOLDEN):
        raise ValueError(f"unknown simulator {sim!r}: give one of {', '.join((*runner.SIMULATORS, *_GOLDEN))}")
    if transport not in ("direct", "axi"):
        raise ValueError(f"unknown transport {transport!r}: give direct or axi")
    if transport == "axi":
        if sim != "verilator":
            raise ValueError(f"--transport axi needs --sim verilator, not {sim}")
        for option, wanted in (("--resume", resume), ("--waves", waves)):
            if wanted:
                raise ValueError(f"--transport axi cannot do {option}: give --transport direct, or leave {option} out")
    if sim in runner.SIMULATORS:
        runner.check(sim)
    elif waves:
        raise ValueError(f"--waves needs a simulator: give --sim verilator or icarus, not {sim}")


COMMANDS = {"train": train}
