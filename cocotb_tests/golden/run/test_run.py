"""Training runs: what is presented when, and that an interrupted run ends like one that was not."""

import gc
import hashlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocotb_tests.kit.random_data import random_dataset
from gen import config as named
from golden.config import MachineConfig, variant
from golden.lib import headed_arrays
from golden.run import run as run_module
from golden.run.checkpoint import CheckpointError, Epoch, Past
from golden.run.data import Dataset
from golden.run.run import Run

TINY = named.load("tiny")
PAST = Past(1.5, 2, 3, {"rtl_cycles": 4})


def _dataset(seed: int = 1, train: int = 30, test: int = 11) -> Dataset:
    return random_dataset(TINY, train, test, seed)


def _run(config: MachineConfig = TINY, samples: int = 22, epochs: int = 3, seed: int = 1) -> Run:
    return Run(config, _dataset(seed), samples, epochs)


def _advance(run: Run, steps: int | None = None) -> None:
    for step in run.steps()[:steps]:
        run.advance(step, run.present(step))


def _equal(one: Run, other: Run) -> None:
    assert one.weights_sha256() == other.weights_sha256()
    assert one.curve == other.curve
    assert one.machine.counters == other.machine.counters
    for name, values in one.machine.state().items():
        assert (values == other.machine.state()[name]).all(), name


@pytest.mark.parametrize(("samples", "batch"), [(22, 4), (22, 22), (22, 50), (1, 1), (0, 7)])
def test_steps(samples: int, batch: int) -> None:
    """Every epoch presents every training sample once in batches, then the test set in order."""
    dataset = _dataset()
    run = Run(variant(TINY, training={"batch": batch}), dataset, samples, 3)
    used = samples or 30
    assert run.samples == used
    orders = []
    for epoch in range(3):
        steps = [step for step in run.steps() if step.epoch == epoch]
        training = [step for step in steps if step.training]
        assert steps[: len(training)] == training
        assert [step.count for step in training[:-1]] == [batch] * (len(training) - 1)
        trits = TINY.input.trits(dataset.train_images)
        presented = [sample for step in training for sample in run.present(step)]
        assert Counter((sample.trits.tobytes(), sample.label) for sample in presented) == Counter(
            (trits[i].tobytes(), int(dataset.train_labels[i])) for i in range(used)
        )
        orders.append([sample.trits.tobytes() for sample in presented])
        tests = [sample for step in steps[len(training) :] for sample in run.present(step)]
        assert [sample.label for sample in tests] == dataset.test_labels.tolist()
        assert (np.array([sample.trits for sample in tests]) == TINY.input.trits(dataset.test_images)).all()
    assert used == 1 or len({tuple(order) for order in orders}) == 3, "each epoch has its own order"
    assert run.presentations() == (3 * (used + 11), 0)


def test_long_test_sets_are_cut() -> None:
    """A test set of 2500 samples comes in parts of at most 1000, each sample once."""
    run = Run(TINY, _dataset(test=2500), 4, 1)
    tests = [step for step in run.steps() if not step.training]
    assert [(step.first, step.count) for step in tests] == [(0, 1000), (1000, 1000), (2000, 500)]


def test_curve() -> None:
    """Correct predictions are counted in the epoch and part they belong to."""
    run = _run()
    expected = []
    for step in run.steps():
        samples = run.present(step)
        predictions = run.advance(step, samples)
        correct = np.count_nonzero(predictions == samples.labels)
        expected += [[0, 0, 0, 0]] * (step.epoch + 1 - len(expected))
        entry = list(expected[step.epoch])
        at = 0 if step.training else 2
        expected[step.epoch] = [*entry[:at], entry[at] + correct, entry[at + 1] + step.count, *entry[at + 2 :]]
    assert run.curve == [Epoch(*entry) for entry in expected]
    assert [entry[1::2] for entry in expected] == [[22, 11]] * 3
    assert run.finished
    assert run.presentations() == (99, 99)


@pytest.mark.parametrize("after", [0, 1, 5, 6, 7, 13, 20])
def test_resume(after: int, tmp_path: Path) -> None:
    """A run cut anywhere, also between a training and a test step, ends with the weights of one that was not."""
    whole = _run()
    _advance(whole)
    first = _run(epochs=2)
    _advance(first, after)
    path = tmp_path / "deep" / "checkpoint.npz"
    first.save(path, PAST)
    second = _run()
    assert second.resume(path) == PAST
    assert second.done == min(after, len(first._steps))
    _advance(second)
    assert second.finished
    _equal(whole, second)
    assert [entry.name for entry in path.parent.iterdir()] == ["checkpoint.npz"]


def test_training_changes_the_digest() -> None:
    """The digest is that of the weights as bytes, and learning moves it."""
    run = _run()
    before = run.weights_sha256()
    _advance(run, 3)
    array = run.machine.array
    weights = array.r1.astype(np.int8) - array.r2.astype(np.int8)
    assert run.weights_sha256() == hashlib.sha256(weights.tobytes()).hexdigest() != before


