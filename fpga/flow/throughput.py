"""How many samples a second a board trains, from the cycle model."""

import numpy as np

from golden.config import MachineConfig
from golden.machine import Machine
from golden.run.data import load
from golden.samples import Samples

#: Mini-batches that are counted, and samples that are at least.
_BATCHES, _SAMPLES = 2, 100
#: Seed of samples where no data set has the machine's sizes.
_SEED = 1


def cycles_per_sample(config: MachineConfig) -> float:
    """Count the clock cycles of a training sample, its share of the write pass included.

    Waiting for the host is not counted. The golden machine counts, which is equal to the hardware cycle by cycle.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Returns
    -------
    float
        Mean over the first mini-batches: of the digits if they fit, else of random trits, half of them zero.
    """
    machine, batch = Machine(config), config.training.batch
    count = batch * max(_BATCHES, -(-_SAMPLES // batch))
    samples = _samples(config, count)
    machine.initialise()
    before = dict(machine.counters)
    machine.train(samples, batch, config.update_shifts(0))
    spent = sum(
        count - before[name]
        for name, count in machine.counters.items()
        if name.startswith("cycles_") and name != "cycles_wait"
    )
    return spent / count


def _samples(config: MachineConfig, count: int) -> Samples:
    digits = load("digits", None)
    if (config.sizes[0], config.sizes[-1]) == (digits.train_images.shape[1], int(digits.train_labels.max()) + 1):
        chosen = np.arange(count) % len(digits.train_labels)
        return Samples(config.input.trits(digits.train_images[chosen]), digits.train_labels[chosen])
    rng = np.random.default_rng(_SEED)
    trits = rng.choice(np.array([-1, 0, 0, 1], np.int8), (count, config.sizes[0]))
    return Samples(trits, rng.integers(0, config.sizes[-1], count).astype(np.uint8))
