"""The picture of a training run: learning curve, and weights of the first layer before and after."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from golden.lib.atomic_write import whole
from golden.machine import Machine
from golden.run.run import Run

#: Neurons whose weights are shown.
_SHOWN = 32


def _maps(machine: Machine) -> NDArray[np.int8]:
    """Weights of the first neurons of the first layer as one tiled image."""
    weights = machine.layer_weights(0)[:, :_SHOWN]
    side = math.isqrt(len(weights))
    image = np.full((4 * (side + 1) - 1, 8 * (side + 1) - 1), 0, np.int8)
    for neuron in range(weights.shape[1]):
        row, column = divmod(neuron, 8)
        top, left = row * (side + 1), column * (side + 1)
        image[top : top + side, left : left + side] = weights[: side * side, neuron].reshape(side, side)
    return image


def draw(run: Run, path: Path) -> None:
    """Draw a run and write the picture, whole or not at all.

    Parameters
    ----------
    run : Run
        A run with at least one epoch in its curve.
    path : Path
        A .png file.
    """
    before = Machine(run.config)
    before.initialise()
    figure = Figure(figsize=(11, 6), layout="constrained")
    halves: Any = figure.subfigures(2, 1)
    curve, maps = halves
    axes = curve.subplots()
    epochs = np.arange(1, len(run.curve) + 1)
    axes.plot(epochs, [e.train_correct / max(e.train_samples, 1) for e in run.curve], label="training, while learning")
    tested = [(n, e.test_correct / e.test_samples) for n, e in zip(epochs, run.curve, strict=True) if e.test_samples]
    if tested:
        axes.plot(*zip(*tested, strict=True), label=f"test, last {tested[-1][1]:.4f}")
    axes.set(xlabel="epoch", ylabel="accuracy", title="-".join(map(str, run.config.layers)))
    axes.grid(alpha=0.3)
    axes.legend()
    for panel, machine, title in zip(maps.subplots(1, 2), (before, run.machine), ("before", "after"), strict=True):
        panel.imshow(_maps(machine), cmap="coolwarm", vmin=-1, vmax=1, interpolation="nearest")
        panel.set(title=f"weights of the first {_SHOWN} neurons, {title}", xticks=[], yticks=[])
    with whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
