"""A network that was trained elsewhere, in the RTL: load it over the bus, predict the test images, compare.

Command line of ``make infer``.
"""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from fpga.host.driver import Driver
from fpga.host.register_access import MachineError
from gen import config as configs
from gen import verilog
from gen.provenance import stamp
from golden.bus.transport import TransportTimeout
from golden.config import MachineConfig
from golden.dense import Dense, DenseError
from golden.run import data
from golden.samples import Samples
from sim.verilated import Verilated
from sim.verilated_build import BuildError
from sim.verilator import ToolError

#: Errors that a user can cause; each is one line.
_USER_ERRORS = (
    configs.ConfigError,
    data.DataError,
    DenseError,
    BuildError,
    ToolError,
    MachineError,
    TransportTimeout,
    ValueError,
    OSError,
)


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


def main(
    weights: Annotated[Path, typer.Option(help="weights file, as make accuracy CONFIG=... writes it")],
    config: Annotated[str, typer.Option(help="configuration, named or .toml")] = "mnist",
    data_dir: Annotated[str, typer.Option(help="folder with the data set's original files")] = "",
    samples: Annotated[int | None, typer.Option(help="test images, the first ones; by default 1000 at most")] = None,
    build: Annotated[Path, typer.Option(help="folder for everything that is made")] = Path("build"),
) -> None:
    """Predict test images in RTL, compare with the predictions in the weights file, write build/reports/infer.json."""
    try:
        network = Dense.load(weights)
        machine = configs.load(config)
        known = len(network.predictions)
        count = min(1000, known) if samples is None else samples
        if not 1 <= count <= known:
            raise ValueError(f"SAMPLES must be 1 .. {known}, the predictions that {weights} holds, not {samples}")
        loaded = data.load(network.dataset, Path(data_dir) if data_dir else None)
        shown = Samples(machine.input.trits(loaded.test_images[:count]), loaded.test_labels[:count])
        network.place(machine)  # refused before anything is built
        design = build / "infer" / configs.title(config)
        verilog.write(verilog.machine_files(machine, configs.title(config)), design)
        outcome = infer(network, machine, design, shown)
        predictions = outcome.pop("predictions")
        equal = int(np.count_nonzero(predictions == network.predictions[:count]))
        report = {
            "config": configs.title(config),
            "dataset": network.dataset,
            "samples": count,
            "equal": equal,
            "test_accuracy": float((predictions == shown.labels).mean()),
            **outcome,
            **stamp(),
        }
        verilog.write({"infer.json": json.dumps(report, indent=1) + "\n"}, build / "reports")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except _USER_ERRORS as error:
        sys.exit(f"error: {error}")
    print(
        f"{network.dataset} on {report['config']}, in RTL: {equal} of {count} predictions as expected, test accuracy "
        f"{report['test_accuracy']:.4f}, {outcome['cycles']} cycles, {outcome['seconds']:.0f} s; "
        f"{build}/reports/infer.json"
    )
    if equal < count:
        first = int(np.flatnonzero(predictions != network.predictions[:count])[0])
        sys.exit(
            f"error: test image {first} is a {predictions[first]} in RTL, a {network.predictions[first]} where it was "
            f"trained"
        )


if __name__ == "__main__":
    typer.run(main)
