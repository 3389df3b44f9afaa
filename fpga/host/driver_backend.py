"""A machine behind a driver, as a session trains it: from its beginning, or from where it was cut."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fpga.host.driver import Driver
from golden.lib.errors import UserError
from golden.run.comparison import Mismatch, State, compare
from golden.run.run import Run, Step
from golden.samples import Samples
from sim.verilated import Verilated

#: What `dump_weights` and `dump_neurons` give.
_DUMPED = ("r1", "r2", "offset", "scale")


class StateError(UserError):
    """The machine is not in a state that the run can go on from; the message is one line."""


class DriverBackend:
    """The backend of a machine on a bus (`golden.run.session.Backend`).

    Parameters
    ----------
    driver : Driver
        The machine.
    run : Run
        What it trains.
    counts_every_step : bool
        Whether counters are read after every step, which takes long over a serial line.

    Attributes
    ----------
    seconds : float
        Processor time of this process in the driver so far.
    """

    transparent = False

    def __init__(self, driver: Driver, run: Run, *, counts_every_step: bool = False) -> None:
        self.driver, self.run = driver, run
        self.counts_every_step = counts_every_step
        self.seconds = 0.0
        # samples of the next step that the machine has worked on before
        self._worked = 0
        # of a command in two parts the cycles may be others, and the memories may have been dumped meanwhile
        self._rejoined = False

    def begin(self) -> None:
        """Reset and initialise the machine."""
        self.driver.recover()
        self.driver.reset()
        self.driver.initialise()

    def resume(self, run: Run) -> None:
        """Go on from where the machine stands; the golden machine stood there earlier in this run.

        The counter `samples` tells how far the machine has come since; the golden machine catches up. A mini-batch
        whose first samples the machine has worked on is finished with the others: gradient sums have kept those.

        Raises
        ------
        StateError
            If the machine has not gone on from there.
        """
        self.driver.abandon()
        self._rejoined = True
        worked, known = self.driver.counters()["samples"], run.machine.counters["samples"]
        for step in run.steps():
            if run.machine.counters["samples"] + step.count > worked:
                break
            run.advance(step, run.present(step))
        self._worked = worked - run.machine.counters["samples"]
        if self._worked < 0 or (self._worked and run.finished):
            raise StateError(
                f"the machine is not where this training left it: its counter samples is {worked}, the checkpoint "
                f"has {known}: was it without power, or used by another program?"
            )
        where = f"after {worked} samples"
        try:
            compare(where, _named(self.driver.dump_weights()), _named(run.machine.dump_weights()))
            if not self._worked:
                mine = {name: np.array(count) for name, count in self.counters().items() if name != "cycles_wait"}
                compare(where, mine, {name: np.array(run.machine.counters[name]) for name in mine})
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

    def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Do a step, or what the machine has not done of it."""
        left, before = samples[self._worked :], time.process_time()
        if step.training:
            predictions = self.driver.train(left, len(left), self.run.config.update_shifts(step.epoch))
        else:
            predictions = self.driver.infer(left)
        self.seconds += time.process_time() - before
        self._worked = 0
        return predictions

    def counters(self) -> dict[str, int]:
        """Read the event counters that can be compared."""
        changed = ("cycles_", "rows_read") if self._rejoined else ()
        return {name: count for name, count in self.driver.counters().items() if not name.startswith(changed)}

    def state(self) -> State:
        """Dump weights and neurons, all that the bus gives of the state."""
        return _named((*self.driver.dump_weights(), *self.driver.dump_neurons()))

    def figures(self) -> dict[str, float]:
        """Say how long the driver took."""
        return {"rtl_seconds": self.seconds}


class VerilatedBackend(DriverBackend):
    """The Verilated block on its bus, in this process."""

    def __init__(self, transport: Verilated, driver: Driver, run: Run) -> None:
        super().__init__(driver, run, counts_every_step=True)
        self._transport = transport

    def figures(self) -> dict[str, float]:
        """Say what the simulation took."""
        return super().figures() | {"rtl_cycles": self._transport.cycles}


def _named(dumped: Sequence[NDArray[np.integer]]) -> State:
    """Give names to what was dumped, weights or weights and neurons."""
    return {name: values.astype(np.int64) for name, values in zip(_DUMPED, dumped, strict=False)}
