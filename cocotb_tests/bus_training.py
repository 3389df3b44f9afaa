"""A training run through the bus: the driver trains the Verilated block, the golden machine beside it."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from cocotb_tests.progress import Progress
from cocotb_tests.state import Mismatch, State, compare
from fpga.host.driver import Driver
from fpga.host.verilated import Verilated
from golden.machine import Machine
from golden.training import Run


def train(run: Run, design: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Train and test to the end.

    Predictions and counters are compared after every step, weights and neurons at the end.

    Parameters
    ----------
    run : Run
        The golden machine, formed, and what is presented.
    design : Path
        Folder of the generated design.
    manifest : dict
        Its manifest.

    Returns
    -------
    dict
        Outcome, as of a run without the bus.
    """
    transport = Verilated(design)
    started = time.monotonic()
    seconds, compared = 0.0, 0
    outcome: dict[str, Any] = {"bit_exact": True}
    try:
        driver = Driver(transport, manifest)
        driver.form()
        with Progress(run) as progress:
            for step in run.steps():
                samples = run.present(step)
                before = time.process_time()
                if step.training:
                    predictions = driver.train(samples, step.count, run.config.rates(step.epoch))
                else:
                    predictions = driver.infer(samples)
                seconds += time.process_time() - before
                expected = run.advance(step, samples)
                where = f"epoch {step.epoch + 1}, {'batch' if step.training else 'test'} from sample {step.first}"
                compared += compare(where, {"predictions": predictions}, {"predictions": expected})
                compared += compare(where, *_counters(driver, run.machine))
                progress.show(step)
        compared += compare("the end", _state(driver), _golden(run.machine))
    except Mismatch as mismatch:
        outcome |= {"bit_exact": False, "mismatch": str(mismatch)}
    finally:
        transport.close()
    return outcome | {
        "compared_values": compared,
        "rtl_cycles": transport.cycles,
        "rtl_seconds": seconds,
        "wall_seconds": time.monotonic() - started,
    }


def _counters(driver: Driver, machine: Machine) -> tuple[State, State]:
    """Counters of both, but for the time spent waiting."""
    rtl, golden = (
        {name: np.array(count) for name, count in counters.items() if name != "cycles_wait"}
        for counters in (driver.counters(), machine.counters)
    )
    return rtl, golden


def _state(driver: Driver) -> State:
    """Dump what the bus gives of the state."""
    names = ("r1", "r2", "offset", "spread")
    return {
        name: values.astype(np.int64)
        for name, values in zip(names, (*driver.dump_weights(), *driver.dump_neurons()), strict=True)
    }


def _golden(machine: Machine) -> State:
    """The same of the golden machine."""
    state = machine.state()
    return {name: state[name] for name in ("r1", "r2", "offset", "spread")}
