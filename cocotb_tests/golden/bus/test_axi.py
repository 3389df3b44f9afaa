"""The golden block does what docs/bus.md says, and with right use what the golden machine does."""

from collections.abc import Iterable

import numpy as np
import pytest

from gen import config as named
from gen.register_map import register_map
from golden.bus import packets
from golden.bus.axi import BusBlock
from golden.bus.errors import Error
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from golden.machine import Machine
from golden.samples import Samples
from golden.sequencer import HostOp
from sim.random_config import loadable

TINY = named.load("tiny")
LOADABLE = loadable(TINY)
UPDATE_SHIFTS = (8, 9, 10)


class Desk:
    """A host of the golden block: registers by name, packets by what is in them."""

    def __init__(self, config: MachineConfig = TINY) -> None:
        self.block = BusBlock(config, register_map(config), 0x1234_5678_9ABC_DEF0)
        self.config, self.group = config, config.array.group

    def write(self, name: str, value: int, index: int = 0) -> None:
        """Write a register."""
        assert not self.block.write(self.block.bank.registers[name].address + 4 * index, value).refusal

    def read(self, name: str) -> int:
        """Read a register."""
        return self.block.read(self.block.bank.registers[name].address).data

    def errors(self) -> set[Error]:
        """Errors that stand."""
        value = self.read("ERROR")
        return {error for error in Error if value >> error & 1}

    def start(self, op: int, samples: int = 0, batch: int = 0, update_shifts: Iterable[int] = UPDATE_SHIFTS) -> None:
        """Start a command."""
        for name, value in (("COMMAND", op), ("SAMPLES", samples), ("BATCH", batch)):
            self.write(name, value)
        for layer, update_shift in enumerate(update_shifts):
            self.write("UPDATE_SHIFT", update_shift, layer)
        self.write("CONTROL", 1)

    def send(self, packet: bytes, *, last: bool = True) -> None:
        """Send words."""
        size = word_bytes(self.group)
        numbers = [int.from_bytes(packet[at : at + size], "little") for at in range(0, len(packet), size)]
        for at, word in enumerate(numbers):
            self.block.send(word, last and at == len(numbers) - 1)

    def samples(self, samples: Samples) -> None:
        """Send samples."""
        for packet in packets.pack_samples(samples.trits, samples.labels, self.group):
            self.send(packet)

    def output(self) -> list[tuple[int, bool]]:
        """Take what has come out."""
        found, self.block.output = self.block.output, []
        return found

    def dumped(self, op: HostOp) -> bytes:
        """Dump."""
        self.start(op)
        found = self.output()
        assert [last for _, last in found] == [False] * (len(found) - 1) + [True]
        return b"".join(word.to_bytes(word_bytes(self.group), "little") for word, _ in found)


def _samples(count: int, seed: int = 1, config: MachineConfig = TINY) -> Samples:
    rng = np.random.default_rng(seed)
    trits = rng.integers(-1, 2, (count, config.layers[0])).astype(np.int8)
    return Samples(trits, rng.integers(0, config.layers[-1], count).astype(np.uint8))


def _equal(block: BusBlock, machine: Machine) -> None:
    """State and counters of the block's machine and of another one are the same."""
    mine, other = block.machine.state(), machine.state()
    for name, values in other.items():
        assert (mine[name] == values).all(), name
    assert block.machine.counters == machine.counters


def test_training_is_that_of_the_machine() -> None:
    """INIT_RANDOM, TRAIN and TEST bring the same predictions, state and counters; tlast is with the last prediction."""
    desk, machine = Desk(), Machine(TINY)
    machine.initialise()
    desk.start(HostOp.INIT_RANDOM)
    assert desk.read("INTERRUPT") == 1
    for op, count, batch in ((HostOp.TRAIN, 11, 4), (HostOp.TEST, 5, 0), (HostOp.TRAIN, 3, 1)):
        samples = _samples(count, count)
        desk.start(op, count, batch)
        assert desk.read("STATUS") & 3 == 3
        desk.samples(samples)
        expected = machine.train(samples, batch, UPDATE_SHIFTS) if op == HostOp.TRAIN else machine.test(samples)
        assert desk.output() == [(int(p), at == count - 1) for at, p in enumerate(expected)]
        assert desk.read("STATUS") & 1 == 0
        assert desk.errors() == set()
        _equal(desk.block, machine)


