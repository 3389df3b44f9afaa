"""The golden block does what docs/bus.md says, and with right use what the golden machine does."""

from collections.abc import Iterable

import numpy as np
import pytest

from cocotb_tests.kit.random_data import random_samples
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


class BusHost:
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


def _equal(block: BusBlock, machine: Machine) -> None:
    """State and counters of the block's machine and of another one are the same."""
    mine, other = block.machine.state(), machine.state()
    for name, values in other.items():
        assert (mine[name] == values).all(), name
    assert block.machine.counters == machine.counters


def test_training_is_that_of_the_machine() -> None:
    """INIT_RANDOM, TRAIN and TEST bring the same predictions, state and counters; tlast is with the last prediction."""
    host, machine = BusHost(), Machine(TINY)
    machine.initialise()
    host.start(HostOp.INIT_RANDOM)
    assert host.read("INTERRUPT") == 1
    for op, count, batch in ((HostOp.TRAIN, 11, 4), (HostOp.TEST, 5, 0), (HostOp.TRAIN, 3, 1)):
        samples = random_samples(TINY, count, count)
        host.start(op, count, batch)
        assert host.read("STATUS") & 3 == 3
        host.samples(samples)
        expected = machine.train(samples, batch, UPDATE_SHIFTS) if op == HostOp.TRAIN else machine.test(samples)
        assert host.output() == [(int(p), at == count - 1) for at, p in enumerate(expected)]
        assert host.read("STATUS") & 1 == 0
        assert host.errors() == set()
        _equal(host.block, machine)


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
    host = BusHost()
    if formed:
        host.start(HostOp.INIT_RANDOM)
    before = host.block.machine.state()
    host.start(op, samples, batch, update_shifts)
    assert host.errors() == expected
    assert host.block.busy == (not expected)
    if expected:
        assert host.read("INTERRUPT") >> 1 == 1
        for name, values in host.block.machine.state().items():
            assert (values == before[name]).all()
        # and while a bit is set, nothing starts
        host.start(HostOp.TRAIN, 1, 1)
        assert host.errors() == expected
        assert not host.block.busy
        host.write("ERROR", 0xFFFF)
        assert host.errors() == set()


def test_busy_and_unfinished() -> None:
    """START while a command waits, and a load while a sample is not whole or waits outside."""
    host = BusHost()
    host.start(HostOp.INIT_RANDOM)
    host.start(HostOp.TRAIN, 1, 1)
    host.write("CONTROL", 1)
    assert host.errors() == {Error.BUSY}
    host.samples(random_samples(TINY, 1))
    assert not host.block.busy
    host.write("ERROR", 0xFFFF)
    sample = random_samples(TINY, 1)
    (packet,) = packets.pack_samples(sample.trits, sample.labels, host.group)
    host.send(packet[:2], last=False)
    host.start(HostOp.LOAD_WEIGHTS)
    assert host.errors() == {Error.UNFINISHED}
    host.write("ERROR", 0xFFFF)
    host.send(packet[2:])
    host.samples(random_samples(TINY, 1))
    host.start(HostOp.LOAD_WEIGHTS)
    assert host.errors() == set()
    assert host.block.busy


@pytest.mark.parametrize("fault", [Error.LABEL, Error.SHORT, Error.LONG, Error.TIMEOUT])
def test_stream_halts(fault: Error) -> None:
    """Whole samples before the fault are worked on, weights stay as they are, gradient sums keep what they have."""
    host, machine = BusHost(), Machine(TINY)
    machine.initialise()
    host.start(HostOp.INIT_RANDOM)
    samples = random_samples(TINY, 6)
    host.write("TIMEOUT", 100)
    host.start(HostOp.TRAIN, 12, 4)
    host.samples(samples)
    packet = bytearray(packets.pack_samples(samples.trits[:1], samples.labels[:1], host.group)[0])
    if fault == Error.LABEL:
        packet[-1] = 3
        host.send(bytes(packet))
    elif fault == Error.TIMEOUT:
        host.send(bytes(packet[:2]), last=False)
        host.block.expire()
    else:
        host.send(bytes(packet[:3] if fault == Error.SHORT else packet + packet[:1]), last=fault == Error.SHORT)
    assert host.errors() == {fault}
    assert not host.block.busy
    machine.train(samples[:4], 4, UPDATE_SHIFTS)
    predictions = machine.present(samples[4:], training=True)
    assert [word for word, _ in host.output()][4:] == predictions.tolist()
    _equal(host.block, machine)
    # everything is forgotten until the bit is cleared; then the next word begins a packet
    host.samples(samples)
    host.send(bytes(packet[:1]), last=False)
    host.write("ERROR", 1 << fault)
    host.start(HostOp.TEST, 6)
    host.samples(samples)
    assert [word for word, _ in host.output()] == machine.test(samples).tolist()
    _equal(host.block, machine)


