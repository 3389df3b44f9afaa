"""The driver against the golden block: commands, checkpoints, registers, identity."""

import re

import numpy as np
import pytest

from cocotb_tests.fpga.block_transport import DESIGN, BlockTransport, described
from cocotb_tests.fpga.driver_fixture import LOADABLE, TINY, DriverFixture, random
from cocotb_tests.fpga.loopback_transport import Echo
from cocotb_tests.kit.random_data import random_samples
from fpga.host.driver import DesignError, Driver
from fpga.host.register_access import Registers
from golden.bus.transport import BusError
from golden.config import MachineConfig, variant
from sim.random_config import nonideal, random_config
from sim.runner import seed


def _configs() -> dict[str, MachineConfig]:
    """Ternary and binary, blind and verified, ideal and not."""
    found = {"tiny": TINY}
    for number in range(4):
        config = random_config(seed(), number)
        found[f"random{number}"] = variant(nonideal(config, seed(), number) if number % 2 else config, **LOADABLE)
    return found


@pytest.mark.parametrize("name", _configs())
def test_commands(name: str) -> None:
    """Everything a host does, against the golden machine: predictions, state and counters."""
    config = _configs()[name]
    pair, update_shifts = DriverFixture(config), config.training.update_shifts
    driver, golden = pair.driver, pair.golden
    driver.initialise()
    golden.initialise()
    pair.equal()
    samples, batch = random_samples(config, 30, random(1)), config.training.batch
    np.testing.assert_array_equal(
        driver.train(samples, batch, update_shifts), golden.train(samples, batch, update_shifts)
    )
    pair.equal()
    np.testing.assert_array_equal(driver.infer(samples), golden.test(samples))
    parts = [samples[start : start + 2 * batch] for start in range(0, 30, 2 * batch)]
    expected = np.concatenate([golden.train(part, batch, update_shifts) for part in parts])
    np.testing.assert_array_equal(driver.train(iter(parts), batch, update_shifts), expected)
    assert len(driver.train([], batch, update_shifts)) == 0
    pair.equal()
    for found, states in zip(driver.dump_weights(), golden.dump_weights(), strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, states)
    offset, scale = driver.dump_neurons()
    np.testing.assert_array_equal(offset, golden.neurons.offset)
    np.testing.assert_array_equal(scale, golden.neurons.scale)
    pair.equal()


@pytest.mark.parametrize("name", _configs())
def test_loads(name: str) -> None:
    """What is loaded is what trains: weights, neurons, seeds and both tables."""
    config, rng = _configs()[name], random(2)
    pair, update_shifts = DriverFixture(config), config.training.update_shifts
    driver, golden, geometry = pair.driver, pair.golden, config.geometry
    shape = (geometry.rows, geometry.lanes)
    r1 = rng.integers(0, 2, shape).astype(np.uint8)
    r2 = rng.integers(0, config.array.devices, shape)
    driver.load_weights(r1, r2)
    golden.load_weights(r1, r2)
    bits, elements = geometry.sum_bits + config.neuron.fraction, geometry.vector_groups * geometry.group
    offset = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), elements)
    scale = rng.integers(0, 1 << bits, elements)
    driver.load_neurons(offset, scale)
    golden.load_neurons(offset, scale)
    width = config.random.width
    banks = {bank: rng.integers(1, 1 << width, count, np.uint64) for bank, count in config.seed_banks.items()}
    driver.load_seeds(banks)
    golden.load_seeds(banks)
    s = config.switching
    codes = rng.integers(0, s.codes, 1 << config.pulse.nu_bits).astype(np.uint8)
    driver.load_pulses(codes)
    golden.load_pulses(codes)
    thresholds = rng.integers(1, (1 << s.threshold_bits) + 1, (s.variation_bins, 2, s.codes)).astype(np.uint32)
    thresholds[..., 0] = 0
    driver.load_switching(thresholds)
    golden.load_switching(thresholds)
    samples = random_samples(config, 20, random(3))
    np.testing.assert_array_equal(driver.train(samples, 5, update_shifts), golden.train(samples, 5, update_shifts))
    pair.equal()


def test_checkpoint() -> None:
    """Weights and neurons of one machine predict the same in another."""
    one, other = DriverFixture(TINY), DriverFixture(TINY)
    one.driver.initialise()
    samples = random_samples(TINY, 40, random(4))
    one.driver.train(samples, 4, TINY.training.update_shifts)
    other.driver.load_weights(*one.driver.dump_weights())
    other.driver.load_neurons(*one.driver.dump_neurons())
    np.testing.assert_array_equal(other.driver.infer(samples), one.driver.infer(samples))