def test_snapshot() -> None:
    """Going back undoes steps, curve and counters."""
    run, other = _run(), _run()
    _advance(run, 5)
    _advance(other, 5)
    snapshot = run.snapshot()
    _advance(run, 4)
    run.restore(snapshot)
    _equal(run, other)
    assert run.done == 5
    _advance(run)
    run.restore(snapshot)
    _advance(run)
    _advance(other)
    _equal(run, other)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"config": variant(TINY, neuron={"train_shift": 1})}, "neuron.train_shift is 2 there and 1 here"),
        ({"config": variant(TINY, random={"seed": 5})}, "random.seed is 1 there and 5 here"),
        ({"config": variant(TINY, training={"shuffle_seed": 2})}, "training.shuffle_seed is 1 there and 2 here"),
        ({"config": variant(TINY, training={"batch": 5})}, "training.batch is 4 there and 5 here"),
        ({"samples": 21}, "samples is 22 there and 21 here"),
        ({"seed": 2}, r"data_sha256 is \w{64} there and \w{64} here"),
    ],
    ids=["field", "seed", "order", "batch", "samples", "data"],
)
def test_checkpoint_of_another_run(other: dict[str, Any], name: str, tmp_path: Path) -> None:
    """What decides the course must agree; the message is one line and names what does not."""
    path = tmp_path / "checkpoint.npz"
    _run().save(path, Past())
    run = _run(**other)
    with pytest.raises(
        CheckpointError,
        match=f"^checkpoint {path} belongs to another run: {name}; use the same settings, or start without --resume$",
    ):
        run.resume(path)
    assert run.done == 0


def test_checkpoint_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint of a machine that counts differently is refused."""
    path = tmp_path / "checkpoint.npz"
    _run().save(path, Past())
    monkeypatch.setattr(run_module, "VERSION", run_module.VERSION + 1)
    with pytest.raises(
        CheckpointError, match=f"version is {run_module.VERSION - 1} there and {run_module.VERSION} here"
    ):
        _run().resume(path)


def test_checkpoint_of_other_labels(tmp_path: Path) -> None:
    """The same images with other classes are another data set."""
    path = tmp_path / "checkpoint.npz"
    _run().save(path, Past())
    dataset = _dataset()
    run = Run(TINY, replace(dataset, train_labels=dataset.train_labels[::-1].copy()), 22, 3)
    with pytest.raises(CheckpointError):
        run.resume(path)


def test_length_does_not_matter(tmp_path: Path) -> None:
    """A longer run may go on from a shorter one's checkpoint, whatever the configuration's own epochs are."""
    short = _run(epochs=1)
    _advance(short)
    short.save(tmp_path / "c.npz", Past())
    longer = _run(variant(TINY, training={"epochs": 9}), epochs=3)
    longer.resume(tmp_path / "c.npz")
    _advance(longer)
    whole = _run()
    _advance(whole)
    _equal(longer, whole)


def test_no_checkpoint(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(CheckpointError, match=f"^nothing to resume: there is no checkpoint {tmp_path}/c.npz$"):
        _run().resume(tmp_path / "c.npz")


@pytest.mark.parametrize("cut", [0, 100, -30])
def test_broken_checkpoint(cut: int, tmp_path: Path) -> None:
    """A file that is no checkpoint, or only the beginning of one, is named in one line."""
    path = tmp_path / "c.npz"
    _run().save(path, Past())
    path.write_bytes(path.read_bytes()[:cut])
    error = ""
    with warnings.catch_warnings():
        # NumPy leaves the file open when it cannot read it
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            _run().resume(path)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
        gc.collect()
    assert error.startswith("CheckpointError: ")
    assert str(path) in error


def _tampered(change: Callable[[dict[str, Any], dict[str, Any]], None], path: Path) -> None:
    """Save a run of eight steps, one epoch of tests and another's first batches, and change the file."""
    run = _run()
    _advance(run, 8)
    run.save(path, PAST)
    header, arrays = headed_arrays.read(path)
    change(header, arrays)
    with path.open("wb") as file:
        np.savez(file, **{"header": json.dumps(header), **arrays})


def _fill(name: str, value: int) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _, arrays: arrays[name].reshape(-1).__setitem__(-1, value)


