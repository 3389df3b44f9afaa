"""A training run through the bus: the driver trains the Verilated block, the golden machine beside it."""

import time
from pathlib import Path
from typing import Any

from fpga.host.driver import Driver
from fpga.host.training import Training
from golden.run.comparison import Mismatch
from golden.run.progress import Progress
from golden.run.run import Run
from sim.verilated import Verilated


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
    training = Training(Driver(transport, manifest), run, often=True)
    outcome: dict[str, Any] = {"bit_exact": True}
    try:
        training.begin()
        with Progress(run) as progress:
            for step in training.steps():
                progress.show(step)
    except Mismatch as mismatch:
        outcome |= {"bit_exact": False, "mismatch": str(mismatch)}
    finally:
        transport.close()
    return outcome | {
        "compared_values": training.compared,
        "rtl_cycles": transport.cycles,
        "rtl_seconds": training.seconds,
        "wall_seconds": time.monotonic() - started,
    }
