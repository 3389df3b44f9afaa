"""One training session: a run of the golden machine, and beside it another machine that must do the same.

Every way to train is this loop with another backend: none for the golden machine alone, the RTL in a simulator, a
driver on a bus, a board at a serial port.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from golden.lib.atomic_write import keep
from golden.lib.errors import Interrupted, UserError
from golden.machine import Machine
from golden.run.checkpoint import Past
from golden.run.comparison import Mismatch, State, compare
from golden.run.progress import Progress
from golden.run.run import Run, Step
from golden.samples import Samples

#: Seconds between checkpoints; the first step is always followed by one.
CHECKPOINT_SECONDS = 10.0
#: The whole state is compared as often as it takes no more than one part in this many of the time.
_STATE_SHARE = 10
#: What a user does to go on after an interruption.
_AGAIN = "the same command with --resume (make: RESUME=1) goes on from the last checkpoint"
#: Samples over which a compiled golden machine is compared with the NumPy one.
_PREFIX_SAMPLES = 1000


class LostError(UserError):
    """The machine beside the golden one cannot be reached any more; the session has written a checkpoint.

    A backend says why, in brackets, and what to do.
    """


class Backend(Protocol):
    """A machine that a session trains beside the golden one.

    Attributes
    ----------
    transparent : bool
        Its whole state can be read without a trace, and set: it is compared now and then, and a session goes back to
        the last state that was equal. Of another machine the state is compared at the end.
    counts_every_step : bool
        Its counters are compared after every step, else after tests and at the end.
    """

    transparent: bool
    counts_every_step: bool

    def begin(self) -> None:
        """Reset and initialise the machine."""
        ...

    def resume(self, run: Run) -> None:
        """Bring the machine to where the run's golden machine stands, or the run to where the machine stands."""
        ...

    def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Do a step; return the predictions, of the last samples where it had done the first ones before."""
        ...

    def counters(self) -> dict[str, int]:
        """Read the event counters that can be compared."""
        ...

    def state(self) -> State:
        """Read as much of the state as the machine shows."""
        ...

    def figures(self) -> dict[str, float]:
        """Count what the report shall have of the machine, for example cycles; sessions of one run add up."""
        ...


@dataclass
class Outcome:
    """What a session brought.

    Attributes
    ----------
    bit_exact : bool or None
        Whether both machines agreed; None for the golden machine alone.
    mismatch : str
        The first difference.
    compared : int
        Values compared.
    seconds : float
        Time of the session and of those it went on from, s.
    figures : dict of str to float
        The backend's, of all these sessions.
    """

    bit_exact: bool | None = None
    mismatch: str = ""
    compared: int = 0
    seconds: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)


class Session:
    """Trains and tests to the end, or to an interruption.

    Parameters
    ----------
    run : Run
        The golden machine and what is presented.
    backend : Backend or None
        The machine beside it.
    checkpoint : Path or None
        Where to keep how far it came; None for nowhere.
    resume : bool
        Go on from the checkpoint.
    steps : int or None
        End after so many steps; None for the whole run.
    progress : bool
        Whether a bar is shown.
    """

    def __init__(
        self,
        run: Run,
        backend: Backend | None = None,
        checkpoint: Path | None = None,
        *,
        resume: bool = False,
        steps: int | None = None,
        progress: bool = True,
    ) -> None:
        self.run, self.backend, self._checkpoint = run, backend, checkpoint
        self._resume, self._limit, self._progress = resume, steps, progress
        self.outcome = Outcome()
        # whether the checkpoint that is there is this run's
        self._owned = resume
        # steps up to which the whole state is compared after every one
        self._careful = 0
        # when the whole state is due again, and where it was equal last
        self._due = 0.0
        self._equal = run.snapshot()
        self._prefix: _Prefix | None = None
        # of the sessions before this one
        self._figures: dict[str, float] = {}

    def train(self) -> Outcome:
        """Train.

        Returns
        -------
        Outcome
            What came of it; a difference ends the session and is no exception.

        Raises
        ------
        Interrupted
            If Ctrl-C came; the checkpoint is written.
        LostError
            If the machine is lost; the checkpoint is written.
        CheckpointError
            If there is nothing to go on from.
        """
        outcome = self.outcome
        with _unhurried() as interrupted:
            try:
                self._begin()
            except Mismatch as mismatch:
                self._differ(mismatch)
                self._add_figures()
                return outcome
            started = saved = time.monotonic()
            before = outcome.seconds

            def save() -> None:
                outcome.seconds = before + time.monotonic() - started
                self._save()

            first = True
            with Progress(self.run, shown=self._progress) as progress:
                for step in self.run.steps()[: self._limit]:
                    try:
                        self._step(step)
                        progress.show(step)
                        if first or time.monotonic() - saved > CHECKPOINT_SECONDS or self.run.finished or interrupted():
                            save()
                            saved, first = time.monotonic(), False
                    except Mismatch as mismatch:
                        if self._differ(mismatch):
                            save()
                        break
                    except LostError as lost:
                        self._go_back()
                        save()
                        epoch = min(len(self.run.curve), self.run.epochs) or 1
                        raise LostError(f"the machine is lost in epoch {epoch} {lost}; {_AGAIN}") from None
                    except UserError:
                        # the machine has ended: it is asked nothing more
                        self._go_back()
                        save()
                        raise
                    if interrupted():
                        raise Interrupted(f"interrupted: {_AGAIN}")
            outcome.seconds = before + time.monotonic() - started
        self._add_figures()
        return outcome

    def _begin(self) -> None:
        """Bring both machines to where the session begins."""
        backend, run, outcome = self.backend, self.run, self.outcome
        if self._resume:
            assert self._checkpoint is not None
            past = run.resume(self._checkpoint)
            outcome.seconds, outcome.compared, self._careful = past.seconds, past.compared, past.careful
            self._figures = past.figures
        if backend is None:
            return
        outcome.bit_exact = True
        if self._resume:
            backend.resume(run)
        else:
            backend.begin()
            if run.model is not Machine:
                self._prefix = _Prefix(run)
        if backend.transparent:
            self._check_state("start")

    def _step(self, step: Step) -> None:
        """Do one step on both sides and compare."""
        run, backend, outcome = self.run, self.backend, self.outcome
        samples = run.present(step)
        if backend is None:
            run.advance(step, samples)
            return
        found = backend.step(step, samples)
        expected = run.advance(step, samples)
        where = str(step)
        outcome.compared += compare(
            where, {"predictions": found}, {"predictions": expected[len(expected) - len(found) :]}
        )
        if backend.counts_every_step or not step.training or run.finished:
            outcome.compared += compare(where, *self._counters(backend.counters()))
        if run.finished or (backend.transparent and (time.monotonic() >= self._due or run.done <= self._careful)):
            self._check_state("the end" if run.finished else where)
        if self._prefix:
            outcome.compared += self._prefix.step(step, samples)

    def _counters(self, found: dict[str, int]) -> tuple[State, State]:
        """Counters of both, but for the time spent waiting, which depends on the host and not on the machine."""
        names = [name for name in found if name != "cycles_wait"]
        golden = self.run.machine.counters
        return {name: np.array(found[name]) for name in names}, {name: np.array(golden[name]) for name in names}

    def _check_state(self, where: str) -> None:
        """Compare as much of the state as the machine shows."""
        assert self.backend is not None
        started = time.monotonic()
        found, golden = self.backend.state(), self.run.machine.state()
        self.outcome.compared += compare(where, found, {name: golden[name] for name in golden if name in found})
        self._equal = self.run.snapshot()
        now = time.monotonic()
        self._due = now + _STATE_SHARE * (now - started)

    def _differ(self, mismatch: Mismatch) -> bool:
        """Note a difference; go back, if possible, so that the steps since can be repeated."""
        self.outcome.bit_exact, self.outcome.mismatch = False, str(mismatch)
        return self._go_back()

    def _go_back(self) -> bool:
        """Go back to where all was equal, if the machine's state can be set; say if so."""
        if self.backend is None or not self.backend.transparent:
            return False
        self._careful = max(self._careful, self.run.done)
        self.run.restore(self._equal)
        return True

    def _save(self) -> None:
        """Write a checkpoint; of a machine whose state can be set, only a state that was compared."""
        if self._checkpoint is None:
            return
        if not self._owned:
            keep(self._checkpoint)
            self._owned = True
        backend, outcome = self.backend, self.outcome
        if backend and backend.transparent and self._equal.done != self.run.done:
            self._check_state("checkpoint")
        self._add_figures()
        self.run.save(self._checkpoint, Past(outcome.seconds, outcome.compared, self._careful, outcome.figures))

    def _add_figures(self) -> None:
        """Add the backend's figures to those of the sessions before."""
        figures = self.backend.figures() if self.backend else {}
        self.outcome.figures = self._figures | {
            name: self._figures.get(name, 0) + value for name, value in figures.items()
        }


class _Prefix:
    """The NumPy machine beside a compiled golden one, over the first samples of a run."""

    def __init__(self, run: Run) -> None:
        self._run, self._left = run, _PREFIX_SAMPLES
        self._machine = Machine(run.config)
        self._machine.initialise()

    def step(self, step: Step, samples: Samples) -> int:
        """Follow a step that the run has just done; return the number of values compared."""
        if self._left <= 0:
            return 0
        self._left -= step.count
        if step.training:
            self._machine.train(samples, step.count, self._run.config.update_shifts(step.epoch))
        else:
            self._machine.test(samples)
        where = f"sample {step.first}, compiled model for RTL and NumPy model for golden"
        mine, other = self._run.machine, self._machine
        counters = [{name: np.array(count) for name, count in machine.counters.items()} for machine in (mine, other)]
        return compare(where, mine.state() | counters[0], other.state() | counters[1])


@contextmanager
def _unhurried() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C wait for the end of a step; say if it came. A second one does not wait.

    Signals reach the main thread alone; elsewhere nothing changes.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: object) -> None:
        came.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)