def _into(value: Any, *names: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(header: dict[str, Any], _: dict[str, Any]) -> None:
        for name in names[:-1]:
            header = header[name]
        header[names[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_fill("r1", 7), "r1 must be 0 .. 1, not 7"),
        (_fill("r2", -1), "r2 must be 0 .. 1, not -1"),
        (_fill("gradient", 1 << 40), "gradient must be "),
        (_fill("random", 0), "random must be 1 .. 9223372036854775807, not 0"),
        (_fill("random", -5), "random must be 1 .. 9223372036854775807, not -5"),
        (_fill("offset", 1 << 50), "offset must be "),
        (_fill("scale", -1), "scale must be 0 .. "),
        (_fill("activations", 2), "activations must be -1 .. 1, not 2"),
        (_fill("windows", 2), "windows must be 0 .. 1, not 2"),
        (_fill("errors", 99), "errors must be "),
        (lambda _, arrays: arrays.pop("r2"), "r2 is missing"),
        (lambda _, arrays: arrays.update(r3=arrays["r2"]), "r3 is nothing that this machine has"),
        (lambda _, arrays: arrays.update(r2=arrays["r2"][1:]), "r2 is int64 of shape "),
        (lambda _, arrays: arrays.update(r2=arrays["r2"].astype(np.int8)), "r2 is int8 of shape "),
        (_into(-5, "done"), "steps: done must be a whole number 0 .. 2^48 - 1, not -5"),
        (_into(2.0, "done"), "steps: done must be a whole number 0 .. 2^48 - 1, not 2.0"),
        (_into(True, "done"), "steps: done must be a whole number 0 .. 2^48 - 1, not True"),
        (_into(1 << 47, "done"), "140737488355328 steps have a curve of 2 epochs"),
        (_into(7, "done"), "7 steps have a curve of 2 epochs"),
        (_into(9, "done"), "epoch 2 has not presented 8 and 0 samples"),
        (_into(23, "curve", 0, "train_correct"), "epoch 1 has more correct predictions than samples"),
        (_into("many", "curve", 0, "train_correct"), "curve: train_correct must be a whole number"),
        (_into([], "curve", 0), "curve has not the entries train_correct, "),
        (_into({}, "curve"), "curve is no list"),
        (_into({}, "counters"), "counters has not the entries cycles_wait, "),
        (_into(-1, "counters", "samples"), "counters: samples must be a whole number"),
        (_into([], "counters"), "counters is no table"),
        (_into(-1.5, "past", "seconds"), "seconds must be a number >= 0, not -1.5"),
        (_into("x", "past", "figures", "rtl_cycles"), "rtl_cycles must be a number >= 0, not 'x'"),
        (_into(None, "past", "careful"), "past: careful must be a whole number"),
        (_into(0, "past", "more"), "past has not the entries compared, careful"),
    ],
)
def test_tampered_checkpoint(
    change: Callable[[dict[str, Any], dict[str, Any]], None], reason: str, tmp_path: Path
) -> None:
    """What no run can have written is refused in one line, and the run stays where it was."""
    path = tmp_path / "c.npz"
    _tampered(change, path)
    run, fresh = _run(), _run()
    with pytest.raises(CheckpointError, match=rf"^checkpoint {path} is damaged: {re.escape(reason)}[^\n]*; start w"):
        run.resume(path)
    assert run.done == 0
    _equal(run, fresh)


def test_untampered_checkpoint(tmp_path: Path) -> None:
    """The tests above change what is accepted without their changes."""
    path = tmp_path / "c.npz"
    _tampered(lambda _header, _arrays: None, path)
    run = _run()
    assert run.resume(path) == PAST
    assert run.done == 8


def test_stuck_devices_of_a_checkpoint(tmp_path: Path) -> None:
    """A stuck device is in its own state."""
    path, config = tmp_path / "c.npz", variant(TINY, nonideal={"stuck": ((2, 1, 0, 1),)})
    run = _run(config)
    run.machine.array.r1[2, 1] = 0
    run.save(path, PAST)
    with pytest.raises(CheckpointError, match=r"damaged: r1 has stuck devices in other states than theirs"):
        _run(config).resume(path)


def test_header_without_identity(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    headed_arrays.write(path, {"done": 1}, {})
    with pytest.raises(CheckpointError, match=f"^checkpoint {path} belongs to another run: identity is None there"):
        _run().resume(path)


def test_fewer_epochs_than_done(tmp_path: Path) -> None:
    """A run that shall be shorter than its checkpoint is refused; one as long is finished, with its curve."""
    path, long = tmp_path / "c.npz", _run(epochs=3)
    _advance(long, 14)
    long.save(path, PAST)
    with pytest.raises(
        CheckpointError,
        match=rf"^epochs must be >= 2, as far as the checkpoint {path} has come, not 1; give as many, or start w",
    ):
        _run(epochs=1).resume(path)
    run = _run(epochs=2)
    run.resume(path)
    assert run.finished
    assert run.curve == long.curve


def test_saving_replaces_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save that fails leaves the older checkpoint as it was."""
    path = tmp_path / "c.npz"
    run = _run()
    run.save(path, Past(1))
    content = path.read_bytes()

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="No space left") as full:
        run.save(path, Past(2))
    assert full.value.filename == str(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": -1}, "samples must be 1 .. 30, not -1"),
        ({"samples": 31}, "samples must be 1 .. 30, not 31"),
        ({"epochs": 0}, "epochs must be >= 1, not 0"),
        (
            {"config": named.load("digits")},
            "the data set has 10 pixels and 3 classes, the configuration's layers [64, 256, 10] begin and end "
            "differently: choose a configuration that fits",
        ),
    ],
)
def test_bad_runs(arguments: dict[str, Any], message: str) -> None:
    """Messages name what the user gave."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _run(**arguments)
