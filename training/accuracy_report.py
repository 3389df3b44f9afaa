"""What a run reports: JSON of one run, and the rows that docs/accuracy.md is made of."""

import datetime
import os
import platform
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.networks import parameters
from training.run import Run
from training.settings import Settings, recipe


def command(settings: Settings, devices: str) -> str:
    """Write the command of a run; `devices` is the name of its file."""
    standard = asdict(recipe(settings.dataset, settings.rule))
    words = ["make", "accuracy", f"DATASET={settings.dataset}", f"RULE={settings.rule}", f"SEED={settings.seed}"]
    for name, value in asdict(settings).items():
        if name not in ("dataset", "rule", "seed", "precision", "layout", "devices") and value != standard[name]:
            words.append(f"{name.upper()}={value}")
    if settings.devices:
        words.append(f"DEVICES={Path(devices).name}")
    return shlex.join(words)


def processor(device: torch.device) -> str:
    """Name the machine that computes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []


def of_run(run: Run, source: str, devices: str) -> dict[str, Any]:
    """Make the report of a run, whose last epoch may be still to come.

    Parameters
    ----------
    run : Run
        The run.
    source : str
        Form of the data.
    devices : str
        Name of the file of devices, if any.
    """
    settings = run.settings
    tested = [epoch["test_accuracy"] for epoch in run.curve]
    return {
        "dataset": settings.dataset,
        "rule": settings.rule,
        "seed": settings.seed,
        "test_accuracy_last": tested[-1] if tested else None,
        "test_accuracy_best": max(tested, default=None),
        "epochs": len(tested),
        "finished": run.finished,
        "parameters": parameters(run.network),
        "width": settings.width,
        "network": run.network.text,
        "seconds": run.at.seconds,
        "device": processor(run.device),
        "cores": os.cpu_count(),
        "train_curve": [epoch["train_accuracy"] for epoch in run.curve],
        "test_curve": tested,
        "loss_curve": [epoch["loss"] for epoch in run.curve],
        "changed_curve": [epoch["changed"] for epoch in run.curve],
        "data": source,
        "settings": asdict(settings),
        "command": command(settings, devices),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
