"""The golden machine with its two inner loops compiled: samples, and the write pass."""

import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig
from golden.fast.compiled import MissingError, compiled
from golden.fast.memory import Event, Write, constants, memory, program
from golden.machine import Machine
from golden.samples import Samples
from golden.sequencer import Instruction, Phase

#: Widest sums that fit 16 bits together with one addition that has not yet been saturated.
_NARROW = 15


class FastMachine(Machine):
    """A golden machine like `Machine`, equal to it in every number; only time tells them apart.

    State and counters are those of the blocks, so that checkpoints can be exchanged.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Raises
    ------
    MissingError
        If Numba is not installed.
    """

    def __init__(self, config: MachineConfig) -> None:
        super().__init__(config)
        if config.gradient.bits <= _NARROW:
            self.gradient.sums = self.gradient.sums.astype(np.int16)
        self._compiled = compiled()
        self._constants, self._memory = constants(self), memory(self)
        self._program = program(config)

    def present(self, samples: Samples, *, training: bool) -> NDArray[np.int64]:
        """Present samples as `Machine.present` does."""
        self._check(samples)
        counts = np.zeros((len(Phase), len(Event)), np.int64)
        predictions = self._compiled.present(
            self._program, self._constants, self._memory, samples.trits, samples.labels, training, counts
        )
        for phase in (Phase.FORWARD, Phase.BACKWARD):
            for event in (Event.ROWS_DRIVEN, Event.ROWS_SENSED, Event.GROUPS_SENSED, Event.PRODUCTS):
                self._count_read(phase, event.name.lower(), int(counts[phase, event]))
        self._counts["gradient_rows"] += int(counts[Phase.GRADIENT, Event.ROWS_DRIVEN])
        for phase in (Phase.FORWARD, Phase.BACKWARD, Phase.GRADIENT):
            self._counts[f"cycles_{phase.name.lower()}"] += int(counts[phase, Event.CYCLES])
        self._enter(samples, predictions)
        return predictions

    def _update(self, instruction: Instruction, update_shift: int) -> int:
        counts = np.zeros(len(Write), np.int64)
        pulses, done = self._compiled.write(
            self._constants, self._memory, instruction.row, instruction.rows, update_shift, counts
        )
        for event in Write:
            name = event.name.lower()
            setattr(self.array, name, getattr(self.array, name) + int(counts[event]))
        self._counts["update_rows"] += instruction.rows
        self._counts["rows_pulsed"] += pulses
        return done


def quickest() -> type[Machine]:
    """Choose the quickest model of a machine: the compiled one where Numba is installed."""
    try:
        compiled()
    except MissingError:
        return Machine
    return FastMachine
