"""Random data for a machine: what is not to be learned, only to be presented."""

import numpy as np

from golden.config import MachineConfig
from golden.run.data import Dataset
from golden.samples import Samples


def random_samples(config: MachineConfig, count: int, seed: int | np.random.Generator = 1) -> Samples:
    """Make samples, trits and labels.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    count : int
        How many.
    seed : int or Generator
        What they follow from.
    """
    rng = np.random.default_rng(seed)
    trits = rng.integers(-1, 2, (count, config.sizes[0])).astype(np.int8)
    return Samples(trits, rng.integers(0, config.sizes[-1], count).astype(np.uint8))


def random_dataset(config: MachineConfig, train: int, test: int, seed: int | np.random.Generator = 1) -> Dataset:
    """Make images of 17 grey levels, and labels of all classes in turn.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    train, test : int
        How many images of either set.
    seed : int or Generator
        What they follow from.
    """
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 17, (count, config.sizes[0])).astype(np.uint8) for count in (train, test)]
    labels = [np.arange(count).astype(np.uint8) % config.sizes[-1] for count in (train, test)]
    return Dataset(images[0], labels[0], images[1], labels[1])
