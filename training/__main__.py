"""Command line of ``make accuracy`` and what belongs to it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

# Threads that spin while they wait take the processor from each other where other programs run as well. It has to be
# said before PyTorch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
import typer

from gen.config import ConfigError
from training import checkpoint, data, download, hardware, loop, report
from training.errors import TrainingError
from training.export import evaluate
from training.run import Run
from training.settings import recipe

#: Errors that a user can cause; each is one line.
_USER_ERRORS = (TrainingError, ConfigError, OSError)

_BUILD = Path("build")
#: Where `data` puts files, and where they are looked for.
_DATA = _BUILD / "data"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what a user can cause into one line."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command with RESUME=1 goes on from the last checkpoint")
    except _USER_ERRORS as error:
        sys.exit(f"error: {error}")


@app.command()
def run(
    dataset: Annotated[str, typer.Option(help="mnist, cifar10 or svhn")] = "mnist",
    rule: Annotated[str, typer.Option(help="gxnor, mtj or ste")] = "mtj",
    seed: Annotated[int | None, typer.Option(help="of weights, draws, sample order, augmentation")] = None,
    network: Annotated[str | None, typer.Option(help="layers, as 32C5-MP2-512FC-10")] = None,
    config: Annotated[
        str | None, typer.Option(help="configuration of the machine, its layers and input coding")
    ] = None,
    width: Annotated[float | None, typer.Option(help="factor of channels and hidden neurons")] = None,
    weights: Annotated[str | None, typer.Option(help="ternary or binary")] = None,
    activations: Annotated[str | None, typer.Option(help="ternary or binary")] = None,
    samples: Annotated[int | None, typer.Option(help="training samples, the first ones; 0 for all")] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over them")] = None,
    batch: Annotated[int | None, typer.Option(help="samples per step")] = None,
    rate: Annotated[float | None, typer.Option(help="learning rate of the weights at first")] = None,
    rate_end: Annotated[float | None, typer.Option(help="and at the end; it falls exponentially")] = None,
    norm_rate: Annotated[float | None, typer.Option(help="learning rate of batch normalisation at first")] = None,
    augment: Annotated[str | None, typer.Option(help="flip, shiftN, affine, with commas; - for none")] = None,
    devices: Annotated[Path | None, typer.Option(help="TOML of devices and tables of the rule mtj")] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16; else the quicker one")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="of the processor; 0 for PyTorch's choice")] = 0,
    data_dir: Annotated[Path, typer.Option(help="folder with the data set's files")] = _DATA,
    resume: Annotated[bool, typer.Option("--resume", help="continue from the last checkpoint")] = False,
    time_limit: Annotated[float | None, typer.Option(help="seconds after which to stop with a checkpoint")] = None,
    build: Annotated[Path, typer.Option(help="folder for everything that is made")] = _BUILD,
) -> None:
    """Train a network, write build/reports/accuracy-DATASET-RULE.json."""
    with _one_line():
        if threads:
            torch.set_num_threads(threads)
        chosen = hardware.device(device)
        settings = recipe(
            dataset,
            rule,
            seed=seed,
            network=network,
            config=config,
            width=width,
            weights=weights,
            activations=activations,
            samples=samples,
            epochs=epochs,
            batch=batch,
            rate=rate,
            rate_end=rate_end,
            norm_rate=norm_rate,
            augment="" if augment == "-" else augment,
            devices=devices.read_text() if devices else None,
            precision=precision or hardware.precision(chosen),
        )
        images = data.load(dataset, data_dir)
        going = Run(settings, images, chosen)
        folder = loop.Folder(build / "accuracy" / settings.name)
        if resume:
            going.restore(checkpoint.load(folder.checkpoint, going.identity, chosen)[1])
        else:
            folder.checkpoint.unlink(missing_ok=True)
        finished = loop.train(going, folder, time_limit)
        written = report.of_run(going, images.source, str(devices or ""))
        path = build / "reports" / f"accuracy-{dataset}-{rule}.json"
        report.write(written, folder.report, path)
        if settings.config:
            _export(going, folder)
    last, best = written["test_accuracy_last"], written["test_accuracy_best"]
    accuracy = f"test accuracy {last:.4f}, best {best:.4f}" if written["epochs"] else "no epoch finished"
    print(
        f"{settings.name}: {accuracy} after {written['epochs']} of {settings.epochs} epochs, "
        f"{written['seconds']:.0f} s on {written['device']}; {path}"
    )
    if settings.config:
        print(f"for make infer CONFIG={settings.config}: WEIGHTS={folder.weights}")
    if not finished:
        print("time is over: the same command with RESUME=1 goes on")


def _export(going: Run, folder: loop.Folder) -> None:
    """Write the weights file of a network for the machine, with predictions of the whole test set."""
    dense = going.dense()
    replace(dense, predictions=evaluate(dense, going.test_images.flatten(1))).save(folder.weights)


@app.command("data")
def fetch(
    dataset: Annotated[str, typer.Option(help="mnist, cifar10 or svhn")],
    data_dir: Annotated[Path, typer.Option(help="folder below which the files go")] = _DATA,
) -> None:
    """Fetch a data set from its publisher."""
    with _one_line():
        for path in download.fetch(dataset, data_dir):
            print(path)


if __name__ == "__main__":
    app()