def test_registers() -> None:
    """Registers, fields, elements of arrays, 64 bits; a field is written and its neighbours are not."""
    pair = DriverFixture(TINY)
    driver = pair.driver
    assert driver.read("ID") == 0x4D544A47
    assert (driver.read("DESIGN"), driver.read("DESIGN.VALUE")) == (DESIGN, DESIGN)
    driver.write("SAMPLES", 0xFFFFFFFF)
    driver.write("UPDATE_SHIFT[2]", 13)
    driver.write("UPDATE_SHIFT[0].VALUE", 9)
    assert [driver.read(f"UPDATE_SHIFT[{layer}]") for layer in range(3)] == [9, 0, 13]
    driver.write("COMMAND.OPERATION", "LOAD_SEEDS")
    assert driver.read("COMMAND.OPERATION") == driver.read("COMMAND") == 5
    driver.write("ENABLE.DONE", 0)
    assert driver.read("ENABLE") == 2
    driver.write("ENABLE.DONE", 1)
    assert driver.read("ENABLE") == 3
    driver.write("CONTROL.STOP", 1)
    driver.write("CONTROL.START", 1)
    assert (driver.read("CONTROL"), driver.read("INTERRUPT")) == (2, 1)
    driver.write("CONTROL.STOP", 0)
    # two errors, of which one is cleared
    with pytest.raises(BusError):
        pair.transport.read(0x3FC)
    with pytest.raises(BusError):
        pair.transport.write(0x00, 1)
    driver.write("ERROR.UNMAPPED", 1)
    assert driver.read("ERROR") == 1 << 14
    driver.recover()
    assert driver.read("ERROR") == 0


def test_neighbours() -> None:
    """Writing a field sets what was set, and neither does nor clears anything else."""
    kinds = ("rw", "rw", "w1c", "pulse", "r")
    fields = {
        f"F{at}": {"lsb": 4 * at, "width": 4, "access": kind, "reset": 0, "text": ""} for at, kind in enumerate(kinds)
    }
    entry = {"address": 8, "width": 32, "access": "rw", "text": "", "fields": fields}
    echo = Echo()
    registers = Registers(echo, {"MIXED": entry})
    echo.write(8, 0x54321)
    for name, value in (("F0", 0x2F), ("F1", 0xF1), ("F2", 0xF21), ("F3", 0xF021)):
        echo.write(8, 0x54321)
        registers.write(f"MIXED.{name}", 15)
        assert echo.writes[-1] == (8, value, 15)
    assert registers.read("MIXED.F3") == 15


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SAMPLE", 0, "there is no register 'SAMPLE'; there are ID, VERSION, "),
        ("STATUS.IDLE", 0, "there is no field 'STATUS.IDLE'; there are BUSY, WAITING, "),
        ("UPDATE_SHIFT", 0, "'UPDATE_SHIFT' cannot be: UPDATE_SHIFT is an array of 3"),
        ("UPDATE_SHIFT[3]", 0, "'UPDATE_SHIFT[3]' cannot be: UPDATE_SHIFT is an array of 3"),
        ("BATCH[0]", 0, "'BATCH[0]' cannot be: BATCH is no array"),
        ("BATCH-", 0, "there is no register 'BATCH-'; "),
        ("BATCH", 65536, "BATCH must be 0 .. 65535, not 65536"),
        ("CONTROL.STOP", -1, "CONTROL.STOP must be 0 .. 1, not -1"),
        ("COMMAND.OPERATION", "LEARN", "COMMAND.OPERATION has no value 'LEARN'; it has INIT_RANDOM, TRAIN, "),
        ("COMMAND", "TRAIN", "COMMAND has no value 'TRAIN'; it has none with a name"),
    ],
)
def test_names(name: str, value: int | str, message: str) -> None:
    """Mistakes have one clear line."""
    pair = DriverFixture(TINY)
    before = pair.transport.writes
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        pair.driver.write(name, value)
    assert pair.transport.writes == before


def test_read_only() -> None:
    """What cannot be written is refused in the machine's words."""
    pair = DriverFixture(TINY)
    for name in ("ID", "STATUS", "STATUS.BUSY", "INTERRUPT.ERROR", "COUNTER_SAMPLES"):
        pair.refused("READ_ONLY", lambda name=name: pair.driver.write(name, 1), name)


def test_identity() -> None:
    """Another machine, another version of the registers, another design."""
    transport = BlockTransport(TINY)
    for change, message in (
        (("ID", "VALUE", "reset", 7), "there is no such machine: ID is 0x4d544a47, not 0x7"),
        (("VERSION", "MAJOR", "reset", 3), "the machine has version 2.0 of the registers, the manifest 3.0"),
        (("VERSION", "MINOR", "reset", 1), "the machine has version 2.0 of the registers, the manifest 2.1"),
    ):
        content, (register, field, key, value) = described(TINY), change
        content["registers"][register]["fields"][field][key] = value
        with pytest.raises(DesignError, match=f"^{re.escape(message)}$"):
            Driver(transport, content)
    message = f"the machine is another design: DESIGN is {DESIGN:#x}, that of the manifest 0x1"
    with pytest.raises(DesignError, match=f"^{message}$"):
        Driver(transport, described(TINY) | {"design": "0x1"})
