"""The machine on a bus, access by access and word by word (twin of `hdl/bus/axi.py` and `hdl/bus/control.py`).

Time does not exist here: every method returns when the block would have nothing left to do, and output words are taken
at once. What the block says then is what it must say, whatever pauses there were.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from golden.bus.errors import HALTING, Error
from golden.bus.framer import Framer
from golden.bus.packets import (
    pack_neurons,
    pack_weights,
    unpack_neurons,
    unpack_pulses,
    unpack_samples,
    unpack_seeds,
    unpack_switching,
    unpack_weights,
)
from golden.bus.registers import Answer, RegisterBank, RegisterMap
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from golden.machine import Machine
from golden.samples import Samples
from golden.sequencer import HostOp, Instruction, Op

#: What can be known, and which commands make it so.
KNOWN = {
    "pulse_table": (HostOp.LOAD_PULSES,),
    "switching_table": (HostOp.LOAD_SWITCHING,),
    "neurons": (HostOp.INIT_RANDOM, HostOp.LOAD_NEURONS),
    "gradients": (HostOp.INIT_RANDOM, HostOp.LOAD_WEIGHTS),
}

#: Samples that the input buffer holds.
_BUFFER = 2


@dataclass
class _Command:
    """A command under way: samples and samples of the mini-batch left, or steps of a load left."""

    op: HostOp
    samples: int
    batch: int
    update_shifts: tuple[int, ...]
    batch_left: int
    steps: deque[tuple[Instruction, int]]
    words: int

    @property
    def training(self) -> bool:
        return self.op == HostOp.TRAIN

    @property
    def presents(self) -> bool:
        return self.op in (HostOp.TRAIN, HostOp.TEST)


class Block:
    """Golden model of the block.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    registers : RegisterMap
        The registers of this machine.
    design : int
        What the register DESIGN says.

    Attributes
    ----------
    machine : Machine
        The machine behind the bus.
    bank : RegisterBank
        The registers.
    output : list of (int, bool)
        Output words, and whether each was its packet's last.
    words : dict of HostOp to int
        Words of every load and dump that the machine has.
    """

    def __init__(self, config: MachineConfig, registers: RegisterMap, design: int) -> None:
        self.config, self._design = config, design
        self.machine = Machine(config)
        self.bank = RegisterBank(registers)
        self.output: list[tuple[int, bool]] = []
        self._queue: deque[tuple[int, bool]] = deque()
        self.words = {
            op: sum(instruction.words * (instruction.rows or instruction.groups) for instruction in section)
            for op, section in config.program.transfers.items()
        }
        self._restart()

    def _restart(self) -> None:
        """Do what reset does, but for the registers and the memories."""
        geometry = self.config.geometry
        self.machine.reset()
        self._framer = Framer(geometry.groups(0), geometry.sizes[-1])
        if self._queue:
            self._queue.popleft()  # the block holds one word that it cannot pass on
        self._samples: deque[Samples] = deque()
        self._step: list[int] = []
        self._table: list[int] = []
        self._command: _Command | None = None
        self._known = {name: name.endswith("table") for name in KNOWN}

    # registers

    def read(self, address: int) -> Answer:
        """Read a word."""
        inputs = self.bank.inputs
        inputs["design"] = self._design
        inputs["status_busy"] = int(self.busy)
        inputs["status_waiting"] = int(self.busy)
        for name, known in self._known.items():
            inputs[f"status_{name}"] = int(known)
        for name, count in self.machine.counters.items():
            inputs[f"counter_{name}"] = count
        return self.bank.read(address)

    def write(self, address: int, data: int, strobes: int = 15) -> Answer:
        """Write bytes of a word."""
        answer = self.bank.write(address, data, strobes)
        if "control_reset" in answer.pulses:
            self.bank.clear()
            self._restart()
        elif "control_start" in answer.pulses:
            self._start()
        self._settle()
        return answer

    @property
    def busy(self) -> bool:
        """Whether a command is under way: then it waits for input."""
        return self._command is not None

    @property
    def interrupt(self) -> bool:
        """Level of the interrupt."""
        done, error = self._setting("interrupt_done"), any(self._stands(error) for error in Error)
        return bool((done and self._setting("enable_done")) or (error and self._setting("enable_error")))

    @property
    def ready(self) -> bool:
        """Whether everything is known that training needs."""
        return all(self._known.values())

    # streams

    def send(self, word: int, last: bool) -> None:
        """Offer a word of the input stream; it waits while the block does not take it."""
        self._queue.append((word & ((1 << 2 * self.config.array.group) - 1), last))
        self._settle()

    @property
    def waiting(self) -> int:
        """Words that the block has not taken, but for one that it holds without having looked at what follows."""
        return len(self._queue)

    def expire(self) -> None:
        """Let the time pass after which a command that waits gives up."""
        if self._command is not None and self._setting("timeout"):
            self._set(Error.TIMEOUT)
            self._settle()

    # inside

    def _setting(self, port: str) -> int:
        return self.bank.outputs[port][0]

    def _stands(self, error: Error) -> bool:
        return bool(self._setting(f"error_{error.name.lower()}"))

    def _set(self, *errors: Error) -> None:
        self.bank.step(events=[f"error_{error.name.lower()}" for error in errors])

    @property
    def _halted(self) -> bool:
        return any(self._stands(error) for error in HALTING)

    @property
    def load(self) -> int:
        """Words of the load under way, 0 for none."""
        command = self._command
        return self.words[command.op] if command is not None and command.op.name.startswith("LOAD") else 0

    def _refusals(self, op: HostOp) -> list[Error]:
        """Say why a command cannot start."""
        c, bank = self.config, self.bank.outputs
        presents, trains = op in (HostOp.TRAIN, HostOp.TEST), op == HostOp.TRAIN
        loads = op.name.startswith("LOAD")
        rules = {
            Error.SAMPLES: presents and not bank["samples"][0],
            Error.BATCH: trains and not bank["batch"][0],
            Error.UPDATE_SHIFT: trains
            and any(update_shift not in c.offered_shifts for update_shift in bank["update_shift"]),
            Error.TABLE: trains and not (self._known["pulse_table"] and self._known["switching_table"]),
            Error.LOADABLE: loads and op not in self.words,
            Error.STATE: (presents and not self._known["neurons"]) or (trains and not self._known["gradients"]),
            Error.UNFINISHED: loads and op in self.words and bool(self._queue or self._framer.packet),
        }
        return [error for error, broken in rules.items() if broken]

    def _start(self) -> None:
        """Do what START does."""
        if any(self._stands(error) for error in Error):
            return
        if self._command is not None:
            self._set(Error.BUSY)
            return
        number = self._setting("command_operation")
        if number >= len(HostOp):
            self._set(Error.OPERATION)
            return
        op = HostOp(number)
        if refusals := self._refusals(op):
            self._set(*refusals)
            return
        for name, commands in KNOWN.items():
            if op in commands:
                self._known[name] = False
        section = self.config.program.transfers.get(op, ())
        steps = [
            (instruction, index) for instruction in section for index in range(instruction.rows or instruction.groups)
        ]
        batch = self._setting("batch")
        update_shifts = tuple(self.bank.outputs["update_shift"])
        self._command = _Command(
            op, self._setting("samples"), batch, update_shifts, batch, deque(steps), self.words.get(op, 0)
        )
        self._step, self._table = [], []

    def _finish(self, *, whole: bool = True) -> None:
        """End the command."""
        assert self._command is not None
        for name, commands in KNOWN.items():
            if whole and self._command.op in commands:
                self._known[name] = True
        self._command = None
        self.bank.step(events=["interrupt_done"])

    def _settle(self) -> None:
        """Go on until there is nothing left to do."""
        while self._work() or self._take():
            pass

    def _take(self) -> bool:
        """Take a word of the input stream; False if none can be taken."""
        hold = self._setting("control_stop")
        if self._halted or (hold and (self._command is None or self.load)):
            self._framer.packet.clear()
            if self._command is None:
                self._samples.clear()
            self._queue.clear()
            return False
        if not self._queue:
            return False
        word, last = self._queue[0]
        fault = self._framer.fault(word, last, self.load)
        if fault is not None:
            self._queue.popleft()
            self._framer.packet.clear()
            self._set(fault)
            return True
        if not self.load and len(self._samples) == _BUFFER:
            return False
        self._queue.popleft()
        self._framer.packet.append(word)
        if self.load:
            self._loaded(word)
        elif last:
            geometry = self.config.geometry
            data = self._bytes(self._framer.packet)
            trits, labels = unpack_samples(data, geometry.sizes[0], geometry.group)
            self._samples.append(Samples(trits, labels.astype(np.uint8)))
        if last:
            self._framer.packet.clear()
        return True

    def _work(self) -> bool:
        """Go on with the command; False if it cannot."""
        command = self._command
        if command is None:
            return False
        hold = self._setting("control_stop")
        if command.presents:
            if command.samples == 0:
                self._finish()
            elif hold:
                if command.training and command.batch_left != command.batch:
                    self.machine.update(command.update_shifts)
                self._finish()
            elif self._samples:
                self._present(command)
            elif self._halted:
                self._finish()
            else:
                return False
            return True
        if not self.load:
            self._at_once(command.op)
            self._finish()
            return True
        if not command.steps:
            self._finish()
            return True
        if hold or self._halted:
            self._finish(whole=False)
            return True
        return False

    def _present(self, command: _Command) -> None:
        """Work on the next sample."""
        (prediction,) = self.machine.present(self._samples.popleft(), training=command.training)
        command.samples -= 1
        self.output.append((int(prediction), command.samples == 0))
        if command.training:
            command.batch_left -= 1
            if command.batch_left == 0 or command.samples == 0:
                self.machine.update(command.update_shifts)
                command.batch_left = command.batch

    def _at_once(self, op: HostOp) -> None:
        """Do a command that needs no input."""
        machine, c, group = self.machine, self.config, self.config.array.group
        if op == HostOp.INIT_RANDOM:
            machine.initialise()
            return
        if op == HostOp.DUMP_WEIGHTS:
            data = pack_weights(*machine.dump_weights(), group)
        else:
            bits = c.geometry.sum_bits
            widths = c.neuron.offset_bits(bits), c.neuron.scale_bits(bits)
            data = pack_neurons(machine.neurons.offset, machine.neurons.scale, *widths, group)
        size = word_bytes(group)
        words = [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]
        self.output += [(word, at == len(words) - 1) for at, word in enumerate(words)]

    def _bytes(self, words: list[int]) -> bytes:
        """Write words as bytes."""
        return b"".join(word.to_bytes(word_bytes(self.config.array.group), "little") for word in words)

    def _loaded(self, word: int) -> None:
        """Take a word of a load; a step's last word completes it."""
        assert self._command is not None
        instruction, index = self._command.steps[0]
        self._step.append(word)
        if len(self._step) < instruction.words:
            return
        self._command.steps.popleft()
        data, self._step = self._bytes(self._step), []
        machine, c = self.machine, self.config
        lanes, group = c.array.lanes, c.array.group
        if instruction.op == Op.WRITE:
            (r1,), (r2,) = unpack_weights(data, lanes, group)
            machine.write_row(index, r1, r2)
        elif instruction.op == Op.LOAD_NEURONS:
            bits = c.geometry.sum_bits
            offset, scale = unpack_neurons(data, c.neuron.offset_bits(bits), c.neuron.scale_bits(bits), group)
            part = slice(index * group, (index + 1) * group)
            machine.neurons.offset[part], machine.neurons.scale[part] = offset, scale
        elif instruction.op == Op.SEED:
            machine.array.seed(instruction.group, unpack_seeds(data, [0], 1, lanes, group)[0].astype(bool))
        else:
            self._table.append(word)
            if not self._command.steps:
                self._load_table(instruction.op, self._bytes(self._table))

    def _load_table(self, op: Op, data: bytes) -> None:
        """Load a whole table."""
        c, group = self.config, self.config.array.group
        if op == Op.LOAD_PULSE_TABLE:
            self.machine.load_pulses(unpack_pulses(data, 1 << c.pulse.nu_bits, c.switching.code_bits, group))
        else:
            s = c.switching
            self.machine.load_switching(unpack_switching(data, s.variation_bins, s.codes, s.threshold_bits, group))
