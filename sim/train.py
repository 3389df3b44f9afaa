"""The main job: train a network in the RTL, the golden model beside it.

Command line of ``make train``.
"""

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from fpga.host import bus_training
from fpga.host.register_access import MachineError
from gen import config as configs
from gen import verilog
from gen.provenance import stamp
from golden.bus.transport import LinkError
from golden.config import MachineConfig
from golden.fast.compiled import MissingError
from golden.fast.machine import FastMachine, quickest
from golden.machine import Machine
from golden.run import data, memory_check
from golden.run.progress import Progress
from golden.run.run import CHECKPOINT_SECONDS, CheckpointError, Run
from sim import harness, runner, verilator
from sim.plot import draw
from sim.training import Job
from sim.verilated_build import BuildError

#: Errors that a user can cause; each is one line.
_USER_ERRORS = (
    configs.ConfigError,
    data.DataError,
    CheckpointError,
    MissingError,
    runner.SimulatorError,
    verilator.ToolError,
    BuildError,
    MachineError,
    LinkError,
    ValueError,
    OSError,
)

_BUILD = Path("build")

#: The golden model alone, in place of a simulator; all of them share their checkpoints.
_GOLDEN = {"golden": Machine, "fast": FastMachine}


def simulation(files: dict[str, str], simulator: str, *, waves: bool = False, quick: bool = False) -> runner.Simulation:
    """Put a generated machine into the harness.

    Parameters
    ----------
    files : dict of str to str
        Output of `gen.verilog.machine_files`.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        Whether a waveform is recorded.
    quick : bool
        Compile quickly instead of for speed.

    Returns
    -------
    runner.Simulation
        Ready to build.
    """
    manifest = json.loads(files["manifest.json"])
    sources = {file: files[file] for file in files["files.f"].split()}
    public = [("harness", name, True) for name in harness.WRITTEN]
    public += [("harness", name, False) for name in harness.READ]
    # a waveform needs time to pass, and only Verilator has a main program of ours
    clock_inside = simulator != "verilator" or waves or runner.waves_wanted()
    sources["harness.sv"] = harness.write(manifest, clock_inside=clock_inside)
    header = "" if clock_inside else harness.BURST
    return runner.Simulation("harness", sources, simulator, tuple(public), waves, quick, header)


def simulate(job: Job, files: dict[str, str], simulator: str, *, waves: bool) -> dict[str, Any]:
    """Run a job in the simulation.

    Parameters
    ----------
    job : Job
        What to run.
    files : dict of str to str
        The generated machine.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        Whether a waveform is recorded.

    Returns
    -------
    dict
        The simulation's outcome.
    """
    work = Path(job.work)
    job.outcome.unlink(missing_ok=True)
    job_file = work / "job.json"
    job_file.write_text(json.dumps(asdict(job)))
    runner.run(
        simulation(files, simulator, waves=waves),
        "sim.training",
        environment={"MTJ_JOB": str(job_file), "COCOTB_LOG_LEVEL": "WARNING"},
        plusargs=[f"+{name}={work}/{file}" for name, file in harness.FILES.items()],
        name=work.name,
    )
    return json.loads(job.outcome.read_text())


def golden_only(run: Run, job: Job) -> dict[str, Any]:
    """Run a job in the golden model alone; return an outcome like the simulation's."""
    seconds = run.resume(job.checkpoint)["seconds"] if job.resume else 0.0
    started = time.monotonic()
    saved = started - CHECKPOINT_SECONDS
    with Progress(run) as progress:
        for step in run.steps():
            run.advance(step, run.present(step))
            progress.show(step)
            now = time.monotonic()
            if now - saved > CHECKPOINT_SECONDS or run.finished:
                nothing = {"cycles": 0, "compared": 0, "rtl_seconds": 0.0, "careful": 0}
                run.save(job.checkpoint, nothing | {"seconds": seconds + now - started})
                saved = now
    return {
        "bit_exact": None,
        "compared_values": 0,
        "rtl_cycles": 0,
        "rtl_seconds": 0.0,
        "wall_seconds": seconds + time.monotonic() - started,
    }


def _seeded(config: MachineConfig, seed: int) -> MachineConfig:
    """Give a configuration another seed for its random streams and its sample order; 0 leaves it as it is."""
    if not seed:
        return config
    random, training = replace(config.random, seed=seed), replace(config.training, shuffle_seed=seed)
    return replace(config, random=random, training=training)


def _check_transport(transport: str, sim: str, *, resume: bool, waves: bool) -> bool:
    """Say whether to train through the bus; refuse what that cannot do."""
    if transport not in ("direct", "axi"):
        raise ValueError(f"unknown TRANSPORT={transport!r}: give direct or axi")
    if transport == "direct":
        return False
    if sim != "verilator":
        raise ValueError(f"TRANSPORT=axi needs SIM=verilator, not {sim}")
    if resume or waves:
        option = "RESUME" if resume else "WAVES"
        raise ValueError(f"TRANSPORT=axi cannot do {option}=1: give TRANSPORT=direct, or leave {option} out")
    return True