@pytest.mark.parametrize(
    ("op", "samples", "batch", "update_shifts", "formed", "expected"),
    [
        (10, 1, 1, UPDATE_SHIFTS, True, {Error.OPERATION}),
        (15, 0, 0, (0, 0, 0), False, {Error.OPERATION}),
        (HostOp.TRAIN, 0, 1, UPDATE_SHIFTS, True, {Error.SAMPLES}),
        (HostOp.TEST, 0, 0, (0, 0, 0), True, {Error.SAMPLES}),
        (HostOp.TRAIN, 1, 0, UPDATE_SHIFTS, True, {Error.BATCH}),
        (HostOp.TRAIN, 1, 1, (8, 4, 8), True, {Error.UPDATE_SHIFT}),
        (HostOp.TRAIN, 1, 1, (8, 8, 15), True, {Error.UPDATE_SHIFT}),
        (HostOp.TRAIN, 1, 1, (5, 14, 5), True, set()),
        (HostOp.TRAIN, 1, 1, UPDATE_SHIFTS, False, {Error.STATE}),
        (HostOp.TEST, 1, 1, UPDATE_SHIFTS, False, {Error.STATE}),
        (HostOp.TRAIN, 0, 0, (0, 0, 0), False, {Error.SAMPLES, Error.BATCH, Error.UPDATE_SHIFT, Error.STATE}),
        (HostOp.LOAD_SEEDS, 0, 0, UPDATE_SHIFTS, True, {Error.LOADABLE}),
        (HostOp.LOAD_PULSES, 0, 0, UPDATE_SHIFTS, True, {Error.LOADABLE}),
        (HostOp.LOAD_SWITCHING, 0, 0, UPDATE_SHIFTS, True, {Error.LOADABLE}),
    ],
)
def test_start_is_refused(
    op: int, samples: int, batch: int, update_shifts: tuple[int, ...], formed: bool, expected: set[Error]
) -> None:
    """A command that cannot start sets the bits of everything that is wrong with it, and nothing begins."""
    desk = Desk()
    if formed:
        desk.start(HostOp.INIT_RANDOM)
    before = desk.block.machine.state()
    desk.start(op, samples, batch, update_shifts)
    assert desk.errors() == expected
    assert desk.block.busy == (not expected)
    if expected:
        assert desk.read("INTERRUPT") >> 1 == 1
        for name, values in desk.block.machine.state().items():
            assert (values == before[name]).all()
        # and while a bit stands, nothing starts
        desk.start(HostOp.TRAIN, 1, 1)
        assert desk.errors() == expected
        assert not desk.block.busy
        desk.write("ERROR", 0xFFFF)
        assert desk.errors() == set()


def test_busy_and_unfinished() -> None:
    """START while a command waits, and a load while a sample is not whole or waits outside."""
    desk = Desk()
    desk.start(HostOp.INIT_RANDOM)
    desk.start(HostOp.TRAIN, 1, 1)
    desk.write("CONTROL", 1)
    assert desk.errors() == {Error.BUSY}
    desk.samples(_samples(1))
    assert not desk.block.busy
    desk.write("ERROR", 0xFFFF)
    (packet,) = packets.pack_samples(_samples(1).trits, _samples(1).labels, desk.group)
    desk.send(packet[:2], last=False)
    desk.start(HostOp.LOAD_WEIGHTS)
    assert desk.errors() == {Error.UNFINISHED}
    desk.write("ERROR", 0xFFFF)
    desk.send(packet[2:])
    desk.samples(_samples(1))
    desk.start(HostOp.LOAD_WEIGHTS)
    assert desk.errors() == set()
    assert desk.block.busy


@pytest.mark.parametrize("fault", [Error.LABEL, Error.SHORT, Error.LONG, Error.TIMEOUT])
def test_stream_halts(fault: Error) -> None:
    """Whole samples before the fault are worked on, weights stay as they are, gradient sums keep what they have."""
    desk, machine = Desk(), Machine(TINY)
    machine.initialise()
    desk.start(HostOp.INIT_RANDOM)
    samples = _samples(6)
    desk.write("TIMEOUT", 100)
    desk.start(HostOp.TRAIN, 12, 4)
    desk.samples(samples)
    packet = bytearray(packets.pack_samples(samples.trits[:1], samples.labels[:1], desk.group)[0])
    if fault == Error.LABEL:
        packet[-1] = 3
        desk.send(bytes(packet))
    elif fault == Error.TIMEOUT:
        desk.send(bytes(packet[:2]), last=False)
        desk.block.expire()
    else:
        desk.send(bytes(packet[:3] if fault == Error.SHORT else packet + packet[:1]), last=fault == Error.SHORT)
    assert desk.errors() == {fault}
    assert not desk.block.busy
    machine.train(samples[:4], 4, UPDATE_SHIFTS)
    predictions = machine.present(samples[4:], training=True)
    assert [word for word, _ in desk.output()][4:] == predictions.tolist()
    _equal(desk.block, machine)
    # everything is forgotten until the bit is cleared; then the next word begins a packet
    desk.samples(samples)
    desk.send(bytes(packet[:1]), last=False)
    desk.write("ERROR", 1 << fault)
    desk.start(HostOp.TEST, 6)
    desk.samples(samples)
    assert [word for word, _ in desk.output()] == machine.test(samples).tolist()
    _equal(desk.block, machine)


