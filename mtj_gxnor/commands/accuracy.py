"""``mtj-gxnor accuracy`` and what belongs to it: the networks of the papers in PyTorch."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

# Threads that spin while they wait take the processor from each other where other programs run as well. It has to be
# said before PyTorch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
import typer

from gen import config as configs
from golden.lib import marked_text
from golden.lib.atomic_write import keep, write_json
from golden.lib.errors import Interrupted
from golden.lib.lock import locked
from training import (
    accuracy_report,
    checkpoint,
    data,
    download,
    loop,
    nonideality_sweep,
    qonnx_import,
    speed,
    table,
    torch_device,
)
from training.export import evaluate
from training.run import Run
from training.settings import Settings, recipe

_BUILD = Path("build")
#: Where `data` puts files, and where they are looked for.
_DATA = _BUILD / "data"
#: Defaults that all recipes have in common, and what is said of others.
_COMMON = recipe("mnist", "mtj")
_OF_DATA, _OF_RULE = "the data set's", "the rule's"


def _optional(text: str, default: object) -> Any:
    """Make an option that the recipe decides where it is not given, with what it then is."""
    return typer.Option(help=text, show_default=str(default))


def run(
    dataset: Annotated[str, typer.Option(help="mnist, cifar10 or svhn.")] = "mnist",
    rule: Annotated[str, typer.Option(help="gxnor, mtj, accumulate, ste or bop.")] = "mtj",
    seed: Annotated[int | None, _optional("Of weights, draws, sample order, augmentation.", _COMMON.seed)] = None,
    network: Annotated[str | None, _optional("Layers, as 32C5-MP2-512FC-10.", _OF_DATA)] = None,
    config: Annotated[
        str | None, _optional("Configuration of the machine, its layers and input coding.", "none")
    ] = None,
    width: Annotated[float | None, _optional("Factor of channels and hidden neurons.", _COMMON.width)] = None,
    weights: Annotated[str | None, _optional("ternary or binary.", _COMMON.weights)] = None,
    activations: Annotated[str | None, _optional("ternary or binary.", _COMMON.activations)] = None,
    samples: Annotated[int | None, _optional("Training samples, the first ones; 0 for all.", _COMMON.samples)] = None,
    epochs: Annotated[int | None, _optional("Passes over them.", _OF_DATA)] = None,
    batch: Annotated[int | None, _optional("Samples per step.", _OF_DATA)] = None,
    rate: Annotated[float | None, _optional("Learning rate of the weights at first.", _OF_RULE)] = None,
    rate_end: Annotated[float | None, _optional("And at the end; it falls exponentially.", _OF_RULE)] = None,
    norm_rate: Annotated[
        float | None, _optional("Learning rate of batch normalisation at first.", _COMMON.norm_rate)
    ] = None,
    augment: Annotated[str | None, _optional("flip, shiftN, affine, with commas; - for none.", _OF_DATA)] = None,
    devices: Annotated[
        Path | None, _optional("TOML of devices and tables of the rules mtj and accumulate.", "none")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16; else the quickest is measured.")] = None,
    layout: Annotated[str | None, typer.Option(help="channels_last or channels_first; likewise.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="Of the processor; 0 for PyTorch's choice.")] = 0,
    data_dir: Annotated[Path, typer.Option(help="Folder with the data set's files.")] = _DATA,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which to stop with a checkpoint.")] = None,
    build: Annotated[Path, typer.Option(help="Folder of reports, runs and their checkpoints.")] = _BUILD,
) -> None:
    """Train a network, write build/reports/accuracy-DATASET-RULE.json."""
    if threads:
        torch.set_num_threads(threads)
    chosen = torch_device.device(device)
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
        precision=precision,
        layout=layout,
    )
    images = data.load(dataset, data_dir)
    folder = loop.Folder(build / "accuracy" / settings.name)
    settings = _fastest(settings, images, chosen, folder if resume else None, precision, layout)
    written = _train(Run(settings, images, chosen), folder, images.source, str(devices or ""), resume, time_limit)
    path = build / "reports" / f"accuracy-{dataset}-{rule}.json"
    write_json(path, written)
    last, best = written["test_accuracy_last"], written["test_accuracy_best"]
    accuracy = f"test accuracy {last:.4f}, best {best:.4f}" if written["epochs"] else "no epoch finished"
    print(
        f"{settings.name}: {accuracy} after {written['epochs']} of {settings.epochs} epochs, "
        f"{written['seconds']:.0f} s on {written['device']}; {path}"
    )
    if settings.config:
        print(f"for mtj-gxnor infer --config {settings.config} --weights {folder.weights}")
    if not written["finished"]:
        print("time is over: the same command with --resume (make: RESUME=1) goes on")


def _fastest(
    settings: Settings,
    images: data.Images,
    device: torch.device,
    taken_up: loop.Folder | None,
    precision: str | None = None,
    layout: str | None = None,
) -> Settings:
    """Choose precision and layout where they are not given: those of the run that is taken up, else by measurement."""
    if taken_up:
        kept = checkpoint.load(taken_up.checkpoint, None, device)[0]
        precision, layout = precision or kept["precision"], layout or kept["layout"]
    return speed.quickest(settings, images.shape, device, precision=precision, layout=layout)


def _train(
    going: Run, folder: loop.Folder, source: str, devices: str, resume: bool, time_limit: float | None
) -> dict[str, Any]:
    """Train, and write the report after every epoch, and what the machine needs of a network for it."""

    def write() -> dict[str, Any]:
        written = accuracy_report.of_run(going, source, devices)
        write_json(folder.report, written)
        return written

    with locked(folder.path):
        if resume:
            going.restore(checkpoint.load(folder.checkpoint, going.identity, going.device)[1])
        else:
            keep(folder.checkpoint)
            folder.checkpoint.unlink(missing_ok=True)
        try:
            loop.train(going, folder, time_limit, write)
        except KeyboardInterrupt:
            raise Interrupted(
                "interrupted: the same command with --resume (make: RESUME=1) goes on from the last checkpoint"
            ) from None
        written = write()
        if going.settings.config:
            _export(going, folder)
    return written


def _export(going: Run, folder: loop.Folder) -> None:
    """Write the weights file of a network for the machine, with predictions of the whole test set."""
    dense = going.dense()
    replace(dense, predictions=evaluate(dense, going.test_images.flatten(1))).save(folder.weights)


def fetch(
    dataset: Annotated[str, typer.Option(help="mnist, cifar10 or svhn.")],
    data_dir: Annotated[Path, typer.Option(help="Folder below which the files go.")] = _DATA,
) -> None:
    """Fetch a data set from its publisher."""
    for path in download.fetch(dataset, data_dir):
        print(path)


def tabulate(
    build: Annotated[Path, typer.Option(help="Folder with the reports of runs.")] = _BUILD,
    docs: Annotated[Path, typer.Option(help="Folder with accuracy.md and accuracy.json.")] = Path("docs"),
) -> None:
    """Put finished runs of `make accuracy` into docs/accuracy.md."""
    known = docs / "accuracy.json"
    rows = table.collect(known, sorted((build / "accuracy").glob("*/")))
    marked_text.insert(docs / "accuracy.md", table.BEGIN, table.END, table.render(rows))
    write_json(known, rows)
    print(f"{len(rows)} runs; {docs}/accuracy.md")


def nonidealities(
    seeds: Annotated[int, typer.Option(help="Runs per point.")] = 1,
    samples: Annotated[int, typer.Option(help="Training samples of a point.")] = nonideality_sweep.SAMPLES,
    epochs: Annotated[int, typer.Option(help="Epochs of a point.")] = nonideality_sweep.EPOCHS,
    threads: Annotated[int, typer.Option(help="Of the processor; 0 for PyTorch's choice.")] = 0,
    data_dir: Annotated[Path, typer.Option(help="Folder with the data set's files.")] = _DATA,
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which no further point begins.")] = None,
    build: Annotated[Path, typer.Option(help="Folder of reports, runs and their checkpoints.")] = _BUILD,
    docs: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("docs"),
) -> None:
    """Draw accuracy against non-idealities; points that are there already are not run again."""
    if threads:
        torch.set_num_threads(threads)
    chosen, started = torch_device.device("auto"), time.monotonic()
    images = data.load("mnist", data_dir)
    budget = {"samples": samples, "epochs": epochs, "batch": nonideality_sweep.BATCH}
    found, left, network = {}, 0, ""
    for devices, seed in nonideality_sweep.points(seeds):
        settings = recipe("mnist", "mtj", devices=devices, seed=seed, **budget)
        folder, network = loop.Folder(build / "nonidealities" / settings.name), settings.network
        if (accuracy := nonideality_sweep.known(folder.path)) is None:
            if time_limit is not None and time.monotonic() - started > time_limit:
                left += 1
                continue
            resume = folder.checkpoint.is_file()
            settings = _fastest(settings, images, chosen, folder if resume else None)
            written = _train(Run(settings, images, chosen), folder, images.source, "", resume, None)
            accuracy = written["test_accuracy_last"]
        found[devices, seed] = accuracy
    nonideality_sweep.write(
        nonideality_sweep.summary(found), budget | {"network": network, "seeds": seeds}, build / "reports", docs
    )
    print(f"{len(found)} points, {left} left; {build}/reports/nonidealities.json, {docs}/accuracy-nonidealities.svg")


def take(
    file: Annotated[Path, typer.Argument(help="Network in QONNX.")],
    config: Annotated[str, typer.Option(help="Configuration of the machine that shall hold it.")] = "mnist",
    dataset: Annotated[str, typer.Option(help="Data set of its predictions.")] = "mnist",
    data_dir: Annotated[Path, typer.Option(help="Folder with the data set's files.")] = _DATA,
    output: Annotated[Path, typer.Option(help="Weights file to write.")] = _BUILD / "imported.npz",
) -> None:
    """Turn a ternary dense network in QONNX into a weights file for `make infer`."""
    machine = configs.load(config)
    imported = qonnx_import.read(file, machine.input, dataset)
    dense = imported.dense
    dense.place(machine)
    images = data.load(dataset, data_dir)
    trits = torch.tensor(machine.input.trits(images.test_images.reshape(len(images.test_images), -1)))
    predictions = evaluate(dense, trits)
    replace(dense, predictions=predictions).save(output)
    accuracy = float((predictions == images.test_labels).mean())
    print(
        f"{file}: layers {dense.sizes}, test accuracy {accuracy:.4f} in the machine's integers, {imported.moved} "
        f"neurons with a bound that moved by one, {imported.ties} with sums exactly on a bound; {output}"
    )
    if imported.ties:
        print("# halves round to even here; floating point rounds them either way, by the last bits of a sum")


COMMANDS = {
    "accuracy": run,
    "accuracy-table": tabulate,
    "nonidealities": nonidealities,
    "data": fetch,
    "import": take,
}
