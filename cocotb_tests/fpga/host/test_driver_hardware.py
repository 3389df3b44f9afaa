"""The driver on the generated Verilog: the same as the golden machine, also after everything that can go wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import TINY, random
from cocotb_tests.fpga.link_fixture import paired
from cocotb_tests.fpga.noise import NoisyLine
from cocotb_tests.kit.random_data import random_samples
from fpga.host.driver import DesignError, Driver
from fpga.host.link import Link
from fpga.host.noise import Noise
from fpga.host.register_access import MachineError
from gen import generated, verilog
from golden.bus.packets import pack_samples
from golden.bus.transport import TransportTimeout
from golden.input_buffer import word_bytes
from golden.machine import Machine
from sim.runner import seed
from sim.verilated import Verilated

UPDATE_SHIFTS = TINY.training.update_shifts
WORD = word_bytes(TINY.array.group)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the Verilog."""
    path = tmp_path_factory.mktemp("verilog")
    verilog.write(generated.machine(TINY, "tiny"), path)
    return path


class HardwareFixture:
    """A Verilated machine, a driver of it, and a golden machine to compare with."""

    def __init__(self, folder: Path, stalls: float = 0.0) -> None:
        self.transport = Verilated(folder, quick=True, stalls=stalls, seed=seed())
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.driver = Driver(self.transport, self.manifest, timeout=1)
        self.golden = Machine(TINY)

    def train(self, count: int, *numbers: int) -> None:
        """Train both: sums, random streams and neurons show in what comes of it."""
        samples = random_samples(TINY, count, random(*numbers))
        np.testing.assert_array_equal(
            self.driver.train(samples, 4, UPDATE_SHIFTS), self.golden.train(samples, 4, UPDATE_SHIFTS)
        )

    def equal(self) -> None:
        """Compare what a host can see."""
        driver, golden = self.driver, self.golden
        for found, states in zip(driver.dump_weights(), golden.dump_weights(), strict=True):
            np.testing.assert_array_equal(found, states)
        for found, states in zip(driver.dump_neurons(), (golden.neurons.offset, golden.neurons.scale), strict=True):
            np.testing.assert_array_equal(found, states)
        assert driver.counters() | {"cycles_wait": 0} == golden.counters

    def initialise(self) -> None:
        """Form both."""
        self.driver.initialise()
        self.golden.initialise()


@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_everything(folder: Path, stalls: float) -> None:
    """All commands, one after another."""
    pair, rng, geometry = HardwareFixture(folder, stalls), random(21), TINY.geometry
    driver, golden, samples = pair.driver, pair.golden, random_samples(TINY, 50, random(21))
    pair.initialise()
    pair.train(50, 22)
    pair.equal()
    np.testing.assert_array_equal(driver.infer(samples), golden.test(samples))
    r1, r2 = rng.integers(0, 2, (2, geometry.rows, geometry.lanes))
    driver.load_weights(r1, r2)
    golden.load_weights(r1, r2)
    seeds = rng.integers(1, 1 << 63, geometry.lanes, np.uint64)
    driver.load_seeds({0: seeds})
    golden.load_seeds({0: seeds})
    bits, elements = TINY.neuron.offset_bits(geometry.sum_bits), geometry.vector_groups * geometry.group
    offset = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), elements)
    scale = rng.integers(0, 1 << bits, elements)
    driver.load_neurons(offset, scale)
    golden.load_neurons(offset, scale)
    pair.equal()
    codes = rng.integers(0, 32, 32)
    driver.load_pulses(codes)
    golden.load_pulses(codes)
    thresholds = rng.integers(1, 65537, (1, 2, 32))
    driver.load_switching(thresholds)
    golden.load_switching(thresholds)
    pair.train(50, 23)
    pair.equal()
    assert pair.transport.violations == 0
    driver.close()


