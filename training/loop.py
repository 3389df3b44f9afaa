"""The loop around a run: bar, log, checkpoints, time limit."""

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training import checkpoint
from training.errors import TrainingError
from training.run import Run

#: Seconds between checkpoints within an epoch; every epoch ends with one.
CHECKPOINT_SECONDS = 60.0
#: Steps between two looks at the loss, which make a GPU wait.
_LOOK = 20


@dataclass(frozen=True)
class Folder:
    """Where a run keeps what it needs again.

    Attributes
    ----------
    path : Path
        The folder, one per run.
    """

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The last good checkpoint."""
        return self.path / "checkpoint.pt"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.json"

    @property
    def weights(self) -> Path:
        """The weights file of a network for the machine."""
        return self.path / "weights.npz"

    @property
    def log(self) -> Path:
        """TensorBoard's log."""
        return self.path / "log"


def train(
    run: Run, folder: Folder, time_limit: float | None = None, epoch_ended: Callable[[], object] = lambda: None
) -> bool:
    """Advance a run to its end, or until time is over.

    Parameters
    ----------
    run : Run
        The run, new or taken up.
    folder : Folder
        Where checkpoints and the log go.
    time_limit : float or None
        Seconds for this call; the step under way and a checkpoint come on top.
    epoch_ended : callable
        Called after every epoch, and its checkpoint.

    Returns
    -------
    bool
        Whether the run is finished.

    Raises
    ------
    TrainingError
        If the loss is no number any more, or memory is short; the last good checkpoint is kept.
    """
    clock = _Clock(run)
    with _Bar(run) as bar, contextlib.closing(_log(run, folder)) as log:
        saved = time.monotonic()
        try:
            while not run.finished:
                run.advance()
                late = time_limit is not None and clock.elapsed() >= time_limit
                ended = run.at.step == run.steps
                if run.at.step % _LOOK == 0 or late or ended:
                    bar.show(run.loss())
                if ended:
                    run.end_epoch()
                    for name, value in run.curve[-1].items():
                        log.add_scalar(name, value, run.at.epoch)
                if ended or late or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    run.loss()  # nothing that is no number is saved
                    clock.enter()
                    checkpoint.save(folder.checkpoint, run.identity, run.state())
                    saved = time.monotonic()
                if ended:
                    epoch_ended()
                if late:
                    break
        except TrainingError as error:
            kept = folder.checkpoint.is_file()
            state = f"the last good checkpoint is {folder.checkpoint}" if kept else "there is no checkpoint yet"
            raise TrainingError(f"{error}; {state}") from error
    return run.finished


def _log(run: Run, folder: Folder) -> SummaryWriter:
    """Open the log; what an interrupted run wrote beyond its checkpoint is hidden."""
    return SummaryWriter(str(folder.log), purge_step=run.at.epoch + 1)


class _Clock:
    """Adds the time of this call to that of a run."""

    def __init__(self, run: Run) -> None:
        self._run, self._before, self._started = run, run.at.seconds, time.monotonic()

    def elapsed(self) -> float:
        """Seconds of this call."""
        return time.monotonic() - self._started

    def enter(self) -> None:
        """Write the sum into the run."""
        self._run.at.seconds = self._before + self.elapsed()


class _Bar:
    """The progress bar, in samples, with the time that is left."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bar = tqdm(
            total=run.settings.epochs * run.steps * run.settings.batch,
            initial=self._done(),
            unit="sample",
            unit_scale=True,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=0.5,
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def _done(self) -> int:
        run = self._run
        return (run.at.epoch * run.steps + run.at.step) * run.settings.batch

    def show(self, loss: float) -> None:
        """Move to where the run stands."""
        run = self._run
        texts = [f"epoch {run.at.epoch + 1}/{run.settings.epochs}", f"loss {loss:.4f}"]
        if run.curve:
            texts.append(f"test {run.curve[-1]['test_accuracy']:.4f}")
        self._bar.set_postfix_str(", ".join(texts), refresh=False)
        self._bar.update(self._done() - self._bar.n)
