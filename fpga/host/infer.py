"""A network that was trained elsewhere, in the RTL: loaded over the bus, it predicts."""

import json
import time
from pathlib import Path
from typing import Any

from fpga.host.driver import Driver
from golden.config import MachineConfig
from golden.dense import Dense
from golden.samples import Samples
from sim.verilated import Verilated


def infer(
    network: Dense, config: MachineConfig, design: Path, samples: Samples, *, quick: bool = False
) -> dict[str, Any]:
    """Predict in the Verilated machine.

    Parameters
    ----------
    network : Dense
        The network.
    config : MachineConfig
        The machine.
    design : Path
        Folder of its generated Verilog.
    samples : Samples
        What is presented.
    quick : bool
        Compile quickly instead of for speed.

    Returns
    -------
    dict
        ``predictions``, shape (n,), ``cycles`` of the predictions alone, ``seconds`` likewise.
    """
    placed = network.place(config)
    transport = Verilated(design, quick=quick)
    try:
        driver = Driver(transport, json.loads((design / "manifest.json").read_text()))
        driver.load_weights(placed["r1"], placed["r2"])
        driver.load_neurons(placed["offset"], placed["scale"])
        cycles, started = transport.cycles, time.monotonic()
        predictions = driver.infer(samples)
        return {
            "predictions": predictions,
            "cycles": transport.cycles - cycles,
            "seconds": time.monotonic() - started,
        }
    finally:
        transport.close()
