"""The machine on a bus, access by access and word by word (twin of `hdl/bus/axi.py`).

Time does not exist here: every method returns when the block would have nothing left to do, and output words are taken
at once. What the block says then is what it must say, whatever pauses there were.
"""

from collections import deque

import numpy as np

from golden.bus.control import Command, Control
from golden.bus.errors import HALTING, Error
from golden.bus.framer import Framer
from golden.bus.packets import unpack_samples
from golden.bus.register_bank import Answer, RegisterBank
from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from golden.loader import Loader
from golden.machine import Machine
from golden.samples import Samples
from golden.sequencer import HostOp

#: Samples that the input buffer holds.
_BUFFER = 2


class BusBlock:
    """Golden model of the block on a bus.

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
    """

    def __init__(self, config: MachineConfig, registers: RegisterMap, design: int) -> None:
        self.config, self._design = config, design
        self.machine = Machine(config)
        self.bank = RegisterBank(registers)
        self.output: list[tuple[int, bool]] = []
        self._queue: deque[tuple[int, bool]] = deque()
        self._restart()

    def _restart(self) -> None:
        """Do what reset does, but for the registers and the memories."""
        geometry = self.config.geometry
        self.machine.reset()
        self._framer = Framer(geometry.groups(0), geometry.sizes[-1])
        if self._queue:
            self._queue.popleft()  # the block holds one word that it cannot pass on
        self._samples: deque[Samples] = deque()
        self._loader, self._control = Loader(self.machine), Control(self.config)

    # registers

    def read(self, address: int) -> Answer:
        """Read a word."""
        inputs = self.bank.inputs
        inputs["design"] = self._design
        inputs["status_busy"] = int(self.busy)
        inputs["status_waiting"] = int(self.busy)
        for name, valid in self._control.valid.items():
            inputs[f"status_{name}"] = int(valid)
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
        return self._control.command is not None

    @property
    def interrupt(self) -> bool:
        """Level of the interrupt."""
        done, error = self._setting("interrupt_done"), any(self._pending(error) for error in Error)
        return bool((done and self._setting("enable_done")) or (error and self._setting("enable_error")))

    @property
    def ready(self) -> bool:
        """Whether all state is valid that training needs."""
        return all(self._control.valid.values())

    @property
    def load(self) -> int:
        """Words of the load under way, 0 for none."""
        return self._control.load

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
        if self.busy and self._setting("timeout"):
            self._set(Error.TIMEOUT)
            self._settle()

    # inside

    def _setting(self, port: str) -> int:
        return self.bank.outputs[port][0]

    def _pending(self, error: Error) -> bool:
        return bool(self._setting(f"error_{error.name.lower()}"))

    def _set(self, *errors: Error) -> None:
        self.bank.step(events=[f"error_{error.name.lower()}" for error in errors])

    @property
    def _halted(self) -> bool:
        return any(self._pending(error) for error in HALTING)

    def _start(self) -> None:
        """Do what START does."""
        if any(self._pending(error) for error in Error):
            return
        unfinished = bool(self._queue or self._framer.packet)
        operation = self._setting("command_operation")
        refusals = self._control.start(self.bank.outputs, operation, unfinished=unfinished)
        if refusals:
            self._set(*refusals)
        else:
            self._loader.begin(HostOp(operation))

    def _finish(self, *, complete: bool = True) -> None:
        """End the command."""
        self._control.finish(complete=complete)
        self.bank.step(events=["interrupt_done"])

    def _settle(self) -> None:
        """Go on until there is nothing left to do."""
        while self._work() or self._take():
            pass

    def _take(self) -> bool:
        """Take a word of the input stream; False if none can be taken."""
        hold = self._setting("control_stop")
        if self._halted or (hold and (not self.busy or self.load)):
            self._framer.packet.clear()
            if not self.busy:
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
            self._loader.load(word)
        elif last:
            self._samples.append(self._sample(self._framer.packet))
        if last:
            self._framer.packet.clear()
        return True

    def _sample(self, words: list[int]) -> Samples:
        """Make a sample of its words."""
        geometry, size = self.config.geometry, word_bytes(self.config.array.group)
        data = b"".join(word.to_bytes(size, "little") for word in words)
        trits, labels = unpack_samples(data, geometry.sizes[0], geometry.group)
        return Samples(trits, labels.astype(np.uint8))

    def _work(self) -> bool:
        """Go on with the command; False if it cannot."""
        command = self._control.command
        if command is None:
            return False
        hold = self._setting("control_stop")
        if command.presents:
            return self._train_or_test(command, hold=bool(hold))
        if not self.load:
            self._at_once(command.op)
            self._finish()
        elif self._loader.done:
            self._finish()
        elif hold or self._halted:
            self._finish(complete=False)
        else:
            return False
        return True

    def _train_or_test(self, command: Command, *, hold: bool) -> bool:
        """Go on with samples; False if there is none."""
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

    def _present(self, command: Command) -> None:
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
        if op == HostOp.INIT_RANDOM:
            self.machine.initialise()
            return
        words = self._loader.dump(op)
        self.output += [(word, at == len(words) - 1) for at, word in enumerate(words)]