def test_identity(folder: Path) -> None:
    """A manifest of another design is noticed."""
    transport = Verilated(folder, quick=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    with pytest.raises(
        DesignError, match=r"^the machine is another design: DESIGN is 0x\w+, that of the manifest 0x1$"
    ):
        Driver(transport, manifest | {"design": "1"})
    transport.close()


@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_halted_streams(folder: Path, stalls: float) -> None:
    """A stream that halts in training: what was whole counts, without a write pass; the next command is as ever."""
    pair = HardwareFixture(folder, stalls)
    driver, golden, transport = pair.driver, pair.golden, pair.transport
    pair.initialise()
    driver.write("BATCH", 4)
    for number, name in enumerate(("LABEL", "SHORT", "LONG", "TIMEOUT")):
        samples = random_samples(TINY, 6, random(30 + number))
        packets = pack_samples(samples.trits, samples.labels, TINY.array.group)
        whole = packets[0][:-WORD]
        packets += {"LABEL": [whole + b"\x03"], "SHORT": [whole], "LONG": [packets[0] * 2], "TIMEOUT": []}[name]
        driver.write("TIMEOUT", 2000)
        for layer, update_shift in enumerate(UPDATE_SHIFTS):
            driver.write(f"UPDATE_SHIFT[{layer}]", update_shift)
        driver.write("SAMPLES", 100)
        driver.write("COMMAND.OPERATION", "TRAIN")
        driver.write("CONTROL.START", 1)
        transport.send(packets)
        golden.train(samples[:4], 4, UPDATE_SHIFTS)
        golden.present(samples[4:], training=True)
        while driver.read("STATUS.BUSY"):
            transport.wait(0)
        # samples that come behind, as long as the stream halts, are nothing
        transport.send(packets[:3])
        with pytest.raises(MachineError, match=f"^{name}: "):
            driver.initialise()
        driver.write("TIMEOUT", 0)
        pair.train(9, 40 + number)
        pair.equal()
    driver.close()


@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_loads_that_end_early(folder: Path, stalls: float) -> None:
    """A load whose stream ends in the middle of a row: whole rows count, no other is touched."""
    pair = HardwareFixture(folder, stalls)
    driver, golden, transport = pair.driver, pair.golden, pair.transport
    pair.initialise()
    for rows, last in ((10, True), (20, False), (34, False)):
        driver.write("COMMAND.OPERATION", "LOAD_WEIGHTS")
        driver.write("CONTROL.START", 1)
        ones = np.ones((rows, TINY.array.lanes), np.uint8)
        transport.send([bytes([0b0011] * (2 * rows + 1))], last=last)
        while transport.unsent():
            transport.wait(0)
        driver.recover()
        golden.load_weights(ones, 0 * ones)
        pair.equal()
    with pytest.raises(MachineError, match=r"^STATE: "):
        driver.train(random_samples(TINY, 4, random()), 4, UPDATE_SHIFTS)
    pair.initialise()
    driver.write("COMMAND.OPERATION", "LOAD_PULSES")
    driver.write("CONTROL.START", 1)
    transport.send([bytes(3 * WORD)], last=False)
    driver.recover()
    with pytest.raises(MachineError, match=r"^TABLE: "):
        driver.train(random_samples(TINY, 4, random()), 4, UPDATE_SHIFTS)
    codes = np.arange(32)[::-1]
    driver.load_pulses(codes)
    golden.load_pulses(codes)
    pair.train(20, 50)
    pair.equal()
    driver.close()


@pytest.mark.parametrize("stalls", [0.0, 0.5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_stop_and_reset(folder: Path, stalls: float, count: int) -> None:
    """Stop, recover and reset whatever waits on either side: no word of before gets into what comes after."""
    pair = HardwareFixture(folder, stalls)
    driver, transport, golden = pair.driver, pair.transport, pair.golden
    pair.initialise()
    samples = random_samples(TINY, 8, random(60))
    packets = pack_samples(samples.trits, samples.labels, TINY.array.group)
    for way in (driver.stop, driver.recover, driver.reset):
        before = driver.counters()["samples"]
        driver.write("SAMPLES", 8)
        driver.write("COMMAND.OPERATION", "TEST")
        if count != 7:
            driver.write("CONTROL.START", 1)
        transport.send(packets[:count])
        if count:
            transport.send([packets[count][: 3 * WORD]], last=False)
        for _ in range(count):
            transport.wait(0)
        way()
        assert (transport.unsent(), transport.received()) == (0, 0)
        if way != driver.reset:
            golden.test(samples[: driver.counters()["samples"] - before])
        else:
            golden.reset()
            pair.initialise()
        pair.train(9, 61)
        pair.equal()
    driver.write("COMMAND.OPERATION", "DUMP_WEIGHTS")
    driver.write("CONTROL.START", 1)
    transport.receive(3 * WORD, 1)
    driver.stop()
    golden.dump_weights()
    pair.equal()
    driver.write("COMMAND.OPERATION", "DUMP_WEIGHTS")
    driver.write("CONTROL.START", 1)
    transport.receive(3 * WORD, 1)
    driver.reset()
    golden.reset()
    pair.initialise()
    pair.equal()
    driver.close()


def test_stuck(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that stays away: the command gives up, the machine goes on afterwards."""
    pair = HardwareFixture(folder)
    pair.initialise()
    send = pair.transport.send
    samples = random_samples(TINY, 10, random(70))
    monkeypatch.setattr(pair.transport, "send", lambda packets: send(packets[:6]))
    with pytest.raises(TransportTimeout, match=r"^TRAIN: nothing has moved for 1 s, the machine waits for input$"):
        pair.driver.train(samples, 4, UPDATE_SHIFTS)
    monkeypatch.undo()
    pair.driver.recover()
    pair.golden.train(samples[:6], 4, UPDATE_SHIFTS)
    pair.equal()
    pair.train(9, 71)
    pair.driver.close()


def test_over_a_noisy_line(folder: Path) -> None:
    """The Verilated machine behind a bad line."""
    transport = Verilated(folder, quick=True, stalls=0.3, seed=seed())
    golden, samples = Machine(TINY), random_samples(TINY, 100, random(80))
    with paired(transport, WORD) as line:
        noisy = NoisyLine(line, Noise(0.0007, 0.0007, 0.0007), random(80))
        link = Link(lambda: noisy, repeat=0.03, timeout=20)
        driver = Driver(link, json.loads((folder / "manifest.json").read_text()))
        driver.initialise()
        golden.initialise()
        np.testing.assert_array_equal(driver.train(samples, 4, UPDATE_SHIFTS), golden.train(samples, 4, UPDATE_SHIFTS))
        for found, states in zip(driver.dump_weights(), golden.dump_weights(), strict=True):
            np.testing.assert_array_equal(found, states)
        assert driver.counters() | {"cycles_wait": 0} == golden.counters
        assert link.repeats
        driver.close()
    transport.close()
