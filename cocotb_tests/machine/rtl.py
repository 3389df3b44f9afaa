"""What the machine tests share: generate, build, present, and hand back what came of it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cocotb_tests.machine.machine_bench import PresentationJob, make_samples
from gen import generated, verilog
from golden.config import MachineConfig
from golden.machine import Machine
from golden.tables import PulseParameters
from sim import harness, random_config, runner, strip_init
from sim.rtl import simulation


@dataclass(frozen=True)
class Presented:
    """What a presentation brought.

    Attributes
    ----------
    compared : int
        Values compared and found equal.
    mismatch : str
        The first difference, empty when there is none.
    counters : dict of str to int
        Counters of the golden machine.
    """

    compared: int
    mismatch: str
    counters: dict[str, int]


def present(
    files: dict[str, str],
    work: Path,
    *,
    batches: int,
    simulator: str,
    plusargs: tuple[str, ...] = (),
    **settings: Any,
) -> Presented:
    """Run a presentation.

    Parameters
    ----------
    files : dict of str to str
        A generated machine, possibly edited.
    work : Path
        Folder of this presentation.
    batches : int
        Mini-batches to train on.
    simulator : str
        ``verilator`` or ``icarus``.
    plusargs : tuple of str
        Further arguments for the simulation.
    **settings
        Further fields of the job.

    Returns
    -------
    Presented
        What came of it.
    """
    verilog.write(files, work)
    job = PresentationJob(str(work), batches, **settings)
    if simulator == "icarus":
        # no initial values: what reset does not reach and INIT_RANDOM does not write shows up as X
        files = {
            name: strip_init.without_initial_values(content) if name.endswith(".v") else content
            for name, content in files.items()
        }
    runner.run(
        simulation(files, simulator, quick=True),
        "cocotb_tests.machine.machine_bench",
        environment={"MTJ_JOB": str(job.write())},
        plusargs=[*(f"+{name}={work}/{file}" for name, file in harness.FILES.items()), *plusargs],
    )
    return Presented(**json.loads((work / "outcome.json").read_text()))


def generate(config: MachineConfig) -> dict[str, str]:
    """Generate a machine for a test."""
    return generated.machine(config, "test")


def lively(seed: int, number: int, *, nonideal: bool = False) -> MachineConfig:
    """Make a random configuration that pulses after a few samples; synapse and scheme go by `number` modulo 4."""
    while True:
        config = random_config.random_config(seed, number)
        config = random_config.nonideal(config, seed, number) if nonideal else config
        pulse = PulseParameters(nu_bits=2, slope=3.0, dead_zone=1, loadable=config.pulse.loadable)
        update_shifts = tuple(pulse.nu_bits + index % 2 for index in range(len(config.layers) - 1))
        # in half of them these update shifts alone
        gradient = replace(
            config.gradient, update_shifts=(min(update_shifts), max(update_shifts)) if number % 4 > 1 else ()
        )
        config = replace(
            config, training=replace(config.training, update_shifts=update_shifts), pulse=pulse, gradient=gradient
        )
        machine = Machine(config)
        machine.initialise()
        machine.train(make_samples(config, np.random.default_rng(1), 4 * config.training.batch), 4, update_shifts)
        if machine.counters["switches"]:
            return config
        number += 4 * 1000
