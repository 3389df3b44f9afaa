"""Loads and dumps, step by step between the host's words and whatever holds the state (twin of `hdl/loader.py`)."""

from collections import deque

from golden.bus.packets import (
    pack_neurons,
    pack_weights,
    unpack_neurons,
    unpack_pulses,
    unpack_seeds,
    unpack_switching,
    unpack_weights,
)
from golden.input_buffer import word_bytes
from golden.machine import Machine
from golden.sequencer import HostOp, Instruction, Op


class Loader:
    """Golden model of the loader.

    Parameters
    ----------
    machine : Machine
        Whose state is loaded and dumped.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._steps: deque[tuple[Instruction, int]] = deque()
        # words of the present step, and of the present table
        self._step: list[int] = []
        self._table: list[int] = []

    def begin(self, op: HostOp) -> None:
        """Begin a command; one that is no load has no steps."""
        section = self._machine.config.program.transfers.get(op, ()) if op.name.startswith("LOAD") else ()
        self._steps = deque(
            (instruction, index) for instruction in section for index in range(instruction.rows or instruction.groups)
        )
        self._step, self._table = [], []

    @property
    def done(self) -> bool:
        """Whether the load has all its words."""
        return not self._steps

    def load(self, word: int) -> None:
        """Take a word; a step's last word completes it."""
        instruction, index = self._steps[0]
        self._step.append(word)
        if len(self._step) < instruction.words:
            return
        self._steps.popleft()
        data, self._step = self._bytes(self._step), []
        machine, c = self._machine, self._machine.config
        lanes, group = c.array.lanes, c.array.group
        if instruction.op == Op.WRITE:
            (r1,), (r2,) = unpack_weights(data, lanes, group)
            machine.write_row(index, r1, r2)
        elif instruction.op == Op.LOAD_NEURONS:
            offset, scale = unpack_neurons(data, *self._neuron_widths, group)
            part = slice(index * group, (index + 1) * group)
            machine.neurons.offset[part], machine.neurons.scale[part] = offset, scale
        elif instruction.op == Op.SEED:
            machine.array.seed(instruction.group, unpack_seeds(data, [0], 1, lanes, group)[0].astype(bool))
        else:
            self._table.append(word)
            if not self._steps:
                self._load_table(instruction.op, self._bytes(self._table))

    def dump(self, op: HostOp) -> list[int]:
        """Words of a dump."""
        machine, group = self._machine, self._machine.config.array.group
        if op == HostOp.DUMP_WEIGHTS:
            data = pack_weights(*machine.dump_weights(), group)
        else:
            data = pack_neurons(machine.neurons.offset, machine.neurons.scale, *self._neuron_widths, group)
        size = word_bytes(group)
        return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]

    @property
    def _neuron_widths(self) -> tuple[int, int]:
        """Bits of an offset and of a scale."""
        c = self._machine.config
        return c.neuron.offset_bits(c.geometry.sum_bits), c.neuron.scale_bits(c.geometry.sum_bits)

    def _bytes(self, words: list[int]) -> bytes:
        """Write words as bytes."""
        size = word_bytes(self._machine.config.array.group)
        return b"".join(word.to_bytes(size, "little") for word in words)

    def _load_table(self, op: Op, data: bytes) -> None:
        """Load a whole table."""
        c, group = self._machine.config, self._machine.config.array.group
        if op == Op.LOAD_PULSE_TABLE:
            self._machine.load_pulses(unpack_pulses(data, 1 << c.pulse.nu_bits, c.switching.code_bits, group))
        else:
            s = c.switching
            self._machine.load_switching(unpack_switching(data, s.variation_bins, s.codes, s.threshold_bits, group))
