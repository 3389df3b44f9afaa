"""A training run as a pure function of configuration, data and seed: what is presented when, and what came of it."""

import hashlib
import json
import zipfile
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig
from golden.lib.atomic_write import whole
from golden.machine import Machine
from golden.run.data import Dataset
from golden.samples import Samples

#: Samples that one TEST command presents, so that a long test set shows progress too.
_TEST_CHUNK = 1000


#: Version of the numeric contract and of the checkpoint; a checkpoint of another one is refused.
VERSION = 3


def _difference(one: Any, other: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Find the first value by which two nested dictionaries differ: its dotted name and both values."""
    if one == other:
        return None
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return name, one, other
    keys = [key for key in (*one, *other) if one.get(key) != other.get(key)]
    return _difference(one.get(keys[0]), other.get(keys[0]), f"{name}.{keys[0]}".lstrip("."))


class CheckpointError(ValueError):
    """A checkpoint does not belong to this run; the message is one line."""


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
class Epoch:
    """What one epoch brought: correct predictions, and how many samples were presented."""

    train_correct: int = 0
    train_samples: int = 0
    test_correct: int = 0
    test_samples: int = 0


@dataclass(frozen=True)
class Snapshot:
    """Where a run stands between two steps: steps done, curve, state and counters of the golden machine."""

    done: int
    curve: list[Epoch]
    state: dict[str, NDArray[np.int64]]
    counters: dict[str, int]


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
                f"{list(self.config.layers)} begin and end differently: choose a CONFIG that fits"
            )
        if not 0 <= self.samples <= len(self.dataset.train_labels):
            raise ValueError(f"SAMPLES must be 1 .. {len(self.dataset.train_labels)}, not {self.samples}")
        if self.epochs < 1:
            raise ValueError(f"EPOCHS must be >= 1, not {self.epochs}")
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

    def snapshot(self) -> "Snapshot":
        """Copy where the run stands."""
        return Snapshot(self.done, deepcopy(self.curve), self.machine.state(), self.machine.counters)

    def restore(self, snapshot: "Snapshot") -> None:
        """Go back to where the run stood."""
        self.done, self.curve = snapshot.done, deepcopy(snapshot.curve)
        self.machine.restore(snapshot.state, snapshot.counters)

    def weights_sha256(self) -> str:
        """Digest of the weights: int8, -1, 0 or 1, row by row over all lanes."""
        return hashlib.sha256(self.machine.array.weights().tobytes()).hexdigest()

    def save(self, path: Path, extra: dict[str, Any]) -> None:
        """Write a checkpoint, whole or not at all.

        Parameters
        ----------
        path : Path
            The file.
        extra : dict
            What else the run wants back, as JSON.
        """
        header = {
            "identity": self.identity,
            "done": self.done,
            "curve": [asdict(epoch) for epoch in self.curve],
            "counters": self.machine.counters,
            "extra": extra,
        }
        arrays: dict[str, Any] = dict(self.machine.state())
        with whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, header=json.dumps(header), **arrays)

    def check(self, path: Path) -> None:
        """Refuse what `resume` would refuse, and change nothing; exceptions as there."""
        self._stored(path)

    def resume(self, path: Path) -> dict[str, Any]:
        """Continue from a checkpoint of the same run; return its `extra`.

        Raises
        ------
        CheckpointError
            If there is none, or it belongs to another configuration, seed or data set.
        """
        header, state = self._stored(path)
        self.machine.restore(state, header["counters"])
        self.done = header["done"]
        self.curve = [Epoch(**epoch) for epoch in header["curve"]]
        return header["extra"]

    def _stored(self, path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
        """Read header and state of a checkpoint of this run."""
        if not path.is_file():
            raise CheckpointError(f"nothing to resume: there is no checkpoint {path}")
        try:
            with np.load(path) as stored:
                header = json.loads(str(stored["header"]))
                state = {name: stored[name] for name in stored.files if name != "header"}
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"checkpoint {path} cannot be read ({error}): start without RESUME") from error
        if (difference := _difference(header["identity"], self.identity)) is not None:
            name, theirs, mine = difference
            raise CheckpointError(
                f"checkpoint {path} belongs to another run: {name} is {theirs} there and {mine} here; "
                f"use the same settings, or start without RESUME"
            )
        return header, state