def _report(run: Run, job: Job, name: str, simulator: str, outcome: dict[str, Any]) -> dict[str, Any]:
    tested = [epoch for epoch in run.curve if epoch.test_samples]
    presented = sum(epoch.train_samples + epoch.test_samples for epoch in run.curve)
    cycles = {key: value for key, value in run.machine.counters.items() if value}
    rate = presented / outcome["rtl_seconds"] if outcome["rtl_seconds"] else 0.0
    return {
        "dataset": job.dataset,
        "config": name,
        "simulator": simulator,
        "epochs": run.epochs,
        "samples": run.samples,
        "test_accuracy": tested[-1].test_correct / tested[-1].test_samples if tested else 0.0,
        "bit_exact": outcome["bit_exact"],
        "compared_values": outcome["compared_values"],
        "rtl_cycles": outcome["rtl_cycles"],
        "rtl_samples_per_second": rate,
        "rtl_seconds": outcome["rtl_seconds"],
        "wall_seconds": outcome["wall_seconds"],
        "weights_sha256": run.weights_sha256(),
        "test_curve": [epoch.test_correct / epoch.test_samples for epoch in tested],
        "train_curve": [epoch.train_correct / epoch.train_samples for epoch in run.curve],
        "counters": cycles,
        "seed": {"random": run.config.random.seed, "shuffle": run.config.training.shuffle_seed},
        **stamp(),
    }


def main(
    dataset: Annotated[str, typer.Option(help="digits or mnist")] = "digits",
    config: Annotated[str, typer.Option(help="configuration, named or .toml; by default that of the data set")] = "",
    data_dir: Annotated[str, typer.Option(help="folder with the data set's original files")] = "",
    samples: Annotated[int, typer.Option(help="training samples, the first ones; 0 for all")] = 0,
    epochs: Annotated[int, typer.Option(help="passes over them; 0 for the configuration's")] = 0,
    sim: Annotated[str, typer.Option(help="verilator, icarus; model alone: golden, or fast (Numba)")] = "verilator",
    seed: Annotated[int, typer.Option(help="seed of random streams and sample order; 0 for the configuration's")] = 0,
    transport: Annotated[str, typer.Option(help="direct, or axi: driver and registers on the bus")] = "direct",
    resume: Annotated[bool, typer.Option(help="continue from the last checkpoint")] = False,
    waves: Annotated[bool, typer.Option(help="record the first batch as a waveform, and stop after it")] = False,
    build: Annotated[Path, typer.Option(help="folder for everything that is made")] = _BUILD,
) -> None:
    """Train a network, write build/reports/train.json and train.png."""
    name = config or dataset
    try:
        if sim not in _GOLDEN:
            runner.check(sim)
        bus = _check_transport(transport, sim, resume=resume, waves=waves)
        loaded = data.load(dataset, Path(data_dir) if data_dir else None)
        machine = _seeded(configs.load(name), seed)
        memory_check.check(machine)
        model = quickest(machine) if bus else _GOLDEN.get(sim, Machine)
        run = Run(machine, loaded, samples, epochs or machine.training.epochs, model)
        title = configs.title(name)
        work = build / "train" / f"{dataset}-{title}{'-golden' if sim in _GOLDEN else '-axi' if bus else ''}"
        job = Job(
            design=str(work.resolve() / "design"),
            work=str(work.resolve()),
            dataset=dataset,
            data_dir=data_dir and str(Path(data_dir).resolve()),
            samples=samples,
            epochs=run.epochs,
            resume=resume,
            one_step=waves,
        )
        Path(job.work).mkdir(parents=True, exist_ok=True)
        if not resume:
            job.checkpoint.unlink(missing_ok=True)
        if sim in _GOLDEN:
            outcome = golden_only(run, job)
        else:
            files = verilog.machine_files(machine, title)
            verilog.write(files, Path(job.design))
            if bus:
                outcome = bus_training.train(run, Path(job.design), json.loads(files["manifest.json"]))
            else:
                outcome = simulate(job, files, sim, waves=waves)
                run.resume(job.checkpoint)
        report = _report(run, job, title, sim, outcome) | {"transport": transport}
        reports = build / "reports"
        verilog.write({"train.json": json.dumps(report, indent=1) + "\n"}, reports)
        if run.curve:
            draw(run, reports / "train.png")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command with RESUME=1 goes on from the last checkpoint")
    except _USER_ERRORS as error:
        sys.exit(f"error: {error}")
    if outcome["bit_exact"] is False:
        again = "" if bus else "; make train with the same settings, RESUME=1 and WAVES=1, records this batch"
        sys.exit(f"RTL and golden model differ: {outcome['mismatch']}{again}")
    print(
        f"{dataset} on {title}: test accuracy {report['test_accuracy']:.4f} after {len(run.curve)} epochs, "
        f"bit_exact {report['bit_exact']}, {report['compared_values']} values compared, "
        f"{report['rtl_cycles']} cycles, {report['wall_seconds']:.0f} s; {reports}/train.json, train.png"
    )


if __name__ == "__main__":
    typer.run(main)