def test_stop() -> None:
    """STOP ends training as if the present sample were the last; what comes then is forgotten."""
    host, machine = BusHost(), Machine(TINY)
    machine.initialise()
    host.start(HostOp.INIT_RANDOM)
    samples = random_samples(TINY, 9)
    host.start(HostOp.TRAIN, 100, 4)
    host.samples(samples[:6])
    host.write("CONTROL", 2)
    assert not host.block.busy
    machine.train(samples[:6], 4, UPDATE_SHIFTS)
    _equal(host.block, machine)
    host.output()
    host.samples(samples)
    host.write("CONTROL", 0)
    host.start(HostOp.TRAIN, 3, 4)
    host.samples(samples[6:])
    expected = machine.train(samples[6:], 4, UPDATE_SHIFTS)
    assert host.output() == [(int(p), at == 2) for at, p in enumerate(expected)]
    _equal(host.block, machine)
    assert host.read("COUNTER_SAMPLES") == 9


def test_loads_and_dumps() -> None:
    """A dump, loaded into another block, makes it go on like a machine that was loaded."""
    host, other, machine = BusHost(), BusHost(LOADABLE), Machine(LOADABLE)
    host.start(HostOp.INIT_RANDOM)
    host.start(HostOp.TRAIN, 8, 4)
    host.samples(random_samples(TINY, 8))
    host.output()
    weights, neurons = host.dumped(HostOp.DUMP_WEIGHTS), host.dumped(HostOp.DUMP_NEURONS)
    state = host.block.machine.state()
    rng = np.random.default_rng(3)
    states = rng.integers(1, 1 << 63, TINY.array.lanes, np.uint64)
    codes = rng.integers(0, TINY.switching.codes, 1 << TINY.pulse.nu_bits)
    thresholds = rng.integers(1, 1 << 16, (1, 2, TINY.switching.codes))
    thresholds[..., 0] = 0
    seeds = packets.pack_seeds({0: states}, TINY.random.width, TINY.array.lanes, host.group)
    for op, packet in (
        (HostOp.LOAD_WEIGHTS, weights),
        (HostOp.LOAD_NEURONS, neurons),
        (HostOp.LOAD_SEEDS, seeds),
        (HostOp.LOAD_PULSES, packets.pack_pulses(codes, TINY.switching.code_bits, host.group)),
        (HostOp.LOAD_SWITCHING, packets.pack_switching(thresholds, 16, host.group)),
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
    samples = random_samples(TINY, 12, 5)
    other.start(HostOp.TRAIN, 12, 4)
    other.samples(samples)
    assert [word for word, _ in other.output()] == machine.train(samples, 4, UPDATE_SHIFTS).tolist()
    _equal(other.block, machine)
    assert other.dumped(HostOp.DUMP_WEIGHTS) == packets.pack_weights(machine.array.r1, machine.array.r2, other.group)


def test_broken_loads() -> None:
    """A load that does not end whole leaves unknown what it was to load; rows before the fault are loaded."""
    host = BusHost(LOADABLE)
    host.start(HostOp.INIT_RANDOM)
    before = host.block.machine.state()["r1"]
    packet = packets.pack_weights(1 - before, before, host.group)
    row = len(packet) // len(before)
    host.start(HostOp.LOAD_WEIGHTS)
    host.send(packet[: 2 * row + 1])
    assert host.errors() == {Error.SHORT}
    after = host.block.machine.state()["r1"]
    assert (after[:2] == 1 - before[:2]).all()
    assert (after[2:] == before[2:]).all()
    host.write("ERROR", 0xFFFF)
    host.start(HostOp.TRAIN, 1, 1)
    assert host.errors() == {Error.STATE}
    host.write("ERROR", 0xFFFF)
    host.start(HostOp.LOAD_WEIGHTS)
    host.send(packet)
    host.start(HostOp.LOAD_PULSES)
    host.write("CONTROL", 2)
    host.write("CONTROL", 0)
    host.start(HostOp.TRAIN, 1, 1)
    assert host.errors() == {Error.TABLE}


def test_reset() -> None:
    """RESET keeps memories, and nothing else."""
    host = BusHost()
    fresh = host.block.machine.state()["random"].copy()
    host.start(HostOp.INIT_RANDOM)
    host.start(HostOp.TRAIN, 9, 4)
    host.samples(random_samples(TINY, 5))
    before = host.block.machine.state()
    host.write("CONTROL", 4)
    after = host.block.machine.state()
    for name in ("r1", "r2", "gradient", "offset", "scale"):
        assert (after[name] == before[name]).all()
    assert (after["random"] == fresh).all()
    assert not host.block.busy
    assert host.read("STATUS") == 0b1100
    assert host.read("SAMPLES") == host.read("COUNTER_SAMPLES") == host.read("INTERRUPT") == 0
