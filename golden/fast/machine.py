"""The golden machine with its two inner loops compiled: samples, and the write pass."""

import numpy as np
from numpy.typing import NDArray

from golden import cycles
from golden.config import MachineConfig
from golden.fast.compiled import MissingError, compiled
from golden.fast.memory import Event, constants, memory, program
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
        self._ideal = _ideal(config)
        if not self._ideal:
            return
        if config.gradient.bits <= _NARROW:
            self.gradient.sums = self.gradient.sums.astype(np.int16)
        self._compiled = compiled()
        self._constants, self._memory = constants(self), memory(self)
        self._program = program(config)

    def present(self, samples: Samples, *, training: bool) -> NDArray[np.int64]:
        """Present samples as `Machine.present` does."""
        if not self._ideal:
            return super().present(samples, training=training)
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
        if not self._ideal:
            return super()._update(instruction, update_shift)
        counts = np.zeros(3, np.int64)
        issued = self._compiled.write(
            self._constants,
            self._memory,
            self.array.lfsr.states,
            instruction.row,
            instruction.rows,
            update_shift,
            counts,
        )
        self.array.pulses += int(counts[0])
        self.array.pulse_width += int(counts[1])
        self.array.switches += int(counts[2])
        self._counts["update_rows"] += instruction.rows
        self._counts["rows_pulsed"] += int(issued.sum())
        return cycles.update(issued, self.config.array_latency, self.config.array_writing)


def _ideal(config: MachineConfig) -> bool:
    """Whether the compiled loops know the machine: ideal arrays and constant tables; others go the way of `Machine`."""
    wrong, switching = config.nonideal, config.switching
    tables = switching.loadable or config.pulse.loadable or switching.variation_bins > 1
    return not (wrong.converting or wrong.any_stuck or tables)


def quickest(config: MachineConfig) -> type[Machine]:
    """Choose the quickest model of a machine: the compiled one where it knows the array and Numba is installed."""
    if not _ideal(config):
        return Machine
    try:
        compiled()
    except MissingError:
        return Machine
    return FastMachine
