"""A training run as a pure function of configuration, data and seed: what is presented when, and what came of it."""

import hashlib
import json
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig
from golden.machine import Machine
from golden.run import checkpoint
from golden.run.checkpoint import CheckpointError, Epoch, Past, Snapshot
from golden.run.data import Dataset
from golden.samples import Samples

#: Samples that one TEST command presents, so that a long test set shows progress too.
_TEST_CHUNK = 1000


#: Version of the numeric contract and of the checkpoint; a checkpoint of another one is refused.
VERSION = 4


@dataclass(frozen=True)
class Step:
    """One command to the machine.

    Attributes
    ----------
    training : bool
        TRAIN one mini-batch, or TEST a part of the test set.
    epoch : int
        From 0.
    first, count : int
        Part of the epoch's order, or of the test set.
    """

    training: bool
    epoch: int
    first: int
    count: int

    def __str__(self) -> str:
        """Say where in the run it is."""
        return f"epoch {self.epoch + 1}, {'batch' if self.training else 'test'} from sample {self.first}"


@dataclass
class Run:
    """A training run: the golden machine and everything that is presented to it.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    dataset : Dataset
        The data; its sizes must fit the machine.
    samples : int
        Training samples used, the first ones; 0 for all.
    epochs : int
        Passes over them.
    model : type of Machine
        The golden machine's class; `FastMachine` gives the same run, checkpoints included, in less time.

    Attributes
    ----------
    machine : Machine
        The golden machine, formed.
    done : int
        Steps done.
    curve : list of Epoch
        Results so far.
    """

    config: MachineConfig
    dataset: Dataset
    samples: int
    epochs: int
    model: type[Machine] = Machine
    machine: Machine = field(init=False)
    done: int = 0
    curve: list[Epoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        pixels, classes = self.dataset.train_images.shape[1], int(self.dataset.train_labels.max()) + 1
        sizes = self.config.sizes
        if sizes[0] != pixels * self.config.input.planes or sizes[-1] != classes:
            raise ValueError(
                f"the data set has {pixels} pixels and {classes} classes, the configuration's layers "
                f"{list(self.config.layers)} begin and end differently: choose a configuration that fits"
            )
        if not 0 <= self.samples <= len(self.dataset.train_labels):
            raise ValueError(f"samples must be 1 .. {len(self.dataset.train_labels)}, not {self.samples}")
        if self.epochs < 1:
            raise ValueError(f"epochs must be >= 1, not {self.epochs}")
        self.samples = self.samples or len(self.dataset.train_labels)
        data, trits = self.dataset, self.config.input.trits
        self._train = Samples(trits(data.train_images), data.train_labels)
        self._test = Samples(trits(data.test_images), data.test_labels)
        self._ordered = -1, np.zeros(0, np.intp)
        self.machine = self.model(self.config)
        self.machine.initialise()
        self._steps = self._plan()

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides a run's course, by name; its length does not."""
        config = asdict(self.config)
        del config["training"]["epochs"]
        sha = hashlib.sha256()
        for part in (self._train[: self.samples], self._test):
            sha.update(part.trits.tobytes())
            sha.update(part.labels.tobytes())
        identity = {"version": VERSION, **config, "samples": self.samples, "data_sha256": sha.hexdigest()}
        return json.loads(json.dumps(identity))

    def _plan(self) -> list[Step]:
        """List all steps of the run."""
        steps = []
        batch, tests = self.config.training.batch, len(self._test)
        for epoch in range(self.epochs):
            steps += [
                Step(True, epoch, first, min(batch, self.samples - first)) for first in range(0, self.samples, batch)
            ]
            steps += [
                Step(False, epoch, first, min(_TEST_CHUNK, tests - first)) for first in range(0, tests, _TEST_CHUNK)
            ]
        return steps

    def steps(self) -> list[Step]:
        """List the steps that are left."""
        return self._steps[self.done :]

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.done >= len(self._steps)

    def presentations(self) -> tuple[int, int]:
        """Samples presented over the whole run, and those presented so far."""
        total = self.epochs * (self.samples + len(self._test))
        return total, total - sum(step.count for step in self.steps())

    def present(self, step: Step) -> Samples:
        """Samples of a step, in order."""
        part = slice(step.first, step.first + step.count)
        return self._train[self._order(step.epoch)[part]] if step.training else self._test[part]

    def _order(self, epoch: int) -> NDArray[np.intp]:
        """Order of the training samples in an epoch; the last epoch's is kept."""
        if epoch != self._ordered[0]:
            rng = np.random.default_rng([self.config.training.shuffle_seed, epoch])
            self._ordered = epoch, rng.permutation(self.samples)
        return self._ordered[1]

    def advance(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Let the golden machine do a step and enter it in the curve; return its predictions."""
        if step.training:
            predictions = self.machine.train(samples, step.count, self.config.update_shifts(step.epoch))
        else:
            predictions = self.machine.test(samples)
        if len(self.curve) <= step.epoch:
            self.curve.append(Epoch())
        entry = self.curve[step.epoch]
        correct = int(np.count_nonzero(predictions == samples.labels))
        if step.training:
            entry.train_correct += correct
            entry.train_samples += step.count
        else:
            entry.test_correct += correct
            entry.test_samples += step.count
        self.done += 1
        return predictions

    def snapshot(self) -> Snapshot:
        """Copy where the run stands."""
        return Snapshot(self.done, deepcopy(self.curve), self.machine.state(), self.machine.counters)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to where the run stood."""
        self.done, self.curve = snapshot.done, deepcopy(snapshot.curve)
        self.machine.restore(snapshot.state, snapshot.counters)

    def weights_sha256(self) -> str:
        """Digest of the weights: int8, -1, 0 or 1, row by row over all lanes."""
        return hashlib.sha256(self.machine.array.weights().tobytes()).hexdigest()

    def save(self, path: Path, past: Past) -> None:
        """Write a checkpoint, whole or not at all, with what the run took so far."""
        checkpoint.write(path, self.identity, self.snapshot(), past)

    def check(self, path: Path) -> None:
        """Refuse what `resume` would refuse, and change nothing; exceptions as there."""
        self._stored(path)

    def resume(self, path: Path) -> Past:
        """Continue from a checkpoint of the same run; return what that took.

        Raises
        ------
        CheckpointError
            If there is none, it belongs to another configuration, seed or data set, has gone further than this run
            shall, or is damaged.
        """
        snapshot, past = self._stored(path)
        self.restore(snapshot)
        return past

    def _stored(self, path: Path) -> tuple[Snapshot, Past]:
        """Read a checkpoint of this run."""
        snapshot, past = checkpoint.read(path, self.identity, self.machine)
        per_epoch = len(self._steps) // self.epochs
        begun, rest = -(-snapshot.done // per_epoch), snapshot.done % per_epoch
        if len(snapshot.curve) != begun:
            raise checkpoint.damaged(path, f"{snapshot.done} steps have a curve of {len(snapshot.curve)} epochs")
        for number, entry in enumerate(snapshot.curve, 1):
            steps = self._steps[: rest if rest and number == begun else per_epoch]
            train, test = (sum(step.count for step in steps if step.training is kind) for kind in (True, False))
            if (entry.train_samples, entry.test_samples) != (train, test):
                raise checkpoint.damaged(path, f"epoch {number} has not presented {train} and {test} samples")
            if entry.train_correct > train or entry.test_correct > test:
                raise checkpoint.damaged(path, f"epoch {number} has more correct predictions than samples")
        if begun > self.epochs:
            raise CheckpointError(
                f"epochs must be >= {begun}, as far as the checkpoint {path} has come, not {self.epochs}; "
                f"give as many, or start without --resume"
            )
        return snapshot, past
