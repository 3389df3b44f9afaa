"""The report of a session, the same for every backend, and its picture."""

from pathlib import Path
from typing import Any

from gen.provenance import stamp
from golden.lib.atomic_write import write_json
from golden.run.run import Run
from golden.run.session import Outcome
from sim.plot import draw


def report(run: Run, outcome: Outcome, **details: Any) -> dict[str, Any]:
    """Write down what a session brought.

    Parameters
    ----------
    run : Run
        The run that it trained.
    outcome : Outcome
        What came of it.
    **details
        What the run does not know: names of data set, configuration, simulator, transport, and the like.

    Returns
    -------
    dict
        As JSON; ``test_accuracy`` is None where nothing was tested.
    """
    tested = [epoch.test_correct / epoch.test_samples for epoch in run.curve if epoch.test_samples]
    presented = sum(epoch.train_samples + epoch.test_samples for epoch in run.curve)
    figures = {"rtl_cycles": 0, "rtl_seconds": 0.0} | outcome.figures
    return {
        **details,
        "epochs": run.epochs,
        "samples": run.samples,
        "presented": presented,
        "test_accuracy": tested[-1] if tested else None,
        "bit_exact": outcome.bit_exact,
        "mismatch": outcome.mismatch,
        "compared_values": outcome.compared,
        **figures,
        "rtl_samples_per_second": presented / figures["rtl_seconds"] if figures["rtl_seconds"] else 0.0,
        "wall_seconds": outcome.seconds,
        "weights_sha256": run.weights_sha256(),
        "test_curve": tested,
        "train_curve": [epoch.train_correct / epoch.train_samples for epoch in run.curve],
        "counters": run.machine.counters,
        "seed": {"random": run.config.random.seed, "shuffle": run.config.training.shuffle_seed},
        **stamp(),
    }


def write(run: Run, content: dict[str, Any], folder: Path, name: str) -> None:
    """Write a report as ``NAME.json``, and the picture of the run beside it where anything was presented."""
    write_json(folder / f"{name}.json", content)
    if run.curve:
        draw(run, folder / f"{name}.png")


def summary(content: dict[str, Any], title: str) -> str:
    """Say in one line how a session went that has come to its end."""
    epochs = f"{content['epochs']} epoch{'s' if content['epochs'] > 1 else ''}"
    parts = [f"{title}: test accuracy {content['test_accuracy']:.4f} after {epochs}"]
    if content["bit_exact"] is not None:
        parts.append(f"bit_exact {content['bit_exact']}, {content['compared_values']} values compared")
        parts.append(f"{content['rtl_cycles']} cycles")
    return ", ".join([*parts, f"{content['wall_seconds']:.0f} s"])
