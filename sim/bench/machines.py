"""Machines and samples of the benchmark."""

from dataclasses import replace

import numpy as np

from gen import config as configs
from golden.config import MachineConfig
from golden.samples import Samples

#: Fraction of non-zero pixels of MNIST as the machine sees it, and of the samples that stand for it.
DENSITY = 104 / 784


def sized(lanes: int, inputs: int, hidden: tuple[int, ...]) -> MachineConfig:
    """Make the `mnist` configuration with other sizes."""
    config = configs.load("mnist")
    layers = (inputs, *hidden, 10)
    update_shifts = (config.training.update_shifts[0], *[config.training.update_shifts[1]] * len(hidden))
    return replace(
        config,
        layers=layers,
        array=replace(config.array, lanes=lanes),
        training=replace(config.training, update_shifts=update_shifts),
    )


def dense() -> MachineConfig:
    """Make a machine whose lanes are busy in every phase: no zeros in inputs, activations, errors or windows.

    Four layers, so that errors go backward through rows as well as through columns; every sum may pulse, and a pulse
    does not change that.
    """
    config = sized(512, 1024, (512, 1024))
    return replace(
        config,
        layers=(1024, 512, 1024, 256),
        neuron=replace(config.neuron, threshold_eighths=0, window_eighths=31),
        error=replace(config.error, margin=2000),
        pulse=replace(config.pulse, dead_zone=1),
        gradient=replace(config.gradient, bits=12, leak=12, reset_on_switch=False),
        training=replace(config.training, batch=10, update_shifts=(16, 16, 16)),
    )


def samples(config: MachineConfig, count: int, density: float = DENSITY) -> Samples:
    """Make random samples: with density 1 of -1 and 1, else of 0 and 1."""
    rng = np.random.default_rng(1)
    shape = (count, config.sizes[0])
    trits = rng.choice([-1, 1], shape) if density == 1 else rng.random(shape) < density
    return Samples(trits.astype(np.int8), rng.integers(0, config.sizes[-1], count).astype(np.uint8))
