"""A host that does anything, right or wrong, at random: to the RTL on its bus and to the golden block alike."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from golden.bus import packets as packet_format
from golden.bus.axi import BusBlock
from golden.bus.register_bank import Answer
from golden.bus.register_map import ADDRESS_BITS, WORD
from golden.bus.transport import BusError, TransportTimeout
from golden.input_buffer import word_bytes
from golden.sequencer import HostOp
from sim.verilated import Verilated

#: Cycles after which the machines of tests must have come to rest.
LIMIT = 20_000
#: Cycles in which a word that can be taken is taken, whatever the pauses.
MOMENT = 100
#: Patience of a command in cycles, where it has one: longer than any two accesses in a row.
PATIENCE = 1500
#: Counters of time alone, which depends on pauses.
_TIMED = "COUNTER_CYCLES_WAIT"


class TrafficMismatch(AssertionError):
    """RTL and golden block differ."""


@dataclass
class Tally:
    """What was done; tallies add up.

    Attributes
    ----------
    transactions, illegal_accesses : int
        Accesses to registers, and those of them that had to be refused.
    narrow_accesses, strobeless_writes : int
        Those of a byte or half a word, at its own address, and writes of no byte.
    packets, bad_packets : int
        Packets sent, and those of them that were at fault.
    predictions, dumped, loads : int
        Predictions and words of dumps received, loads that were taken whole.
    resets, stops, commands : int
        Resets and stops by the host, STARTs.
    errors : set of str
        Errors that were seen to stand.
    """

    transactions: int = 0
    illegal_accesses: int = 0
    narrow_accesses: int = 0
    strobeless_writes: int = 0
    packets: int = 0
    bad_packets: int = 0
    predictions: int = 0
    dumped: int = 0
    loads: int = 0
    resets: int = 0
    stops: int = 0
    commands: int = 0
    errors: set[str] = field(default_factory=set)

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = vars(self), vars(other)
        return Tally(
            **{
                name: value | theirs[name] if isinstance(value, set) else value + theirs[name]
                for name, value in mine.items()
            }
        )


class Traffic:
    """Random traffic.

    Parameters
    ----------
    rtl : Verilated
        The RTL, just reset.
    block : BusBlock
        The golden block.
    rng : Generator
        For everything that is chosen.

    Attributes
    ----------
    tally : Tally
        What was done.
    """

    def __init__(self, rtl: Verilated, block: BusBlock, rng: np.random.Generator) -> None:
        self.rtl, self.block, self.rng = rtl, block, rng
        self.tally = Tally()
        config = block.config
        self._group, self._size = config.array.group, word_bytes(config.array.group)
        self._places = block.bank.registers.places
        self._address = {register.name: register.address for register in block.bank.registers.registers}
        self._actions: list[tuple[Callable[[], None], float]] = [
            (self._read, 8),
            (self._illegal, 2),
            (self._set, 5),
            (self._strobed, 2),
            (self._narrow_read, 2),
            (self._narrow_write, 2),
            (self._converted, 2),
            (self._sample, 6),
            (self._bad_packet, 0.7),
            (self._start, 4),
            (self._command, 4),
            (self._load, 1.5),
            (self._clear, 2.5),
            (self._stop, 0.3),
            (self._reset, 0.1),
        ]

    def run(self, transactions: int) -> None:
        """Go on until that many accesses were made; then compare everything.

        Raises
        ------
        Mismatch
            At the first difference.
        """
        actions, weights = zip(*self._actions, strict=True)
        chances = np.array(weights) / sum(weights)
        while self.tally.transactions < transactions:
            actions[self.rng.choice(len(actions), p=chances)]()
        self.settle()
        self._compare_all()

    # accesses

    def _answered(self, what: str, refused: bool, answer: Answer) -> None:
        self.tally.transactions += 1
        self.tally.illegal_accesses += refused
        if refused != bool(answer.refusal):
            raise TrafficMismatch(
                f"{what}: refused {refused} by the RTL, {answer.refusal or 'taken'} by the golden block"
            )

    def read(self, address: int, *, compare: bool = True) -> int:
        """Read on both sides."""
        answer = self.block.read(address)
        value, refused = 0, False
        try:
            value = self.rtl.read(address)
        except BusError:
            refused = True
        self._answered(f"read of {address:#x}", refused, answer)
        if compare and value != answer.data:
            raise TrafficMismatch(f"read of {address:#x}: {value:#x} in the RTL, {answer.data:#x} in the golden block")
        return value

    def write(self, address: int, value: int, strobes: int = 15) -> None:
        """Write on both sides."""
        refused = False
        self.tally.strobeless_writes += not strobes
        try:
            self.rtl.write(address, value, strobes)
        except BusError:
            refused = True
        self._answered(f"write of {address:#x}", refused, self.block.write(address, value, strobes))

    def send(self, packet: bytes, *, last: bool = True) -> None:
        """Send words on both sides; without `last` the last one does not end its packet."""
        size = self._size
        numbers = [int.from_bytes(packet[at : at + size], "little") for at in range(0, len(packet), size)]
        self.rtl.send([packet], last=last)
        for at, word in enumerate(numbers):
            self.block.send(word, last and at == len(numbers) - 1)
        self.tally.packets += 1

    def settle(self) -> None:
        """Let time pass until nothing more can happen; compare output and interrupt.

        Raises
        ------
        TransportTimeout
            If the RTL works on where the golden block is done.
        """
        if self.block.busy and self.block.bank.outputs["timeout"][0]:
            self.rtl.run(PATIENCE)
            self.block.expire()
        self._rest()
        interrupt = self.rtl.run(1)
        if interrupt != self.block.interrupt:
            raise TrafficMismatch(f"interrupt {interrupt} in the RTL, {self.block.interrupt} in the golden block")
        found, marks = self.rtl.take(self.rtl.received())
        size = self._size
        output = [(int.from_bytes(found[at * size : (at + 1) * size], "little"), last) for at, last in enumerate(marks)]
        if len(output) > 8:
            self.tally.dumped += len(output)
        else:
            self.tally.predictions += len(output)
        if output != self.block.output:
            raise TrafficMismatch(f"output {output} in the RTL, {self.block.output} in the golden block")
        self.block.output.clear()
        if self.rtl.violations:
            raise TrafficMismatch("the RTL has changed what it had offered and nobody had taken")

    def _rest(self) -> None:
        """Let time pass until the RTL waits, as the golden block does, and takes no more input."""
        until, left = self.rtl.cycles + LIMIT, -1
        # a command that waits is busy and waiting
        status = 3 * self.block.busy
        while self.rtl.read(self._address["STATUS"]) & 3 != status or self.rtl.unsent() != left:
            if self.rtl.cycles > until:
                raise TransportTimeout(f"the machine has not come to rest in {LIMIT} cycles")
            left = self.rtl.unsent()
            self.rtl.run(MOMENT)

    # actions

    def _pick(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def _read(self) -> None:
        """Read any register when all is quiet."""
        self.settle()
        for _ in range(self._pick(1, 2, 4)):
            address = self._pick(*self._places)
            self.read(address, compare=self._places[address].register.name != _TIMED)

    def _illegal(self) -> None:
        """Access what no register takes, whatever the machine is doing."""
        if self.rng.random() < 0.5:
            address = self._pick(*(at for at in range(0, 1 << ADDRESS_BITS, WORD) if at not in self._places))
        else:
            address = self._pick(*(at for at, place in self._places.items() if not place.register.writable))
        address += self._pick(0, 0, 1, 2, 3)
        if address - address % WORD not in self._places and self.rng.random() < 0.5:
            self.read(address)
        else:
            self.write(address, int(self.rng.integers(1 << 32)), self._pick(15, 0, 5))

    def _set(self) -> None:
        """Write what the next command needs, mostly right."""
        c, rng = self.block.config, self.rng
        name = str(rng.choice(["COMMAND", "SAMPLES", "BATCH", "ENABLE", "UPDATE_SHIFT", "TIMEOUT"]))
        if name == "UPDATE_SHIFT":
            for layer in range(len(c.geometry.layers)):
                update_shift = int(rng.choice(c.offered_shifts)) if rng.random() < 0.95 else int(rng.integers(64))
                self.write(self._address[name] + 4 * layer, update_shift)
            return
        values = {
            "COMMAND": int(rng.choice([1, 1, 1, 1, 2, 2, 0, 8, 9, *range(16)])),
            "SAMPLES": int(rng.integers(0, 7)),
            "BATCH": int(rng.integers(0, 5)),
            "ENABLE": int(rng.integers(0, 4)),
            "TIMEOUT": self._pick(0, 0, 0, PATIENCE),
        }
        if name == "TIMEOUT":
            self.settle()
        self.write(self._address[name], values[name])
        if name == "TIMEOUT":
            self.settle()

    def _strobed(self) -> None:
        """Write some bytes of a setting."""
        name = str(self.rng.choice(["SAMPLES", "BATCH", "COMMAND", "ENABLE"]))
        self.write(self._address[name], int(self.rng.integers(8)) * 0x01010101, int(self.rng.integers(16)))
        if name == "SAMPLES":
            self.write(self._address[name], 0, 14)  # no command of millions of samples

    def _narrow(self) -> tuple[int, int]:
        """Choose bytes of a word: the address of the first, and strobes. A processor reads and writes them so."""
        self.tally.narrow_accesses += 1
        size = self._pick(1, 2)
        low = size * int(self.rng.integers(WORD // size))
        return low, (1 << size) - 1 << low

    def _narrow_read(self) -> None:
        """Read bytes of any register when all is quiet."""
        self.settle()
        low, _ = self._narrow()
        address = self._pick(*self._places)
        self.read(address + low, compare=self._places[address].register.name != _TIMED)

    def _narrow_write(self) -> None:
        """Write bytes of a setting, which the bus has in all their places."""
        name = str(self.rng.choice(["BATCH", "COMMAND", "ENABLE"]))
        low, strobes = self._narrow()
        self.write(self._address[name] + low, int(self.rng.integers(8)) * 0x01010101, strobes)

    def _converted(self) -> None:
        """Write a word as a converter from 64 bits does, with a beat of no byte for the other half."""
        address = self._address[str(self.rng.choice(["BATCH", "COMMAND", "ENABLE", "CONTROL", "SAMPLES"]))]
        value = 0 if address == self._address["CONTROL"] else int(self.rng.integers(5))
        for half in (address & ~WORD, address | WORD):
            self.write(half, int(self.rng.integers(1 << 32)) if half != address else value, 15 * (half == address))

    def _trits(self, count: int) -> list[bytes]:
        """Make good samples."""
        sizes, rng = self.block.config.sizes, self.rng
        trits = rng.integers(-1, 2, (count, sizes[0])).astype(np.int8)
        return packet_format.pack_samples(trits, rng.integers(0, sizes[-1], count), self._group)

    def _sample(self) -> None:
        """Send good samples."""
        for packet in self._trits(self._pick(1, 2, 3)):
            self.send(packet)

    def _bad_packet(self) -> None:
        """Send a packet at fault."""
        (packet,) = self._trits(1)
        choice = self._pick(0, 1, 2, 3)
        size = self._size
        if choice == 0:  # too short
            packet = packet[: size * int(self.rng.integers(1, len(packet) // size))] if len(packet) > size else packet
        elif choice == 1:  # too long
            packet += packet[: size * self._pick(1, 2)]
        elif choice == 2:  # no such class
            packet = packet[:-size] + int(self.rng.integers(1 << 2 * self._group)).to_bytes(size, "little")
        self.send(packet, last=choice != 3)
        self.tally.bad_packets += 1

    def _start(self) -> None:
        """Start whatever is set."""
        self.settle()
        self.write(self._address["CONTROL"], 1, self._pick(15, 15, 15, 1, 2))
        self.tally.commands += 1

    def _command(self) -> None:
        """Set a command that can be done, start it, and feed it while it runs."""
        self.settle()
        if self.block.busy:
            return
        self.read(self._address["ERROR"])
        self.write(self._address["ERROR"], 0xFFFFFFFF)
        op, samples = HostOp(self._pick(0, 1, 1, 1, 1, 1, 2, 2, 8, 9)), int(self.rng.integers(1, 6))
        if not self.block.ready:
            op = HostOp.INIT_RANDOM
        for name, value in (("COMMAND", op), ("SAMPLES", samples), ("BATCH", int(self.rng.integers(1, 4)))):
            self.write(self._address[name], value)
        c = self.block.config
        for layer in range(len(c.geometry.layers)):
            update_shift = int(self.rng.choice(c.offered_shifts))
            self.write(self._address["UPDATE_SHIFT"] + 4 * layer, update_shift)
        self.write(self._address["CONTROL"], 1)
        self.tally.commands += 1
        if op in (HostOp.TRAIN, HostOp.TEST):
            for packet in self._trits(max(1, samples + self._pick(-1, 0, 0, 0, 1))):
                self.send(packet)

    def _load(self) -> None:
        """Load something, mostly whole."""
        self.settle()
        op = HostOp(int(self.rng.integers(HostOp.LOAD_WEIGHTS, HostOp.LOAD_SWITCHING + 1)))
        self.write(self._address["COMMAND"], op)
        self.write(self._address["CONTROL"], 1)
        self.tally.commands += 1
        count = self.block.load
        if not count:
            return
        if self.rng.random() < 0.2:
            count += self._pick(-1, 1, -int(self.rng.integers(0, count)))
            self.tally.bad_packets += 1
        numbers = self.rng.integers(0, 1 << (2 * self._group), max(count, 1), dtype=np.uint64)
        packet = b"".join(int(number).to_bytes(self._size, "little") for number in numbers)
        cut = self._size * int(self.rng.integers(0, len(numbers)))
        if cut:
            self.send(packet[:cut], last=False)
        self.send(packet[cut:], last=self.rng.random() < 0.95)
        self.tally.loads += not self.block.busy

    def _clear(self) -> None:
        """Clear events."""
        self.settle()
        errors = self.read(self._address["ERROR"])
        names = [part.name for part in self.block.bank.registers["ERROR"].events]
        self.tally.errors |= {name for bit, name in enumerate(names) if errors >> bit & 1}
        self.write(self._address["ERROR"], self._pick(0xFFFFFFFF, 0xFFFFFFFF, int(self.rng.integers(1 << 16))))
        self.settle()
        self.write(self._address["INTERRUPT"], self._pick(1, 0, 3))

    def _stop(self) -> None:
        """Stop, look, go on."""
        self.settle()
        self.write(self._address["CONTROL"], 2)
        self.tally.stops += 1
        self.settle()
        for _ in range(self._pick(0, 1, 2)):
            (self._sample, self._start_held, self._read)[self._pick(0, 1, 2)]()
        self.settle()
        self.write(self._address["CONTROL"], 0)
        self.settle()

    def _start_held(self) -> None:
        """Start a command while STOP is set."""
        self.settle()
        self.write(self._address["CONTROL"], 3)
        self.settle()

    def _reset(self) -> None:
        """Reset by the host."""
        self.settle()
        self.write(self._address["CONTROL"], 4)
        self.tally.resets += 1
        self.settle()

    def _compare_all(self) -> None:
        """Read everything, weights and neurons too."""
        for address, place in self._places.items():
            self.read(address, compare=place.register.name != _TIMED)
        self.write(self._address["CONTROL"], 2)
        self.settle()
        self.write(self._address["CONTROL"], 0)
        self.write(self._address["ERROR"], 0xFFFFFFFF)
        for op in (HostOp.DUMP_WEIGHTS, HostOp.DUMP_NEURONS):
            self.write(self._address["COMMAND"], op)
            self.write(self._address["CONTROL"], 1)
            self.settle()
