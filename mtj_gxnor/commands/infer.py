"""``mtj-gxnor infer``: a network that was trained elsewhere, in the RTL."""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from fpga.host.infer import infer
from gen import config as configs
from gen import generated, verilog
from gen.provenance import stamp
from golden.dense import Dense
from golden.lib.atomic_write import write_json
from golden.run import data
from golden.samples import Samples
from mtj_gxnor.commands.options import BUILD, Build, DataDir


def predict(
    weights: Annotated[Path, typer.Option(help="Weights file, as `accuracy --config` or `import` writes it.")],
    config: Annotated[str, typer.Option(help="Configuration, named or .toml.")] = "mnist",
    data_dir: DataDir = None,
    samples: Annotated[int | None, typer.Option(help="Test images, the first ones; 1000 at most if not given.")] = None,
    build: Build = BUILD,
) -> None:
    """Predict test images in RTL, compare with the predictions in the weights file, write build/reports/infer.json."""
    network, machine, title = Dense.load(weights), configs.load(config), configs.title(config)
    known = len(network.predictions)
    count = min(1000, known) if samples is None else samples
    if not 1 <= count <= known:
        raise ValueError(f"samples must be 1 .. {known}, the predictions that {weights} holds, not {samples}")
    loaded = data.load(network.dataset, data_dir)
    shown = Samples(machine.input.trits(loaded.test_images[:count]), loaded.test_labels[:count])
    network.place(machine)  # refused before anything is built
    design = build / "infer" / title
    verilog.write(generated.machine(machine, title), design)
    outcome = infer(network, machine, design, shown)
    predictions, expected = outcome.pop("predictions"), network.predictions[:count]
    equal = int(np.count_nonzero(predictions == expected))
    accuracy = float((predictions == shown.labels).mean())
    found = {"config": title, "dataset": network.dataset, "samples": count, "equal": equal, "test_accuracy": accuracy}
    write_json(build / "reports" / "infer.json", found | outcome | stamp())
    print(
        f"{network.dataset} on {title}, in RTL: {equal} of {count} predictions as expected, test accuracy "
        f"{accuracy:.4f}, {outcome['cycles']} cycles, {outcome['seconds']:.0f} s; {build}/reports/infer.json"
    )
    if equal < count:
        first = int(np.flatnonzero(predictions != expected)[0])
        sys.exit(
            f"error: test image {first} is a {predictions[first]} in RTL, a {expected[first]} where it was trained"
        )


COMMANDS = {"infer": predict}