def test_stop() -> None:
    """STOP ends training as if the present sample were the last; what comes then is forgotten."""
    desk, machine = Desk(), Machine(TINY)
    machine.initialise()
    desk.start(HostOp.INIT_RANDOM)
    samples = _samples(9)
    desk.start(HostOp.TRAIN, 100, 4)
    desk.samples(samples[:6])
    desk.write("CONTROL", 2)
    assert not desk.block.busy
    machine.train(samples[:6], 4, UPDATE_SHIFTS)
    _equal(desk.block, machine)
    desk.output()
    desk.samples(samples)
    desk.write("CONTROL", 0)
    desk.start(HostOp.TRAIN, 3, 4)
    desk.samples(samples[6:])
    expected = machine.train(samples[6:], 4, UPDATE_SHIFTS)
    assert desk.output() == [(int(p), at == 2) for at, p in enumerate(expected)]
    _equal(desk.block, machine)
    assert desk.read("COUNTER_SAMPLES") == 9


def test_loads_and_dumps() -> None:
    """A dump, loaded into another block, makes it go on like a machine that was loaded."""
    desk, other, machine = Desk(), Desk(LOADABLE), Machine(LOADABLE)
    desk.start(HostOp.INIT_RANDOM)
    desk.start(HostOp.TRAIN, 8, 4)
    desk.samples(_samples(8))
    desk.output()
    weights, neurons = desk.dumped(HostOp.DUMP_WEIGHTS), desk.dumped(HostOp.DUMP_NEURONS)
    state = desk.block.machine.state()
    rng = np.random.default_rng(3)
    states = rng.integers(1, 1 << 63, TINY.array.lanes, np.uint64)
    codes = rng.integers(0, TINY.switching.codes, 1 << TINY.pulse.nu_bits)
    thresholds = rng.integers(1, 1 << 16, (1, 2, TINY.switching.codes))
    thresholds[..., 0] = 0
    seeds = packets.pack_seeds({0: states}, TINY.random.width, TINY.array.lanes, desk.group)
    for op, packet in (
        (HostOp.LOAD_WEIGHTS, weights),
        (HostOp.LOAD_NEURONS, neurons),
        (HostOp.LOAD_SEEDS, seeds),
        (HostOp.LOAD_PULSES, packets.pack_pulses(codes, TINY.switching.code_bits, desk.group)),
        (HostOp.LOAD_SWITCHING, packets.pack_switching(thresholds, 16, desk.group)),
    ):
        other.start(op)
        assert other.block.busy
        other.send(packet)
        assert not other.block.busy
    assert other.errors() == set()
    machine.load_weights(state["r1"], state["r2"])
    machine.load_neurons(state["offset"], state["scale"])
    machine.load_seeds({0: states})
    machine.load_pulses(codes)
    machine.load_switching(thresholds)
    assert (machine.array.lfsr.states == states).all()
    samples = _samples(12, 5)
    other.start(HostOp.TRAIN, 12, 4)
    other.samples(samples)
    assert [word for word, _ in other.output()] == machine.train(samples, 4, UPDATE_SHIFTS).tolist()
    _equal(other.block, machine)
    assert other.dumped(HostOp.DUMP_WEIGHTS) == packets.pack_weights(machine.array.r1, machine.array.r2, other.group)


def test_broken_loads() -> None:
    """A load that does not end whole leaves unknown what it was to load; rows before the fault are loaded."""
    desk = Desk(LOADABLE)
    desk.start(HostOp.INIT_RANDOM)
    before = desk.block.machine.state()["r1"]
    packet = packets.pack_weights(1 - before, before, desk.group)
    row = len(packet) // len(before)
    desk.start(HostOp.LOAD_WEIGHTS)
    desk.send(packet[: 2 * row + 1])
    assert desk.errors() == {Error.SHORT}
    after = desk.block.machine.state()["r1"]
    assert (after[:2] == 1 - before[:2]).all()
    assert (after[2:] == before[2:]).all()
    desk.write("ERROR", 0xFFFF)
    desk.start(HostOp.TRAIN, 1, 1)
    assert desk.errors() == {Error.STATE}
    desk.write("ERROR", 0xFFFF)
    desk.start(HostOp.LOAD_WEIGHTS)
    desk.send(packet)
    desk.start(HostOp.LOAD_PULSES)
    desk.write("CONTROL", 2)
    desk.write("CONTROL", 0)
    desk.start(HostOp.TRAIN, 1, 1)
    assert desk.errors() == {Error.TABLE}


def test_reset() -> None:
    """RESET keeps memories, and nothing else."""
    desk = Desk()
    fresh = desk.block.machine.state()["random"].copy()
    desk.start(HostOp.INIT_RANDOM)
    desk.start(HostOp.TRAIN, 9, 4)
    desk.samples(_samples(5))
    before = desk.block.machine.state()
    desk.write("CONTROL", 4)
    after = desk.block.machine.state()
    for name in ("r1", "r2", "gradient", "offset", "scale"):
        assert (after[name] == before[name]).all()
    assert (after["random"] == fresh).all()
    assert not desk.block.busy
    assert desk.read("STATUS") == 0b1100
    assert desk.read("SAMPLES") == desk.read("COUNTER_SAMPLES") == desk.read("INTERRUPT") == 0
