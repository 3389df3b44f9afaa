"""Accuracy against what is wrong with an array: MNIST with a small budget per point, for many devices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from golden.lib.atomic_write import whole, write_json

#: Budget of a point: the published network on the first training samples.
SAMPLES, EPOCHS, BATCH = 10000, 8, 100


@dataclass(frozen=True)
class Curve:
    """One non-ideality.

    Attributes
    ----------
    name : str
        What is varied, with its unit.
    points : tuple of (label, str)
        Value as it is written at the axis, and TOML of the devices.
    """

    name: str
    points: tuple[tuple[str, str], ...]


def _variation(percent: float) -> str:
    # the pulses that are longest for the mean device have to do for the slowest
    return f"[switching]\nvariation = {percent / 100}\nvariation_bins = 16\nwidth_max = 60e-9" if percent else ""


CURVES = (
    Curve("device variation of I_c0, %", tuple((f"{p:g}", _variation(p)) for p in (0, 2, 5, 10, 15))),
    Curve(
        "stuck devices, %, half in each state",
        tuple(
            (f"{p:g}", f"[nonideal]\nstuck_parallel = {p / 200}\nstuck_antiparallel = {p / 200}" if p else "")
            for p in (0, 1, 3, 10, 30)
        ),
    ),
    Curve(
        "temperature of the array, K, tables of 300 K",
        tuple((f"{t}", f"temperature = {t}.0" if t != 300 else "") for t in (250, 275, 300, 325, 350)),
    ),
    Curve(
        "bits of threshold and random word",
        tuple((f"{b}", f"[switching]\nthreshold_bits = {b}" if b != 16 else "") for b in (4, 6, 8, 12, 16)),
    ),
    Curve(
        "bits of width code",
        tuple((f"{b}", f"[switching]\ncode_bits = {b}" if b != 6 else "") for b in (1, 2, 3, 4, 6)),
    ),
    Curve(
        "leading bits of |nu|",
        tuple((f"{b}", f"[pulse]\nnu_bits = {b}" if b != 8 else "") for b in (4, 5, 6, 7, 8)),
    ),
    Curve("write scheme", (("verified", ""), ("blind", 'scheme = "blind"'))),
)


def points(seeds: int) -> Iterator[tuple[str, int]]:
    """List what has to be run, every one once: TOML of the devices, and seed."""
    texts = dict.fromkeys(text for curve in CURVES for _, text in curve.points)
    for seed in range(1, seeds + 1):
        for text in texts:
            yield text, seed


def summary(found: dict[tuple[str, int], float]) -> list[dict[str, Any]]:
    """Put accuracies of points, by TOML and seed, into their curves."""
    return [
        {
            "name": curve.name,
            "labels": [label for label, _ in curve.points],
            "accuracy": [
                [value for (given, _), value in sorted(found.items()) if given == text] for _, text in curve.points
            ],
        }
        for curve in CURVES
    ]


def draw(curves: list[dict[str, Any]], title: str, path: Path) -> None:
    """Draw all curves, each in its own field: every seed a dot, a line through the means."""
    figure = Figure(figsize=(12, 6), layout="constrained")
    fields = figure.subplots(2, 4, sharey=True).flat
    for field, curve in zip(fields, curves, strict=False):
        places = range(len(curve["labels"]))
        for place, values in zip(places, curve["accuracy"], strict=True):
            field.plot([place] * len(values), 100 * np.array(values), "o", color="C0", markersize=3)
        means = [100 * np.mean(values) if values else np.nan for values in curve["accuracy"]]
        field.plot(places, means, color="C0", linewidth=1)
        field.set_xticks(places, curve["labels"])
        field.set_xlabel(curve["name"])
        field.grid(alpha=0.3)
    for field in list(figure.axes)[len(curves) :]:
        field.set_axis_off()
    for field in (figure.axes[0], figure.axes[4]):
        field.set_ylabel("test accuracy, %")
    figure.suptitle(title)
    with whole(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def write(curves: list[dict[str, Any]], budget: dict[str, Any], folder: Path, docs: Path) -> None:
    """Write ``nonidealities.json`` into a folder, and the picture into the documents."""
    write_json(folder / "nonidealities.json", {"budget": budget, "curves": curves})
    title = f"MNIST, rule mtj, {budget['network']}, {budget['samples']} training samples, {budget['epochs']} epochs"
    draw(curves, title, docs / "accuracy-nonidealities.svg")


def known(folder: Path) -> float | None:
    """Accuracy at the last epoch of a run that is finished; None for any other."""
    path = folder / "report.json"
    found = json.loads(path.read_text()) if path.is_file() else {"finished": False}
    return found["test_accuracy_last"] if found["finished"] else None
