"""The session: what is compared and when, checkpoints, differences, lost machines; a golden machine is the backend."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.kit.random_data import random_dataset
from gen import config as named
from golden.lib.errors import Interrupted, UserError
from golden.machine import Machine
from golden.run import session
from golden.run.checkpoint import CheckpointError
from golden.run.comparison import State
from golden.run.run import Run, Step
from golden.run.session import LostError, Session
from golden.samples import Samples

TINY = named.load("tiny")


class Twin:
    """A backend that is a golden machine; in a step it can be made to err, be lost, end, or press Ctrl-C."""

    def __init__(self, *, transparent: bool = True, counts_every_step: bool = True) -> None:
        self.transparent, self.counts_every_step = transparent, counts_every_step
        self.machine = Machine(TINY)
        self.asked = {"step": 0, "counters": 0, "state": 0}
        self.wrong_in = self.lost_in = self.ended_in = self.stopped_in = 0

    def begin(self) -> None:
        self.machine.initialise()

    def resume(self, run: Run) -> None:
        self.machine.restore(run.machine.state(), run.machine.counters)

    def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        self.asked["step"] += 1
        if self.asked["step"] == self.lost_in:
            raise LostError("(pulled): plug it in")
        if self.asked["step"] == self.stopped_in:
            os.kill(os.getpid(), signal.SIGINT)
        if self.asked["step"] == self.ended_in:
            raise UserError("the simulation has ended")
        if step.training:
            predictions = self.machine.train(samples, step.count, TINY.update_shifts(step.epoch))
        else:
            predictions = self.machine.test(samples)
        if self.asked["step"] == self.wrong_in:
            state = self.machine.state()
            self.machine.load_weights(1 - state["r1"], state["r2"])
        return predictions

    def counters(self) -> dict[str, int]:
        self.asked["counters"] += 1
        return self.machine.counters | {"cycles_wait": -1}

    def state(self) -> State:
        self.asked["state"] += 1
        assert not self.ended_in or self.asked["step"] < self.ended_in, "asked after its end"
        return self.machine.state()

    def figures(self) -> dict[str, float]:
        return {"steps": self.asked["step"]}


def _run() -> Run:
    return Run(TINY, random_dataset(TINY, 22, 7), 0, 2)


def _session(run: Run, twin: Twin | None, path: Path | None = None, **options: Any) -> Session:
    return Session(run, twin, path, progress=False, **options)


def test_alone() -> None:
    """The golden machine alone: nothing is compared, and nothing is said of exactness."""
    run = _run()
    outcome = _session(run, None).train()
    assert (outcome.bit_exact, outcome.compared, outcome.figures) == (None, 0, {})
    assert run.finished
    assert outcome.seconds > 0


@pytest.mark.parametrize("transparent", [True, False])
@pytest.mark.parametrize("counts_every_step", [True, False])
def test_what_is_compared(*, transparent: bool, counts_every_step: bool) -> None:
    """Counters after every step or after tests, the state at the end or at the start as well."""
    run, twin = _run(), Twin(transparent=transparent, counts_every_step=counts_every_step)
    outcome = _session(run, twin).train()
    assert outcome.bit_exact is True
    steps = len(run._steps)
    assert twin.asked["step"] == steps == outcome.figures["steps"]
    assert twin.asked["counters"] == (steps if counts_every_step else run.epochs)
    assert twin.asked["state"] >= 2 if transparent else twin.asked["state"] == 1
    assert run.weights_sha256() == _alone()


def _alone() -> str:
    run = _run()
    _session(run, None).train()
    return run.weights_sha256()


@pytest.mark.parametrize("at", [1, 4, 8])
def test_resume(tmp_path: Path, at: int) -> None:
    """Cut after any step and taken up by another session: the same weights, and figures that add up."""
    path, first = tmp_path / "checkpoint.npz", _run()
    _session(first, Twin(), path, steps=at).train()
    # the last steps may be younger than the checkpoint
    again, twin = _run(), Twin()
    outcome = _session(again, twin, path, resume=True).train()
    assert outcome.bit_exact is True
    assert again.weights_sha256() == _alone()
    assert 1 <= outcome.figures["steps"] - twin.asked["step"] <= at


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing to resume"):
        _session(_run(), Twin(), tmp_path / "none.npz", resume=True).train()


@pytest.mark.parametrize("transparent", [True, False])
def test_difference(tmp_path: Path, *, transparent: bool) -> None:
    """A wrong weight ends the session; where the state can be set it goes back to where all was equal."""
    run, twin, path = _run(), Twin(transparent=transparent), tmp_path / "checkpoint.npz"
    twin.wrong_in = 3
    outcome = _session(run, twin, path).train()
    assert outcome.bit_exact is False
    assert "epoch 1" in outcome.mismatch or "epoch 2" in outcome.mismatch or "the end" in outcome.mismatch
    if transparent:
        assert run.done < 3
        right = _run()
        assert _session(right, Twin(), path, resume=True).train().bit_exact is True
        assert right.weights_sha256() == _alone()


def test_difference_at_the_start(tmp_path: Path) -> None:
    """A machine that begins in another state: the session ends before its first step, and nothing is kept."""
    twin, path = Twin(), tmp_path / "checkpoint.npz"
    twin.begin = lambda: twin.machine.load_weights(*np.ones((2, *twin.machine.array.r1.shape), np.uint8))
    outcome = _session(_run(), twin, path).train()
    assert outcome.bit_exact is False
    assert outcome.mismatch.startswith("start: ")
    assert outcome.figures == {"steps": 0}
    assert not path.exists()


def test_lost(tmp_path: Path) -> None:
    """A machine that is lost: a checkpoint, and one line with epoch, reason and what to do."""
    run, twin, path = _run(), Twin(transparent=False), tmp_path / "checkpoint.npz"
    twin.lost_in = 5
    with pytest.raises(LostError, match=r"^the machine is lost in epoch 1 \(pulled\): plug it in; the same command"):
        _session(run, twin, path).train()
    again = _run()
    again.resume(path)
    assert again.done == 4


@pytest.mark.parametrize("at", [1, 2, 6])
def test_ended(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation that ends is asked nothing more; the checkpoint is the last state that was compared."""
    monkeypatch.setattr(session, "_STATE_SHARE", 10**9)
    run, twin, path = _run(), Twin(), tmp_path / "checkpoint.npz"
    twin.ended_in = at
    with pytest.raises(UserError, match=r"^the simulation has ended$"):
        _session(run, twin, path).train()
    again = _run()
    assert _session(again, Twin(), path, resume=True).train().bit_exact is True
    assert again.weights_sha256() == _alone()


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C waits for the end of the step, and the checkpoint is that of this step."""
    run, twin, path = _run(), Twin(), tmp_path / "checkpoint.npz"
    twin.stopped_in = 3
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match=r"^interrupted: the same command with --resume \(make: RESUME=1\) goes on"):
        _session(run, twin, path).train()
    assert signal.getsignal(signal.SIGINT) is before
    again = _run()
    again.resume(path)
    assert again.done == 3


def test_forgotten_resume(tmp_path: Path) -> None:
    """A run that begins anew keeps the checkpoint of the one before, until then the only trace of long work."""
    path = tmp_path / "checkpoint.npz"
    _session(_run(), Twin(), path, steps=4).train()
    content = path.read_bytes()
    _session(_run(), Twin(), path, steps=0).train()
    assert path.read_bytes() == content
    _session(_run(), Twin(), path, steps=1).train()
    assert path.read_bytes() != content
    assert (tmp_path / "checkpoint-before.npz").read_bytes() == content
    # going on replaces this run's own
    _session(_run(), Twin(), path, steps=4, resume=True).train()
    assert (tmp_path / "checkpoint-before.npz").read_bytes() == content
    again = _run()
    assert _session(again, Twin(), tmp_path / "checkpoint-before.npz", resume=True).train().bit_exact is True
    assert again.weights_sha256() == _alone()
