"""The progress bar of a training run."""

import sys
from types import TracebackType

from tqdm import tqdm

from golden.run.run import Run, Step


class Progress:
    """Shows epoch, rate, and the accuracy so far.

    Parameters
    ----------
    run : Run
        The run.
    shown : bool
        Whether there is a bar.
    """

    def __init__(self, run: Run, *, shown: bool = True) -> None:
        self._run = run
        total, done = run.presentations()
        self._bar = tqdm(
            total=total,
            initial=done,
            unit="sample",
            unit_scale=True,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=0.5,
            disable=not shown,
        )

    def __enter__(self) -> "Progress":
        """Show the bar."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def show(self, step: Step) -> None:
        """Move on by one step."""
        entry = self._run.curve[step.epoch] if step.epoch < len(self._run.curve) else None
        if entry is not None:
            tested = [epoch for epoch in self._run.curve if epoch.test_samples]
            texts = [f"epoch {step.epoch + 1}/{self._run.epochs}"]
            if entry.train_samples:
                texts.append(f"train {entry.train_correct / entry.train_samples:.3f}")
            if tested:
                texts.append(f"test {tested[-1].test_correct / tested[-1].test_samples:.3f}")
            self._bar.set_postfix_str(", ".join(texts), refresh=False)
        self._bar.update(step.count)
