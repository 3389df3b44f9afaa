"""A training run through a driver, the golden machine beside it: from its beginning, or from where it was cut."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fpga.host.driver import Driver
from golden.run.comparison import Mismatch, State, compare
from golden.run.run import Run, Step

#: What `dump_weights` and `dump_neurons` give.
_DUMPED = ("r1", "r2", "offset", "scale")


class StateError(RuntimeError):
    """The machine is not in a state that the run can go on from; the message is one line."""


class Training:
    """Trains a machine and the golden one side by side.

    Predictions are compared after every step, counters when a test has been made or after every step, weights and
    neurons at the end.

    Parameters
    ----------
    driver : Driver
        The machine.
    run : Run
        The golden machine and what is presented.
    often : bool
        Whether counters are compared after every step.

    Attributes
    ----------
    compared : int
        Values compared so far.
    seconds : float
        Processor time of this process in the driver so far.
    """

    def __init__(self, driver: Driver, run: Run, *, often: bool = False) -> None:
        self.driver, self.run = driver, run
        self.compared, self.seconds = 0, 0.0
        self._often = often
        # samples of the next step that the machine has worked on before
        self._worked = 0
        # of a command in two parts the cycles may be others, and the memories may have been dumped meanwhile
        self._rejoined = False

    def begin(self) -> None:
        """Begin anew: the machine reset and formed, as the golden one is."""
        self.driver.recover()
        self.driver.reset()
        self.driver.initialise()

    def rejoin(self) -> None:
        """Go on from where the machine stands; the golden machine stood there earlier in this run.

        The counter `samples` tells how far the machine has come since; the golden machine catches up. A mini-batch
        whose first samples the machine has worked on is finished with the others: gradient sums have kept those.

        Raises
        ------
        StateError
            If the machine has not gone on from there.
        """
        self.driver.abandon()
        run, self._rejoined = self.run, True
        worked, known = self.driver.counters()["samples"], run.machine.counters["samples"]
        before = known
        for step in run.steps():
            if run.machine.counters["samples"] + step.count > worked:
                break
            run.advance(step, run.present(step))
        self._worked = worked - run.machine.counters["samples"]
        if self._worked < 0 or (self._worked and run.finished):
            raise StateError(
                f"the machine is not where this training left it: its counter samples is {worked}, the checkpoint "
                f"has {before}: was it without power, or used by another program?"
            )
        where = f"after {worked} samples"
        try:
            self.compared += compare(where, _named(self.driver.dump_weights()), _named(run.machine.dump_weights()))
            if not self._worked:
                self.compared += compare(where, *self._counters())
        except Mismatch as mismatch:
            raise StateError(f"the machine is not where this training left it: {mismatch}") from None

    def reload(self) -> None:
        """Give the machine the golden one's weights and neurons, and let both go on from there.

        Gradient sums are cleared and random streams begin again in both, so the run is no longer that of its seed.
        """
        state, run = self.run.machine.state(), self.run
        run.machine = run.model(run.config)
        self.driver.recover()
        self.driver.reset()
        for machine in (self.driver, run.machine):
            machine.load_weights(state["r1"], state["r2"])
            machine.load_neurons(state["offset"], state["scale"])

    def steps(self) -> Iterator[Step]:
        """Do step after step; yield every one that is done, and compare all that can be at the end.

        Raises
        ------
        Mismatch
            If both differ.
        """
        for step in self.run.steps():
            self._step(step)
            yield step
        self.compared += compare("the end", *self._counters())
        self.compared += compare("the end", *self._states())

    def _step(self, step: Step) -> None:
        """Do a step on both sides and compare."""
        run, driver, worked = self.run, self.driver, self._worked
        samples = run.present(step)
        left, before = samples[worked:], time.process_time()
        if step.training:
            predictions = driver.train(left, len(left), run.config.update_shifts(step.epoch))
        else:
            predictions = driver.infer(left)
        self.seconds += time.process_time() - before
        self._worked = 0
        expected = run.advance(step, samples)[worked:]
        where = f"epoch {step.epoch + 1}, {'batch' if step.training else 'test'} from sample {step.first}"
        self.compared += compare(where, {"predictions": predictions}, {"predictions": expected})
        if self._often or not step.training:
            self.compared += compare(where, *self._counters())

    def _counters(self) -> tuple[State, State]:
        """Counters of both, but for the time spent waiting."""
        mine, golden = (
            {
                name: np.array(count)
                for name, count in counters.items()
                if name != "cycles_wait" and (not self._rejoined or not name.startswith(("cycles_", "rows_read")))
            }
            for counters in (self.driver.counters(), self.run.machine.counters)
        )
        return mine, golden

    def _states(self) -> tuple[State, State]:
        """What the bus gives of the state of both."""
        golden = self.run.machine.state()
        found = _named((*self.driver.dump_weights(), *self.driver.dump_neurons()))
        return found, {name: golden[name] for name in _DUMPED}


def _named(dumped: Sequence[NDArray[np.integer]]) -> State:
    """Give names to what was dumped, weights or weights and neurons."""
    return {name: values.astype(np.int64) for name, values in zip(_DUMPED, dumped, strict=False)}
