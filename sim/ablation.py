"""What each choice of the recipe for MNIST is worth: one change at a time from the default.

Runs in the compiled golden model; results already in the report are kept, so that an interrupted table goes on where it
stopped.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

from tqdm import tqdm

from gen import config as configs
from golden.config import MachineConfig, seeded, variant
from golden.fast.machine import FastMachine
from golden.lib.atomic_write import whole, write_json
from golden.run.data import Dataset
from golden.run.run import Run
from golden.run.session import Session

#: Epochs at the end of a run over which its accuracy is averaged.
_LAST = 3
#: Lines of docs/training.md between which the table stands.
_BEGIN, _END = "<!-- made by make ablation -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class Change:
    """One row of the table.

    Attributes
    ----------
    title : str
        What differs from the default.
    layers : tuple of int
        Other layer sizes; empty for the default's.
    blocks : dict
        Other fields of the blocks.
    """

    title: str
    layers: tuple[int, ...] = ()
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def apply(self, config: MachineConfig, seed: int) -> MachineConfig:
        """Change a configuration, and give it a seed for streams and order."""
        if self.layers:
            first, last = config.training.update_shifts[0], config.training.update_shifts[-1]
            update_shifts = (*(first,) * (len(self.layers) - 2), last)
            config = replace(config, layers=self.layers, training=replace(config.training, update_shifts=update_shifts))
        return seeded(variant(config, **self.blocks), seed)


#: A device at twice its critical current, with pulses long enough for the macrospin model's last code.
_DEVICE = {
    "device": "perpendicular_50nm",
    "current_to_antiparallel": 47e-6,
    "current_to_parallel": 47e-6,
    "width_max": 30e-9,
}


def _changes() -> list[Change]:
    """List all rows."""

    def of(title: str, **blocks: dict[str, Any]) -> Change:
        return Change(title, blocks=blocks)

    return [
        Change("the default"),
        of("sums never return to 0, no leak", gradient={"reset_on_switch": False}),
        *(
            of(f"sums never return to 0, leak 1/{1 << n}", gradient={"reset_on_switch": False, "leak": n})
            for n in (4, 6, 8)
        ),
        of("leak 1/256 besides", gradient={"leak": 8}),
        *(of(f"dead zone {n}", pulse={"dead_zone": n}) for n in (0, 3, 9, 12)),
        of("blind writes", array={"scheme": "blind"}),
        of("binary weights", array={"synapse": "binary"}),
        *(of(f"devices of the {model} model", switching={"model": model, **_DEVICE}) for model in ("erf", "macrospin")),
        of("width codes of 3 bits", switching={"code_bits": 3}),
        of("slope 3", switching={"slope": 3.0}, pulse={"slope": 3.0}),
        of("nu of 4 bits, dead zone 3", pulse={"nu_bits": 4, "dead_zone": 3}),
        *(of(f"errors of {n} bits", error={"bits": n}) for n in (5, 4)),
        *(of(f"gradient sums of {n} bits", gradient={"bits": n, "leak": n}) for n in (10, 11, 13)),
        of("update shifts 10, 11", training={"update_shifts": (10, 11)}),
        of("update shifts 12, 13", training={"update_shifts": (12, 13)}),
        *(of(f"batch {n}", training={"batch": n}) for n in (100, 500, 1000)),
        of("hidden offsets fixed at 0", neuron={"offset_learned": False}),
        of("hidden offsets track the mean", neuron={"offset_learned": False, "offset_tracks_mean": True}),
        of("offsets learned and tracking the mean", neuron={"offset_tracks_mean": True}),
        *(of(f"threshold {n}/8 of the scale", neuron={"threshold_eighths": n}) for n in (1, 4)),
        *(of(f"window {n}/8 of the scale", neuron={"window_eighths": n}) for n in (2, 8)),
        *(of(f"margin {n}", error={"margin": n}) for n in (16, 48)),
        of("pixels dark -1, grey 0, bright +1", input={"low": 63, "high": 191, "dark": -1}),
        of("pixels dark -1, bright +1", input={"dark": -1}),
        of("pixels dark 0, grey -1, bright +1", input={"low": 63, "high": 191, "middle": -1}),
        Change("256 hidden neurons", (784, 256, 10)),
        Change("1024 hidden neurons", (784, 1024, 10)),
        Change("two hidden layers of 512", (784, 512, 512, 10)),
        of("batch 1", training={"batch": 1}),
        of(
            "batch 1, sums that hardly last (leak 1/2), update shifts 7, 8, no dead zone",
            training={"batch": 1, "update_shifts": (7, 8)},
            gradient={"leak": 1},
            pulse={"dead_zone": 0},
        ),
    ]


#: All rows of the table, the default first.
CHANGES = _changes()


def _curve(run: Run) -> list[float]:
    """Run to the end; return the test accuracy after every epoch."""
    Session(run, progress=False).train()
    return [epoch.test_correct / epoch.test_samples for epoch in run.curve]


def held_out(dataset: Dataset) -> Dataset:
    """Put the last sixth of the training set in the place of the test set."""
    count = len(dataset.train_labels) * 5 // 6
    images, labels = dataset.train_images, dataset.train_labels
    return Dataset(images[:count], labels[:count], images[count:], labels[count:])


def _table(results: dict[str, dict[str, Any]], seeds: int, epochs: int) -> str:
    """Write the table in Markdown."""
    lines = ["| change | accuracy | max - min | to the default |", "| --- | ---: | ---: | ---: |"]
    accuracies: dict[str, list[float]] = {}
    for result in results.values():
        accuracies.setdefault(result["title"], []).append(100 * mean(result["curve"][-_LAST:]))
    default = mean(next(iter(accuracies.values())))
    for title, values in accuracies.items():
        span, gain = max(values) - min(values), mean(values) - default
        lines.append(f"| {title} | {mean(values):.2f} % | {span:.2f} | {gain:+.2f} |")
    return "\n".join([*lines, "", f"{epochs} epochs, mean of the last {_LAST}, seeds 1 .. {seeds}."])


def insert(path: Path, table: str) -> None:
    """Put the table where the document has its place for it."""
    before, rest = path.read_text().split(_BEGIN)
    _, after = rest.split(_END)
    with whole(path) as temporary:
        temporary.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}")


def measure(dataset: Dataset, epochs: int, seeds: int, report: Path) -> str:
    """Run every row of the table that is not in the report.

    Parameters
    ----------
    dataset : Dataset
        MNIST.
    epochs, seeds : int
        Epochs of every run, runs of every row.
    report : Path
        The results; those already in it are kept.

    Returns
    -------
    str
        The table in Markdown.
    """
    default = configs.load("mnist")
    known = json.loads(report.read_text()) if report.exists() else {}
    results: dict[str, dict[str, Any]] = {}
    work = [(change, seed) for change in CHANGES for seed in range(1, seeds + 1)]
    for change, seed in tqdm(work, unit="run"):
        run = Run(change.apply(default, seed), dataset, 0, epochs, FastMachine)
        identity = json.dumps([run.identity, epochs], sort_keys=True)
        key = hashlib.sha256(identity.encode()).hexdigest()
        curve = known[key]["curve"] if key in known else _curve(run)
        results[key] = {"title": change.title, "seed": seed, "curve": curve}
        write_json(report, known | results)
    write_json(report, results)
    return _table(results, seeds, epochs)
