"""The driver where something is wrong: refused arguments, errors of the machine, stop and reset."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import TINY, DriverFixture, random
from cocotb_tests.kit.random_data import random_samples
from fpga.host.driver import Driver
from fpga.host.register_access import MachineError
from gen import config as named
from golden.bus.packets import pack_samples
from golden.bus.transport import TransportTimeout
from golden.config import MachineConfig, variant
from golden.input_buffer import word_bytes
from golden.samples import Samples


def test_refusals_before_anything_is_sent() -> None:
    """What the host can see it does not send; it says what the machine would have said."""
    pair = DriverFixture(TINY)
    driver, samples = pair.driver, random_samples(TINY, 6, random(5))
    driver.initialise()
    update_shifts, before = TINY.training.update_shifts, pair.transport.packets
    labels = samples.labels.copy()
    labels[3] = 3
    wrong = {
        "LABEL": (replace(samples, labels=labels), "sample 3 has label 3, classes 3"),
        "SHORT": (replace(samples, trits=samples.trits[:, :-1]), "samples have 9 inputs, the machine 10"),
        "LONG": (replace(samples, trits=samples.trits[:, [*range(10), 0]]), "samples have 11 inputs, the machine 10"),
        "SAMPLES": (samples[:0], ""),
    }
    for name, (given, detail) in wrong.items():
        pair.refused(name, lambda given=given: driver.train(given, 4, update_shifts), detail)
        pair.refused(name, lambda given=given: driver.infer(given), detail)
    pair.refused("BATCH", lambda: driver.train(samples, 0, update_shifts), "batch is 0")
    pair.refused(
        "UPDATE_SHIFT", lambda: driver.train(samples, 4, [8, 15, 8]), "update shifts [8, 15, 8] are not 5 .. 14"
    )
    assert pair.transport.packets == before
    bare = DriverFixture(named.load("tiny"))
    bare.refused("LOADABLE", lambda: bare.driver.load_seeds({}), "random.loadable is off")
    bare.refused("LOADABLE", lambda: bare.driver.load_pulses(np.zeros(32, int)), "pulse.loadable is off")
    bare.refused("LOADABLE", lambda: bare.driver.load_switching(np.zeros((1, 2, 32), int)), "switching.loadable is off")
    assert bare.transport.packets == 0


_FLOATS: Any = np.zeros((2, 35, 4))
_WRONG: dict[str, Callable[[Driver], object]] = {
    "update shifts must be one per layer, 3, not 2": lambda d: d.train(random_samples(TINY, 1), 1, [8, 8]),
    "BATCH must be 0 .. 65535, not 65536": lambda d: d.train(random_samples(TINY, 1), 65536, [8, 8, 8]),
    "samples must be trits (n, 10) and labels (n,), not (10,), (1,)": lambda d: d.infer(
        Samples(np.zeros(10, np.int8), np.zeros(1, np.uint8))
    ),
    "trits must be -1 .. 1, not 2": lambda d: d.infer(Samples(np.full((1, 10), 2, np.int8), np.zeros(1, np.uint8))),
    "labels must be integers, not float64": lambda d: d.infer(
        Samples(np.zeros((1, 10), np.int8), np.zeros(1))  # pyright: ignore[reportArgumentType]
    ),
    "r1 must have the shape (35, 4), not (34, 4)": lambda d: d.load_weights(*np.zeros((2, 34, 4), int)),
    "r2 must be 0 .. 1, not 2": lambda d: d.load_weights(np.ones((35, 4), int), np.full((35, 4), 2)),
    "r1 must be integers, not float64": lambda d: d.load_weights(*_FLOATS),
    "offset must be -1024 .. 1023, not 1024": lambda d: d.load_neurons(np.full(18, 1024), np.zeros(18, int)),
    "scale must be 0 .. 2047, not -1": lambda d: d.load_neurons(np.zeros(18, int), np.full(18, -1)),
    "banks must be [0], not [0, 1]": lambda d: d.load_seeds(dict.fromkeys((0, 1), np.ones(4, np.uint64))),
    "states of bank 0 must be 1 .. 9223372036854775807, not 0": lambda d: d.load_seeds({0: np.zeros(4, np.uint64)}),
    "codes must be 0 .. 31, not 32": lambda d: d.load_pulses(np.full(32, 32)),
    "thresholds must have the shape (1, 2, 32), not (2, 32)": lambda d: d.load_switching(np.ones((2, 32), int)),
    "thresholds must be 1 .. 65536 for all codes but 0, not 0": lambda d: d.load_switching(np.zeros((1, 2, 32), int)),
}


@pytest.mark.parametrize("message", _WRONG)
def test_wrong_arrays(message: str) -> None:
    """Arrays of another shape or range go nowhere."""
    pair = DriverFixture(TINY)
    pair.driver.initialise()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _WRONG[message](pair.driver)
    assert pair.transport.packets == 0


def test_binary_weights() -> None:
    """Binary synapses have no second device."""
    config = variant(TINY, array={"synapse": "binary"})
    pair = DriverFixture(config)
    ones = np.ones((config.geometry.rows, config.array.lanes), int)
    with pytest.raises(ValueError, match=r"^r2 must be 0 .. 0, not 1$"):
        pair.driver.load_weights(ones, ones)
    pair.driver.load_weights(ones, 0 * ones)


def _packet(config: MachineConfig, words: int) -> bytes:
    return bytes(words * word_bytes(config.array.group))


def test_what_the_machine_refuses() -> None:
    """What only the machine can see comes back in its words, and it is ready again."""
    pair = DriverFixture(TINY)
    driver, transport, samples = pair.driver, pair.transport, random_samples(TINY, 6, random(6))
    pair.refused("STATE", lambda: driver.train(samples, 4, TINY.training.update_shifts))
    pair.refused("STATE", lambda: driver.infer(samples))
    driver.initialise()
    # a host that was here before has left half a sample and an error
    transport.send([_packet(TINY, 2), _packet(TINY, 7)])
    transport.wait(0)
    pair.refused("SHORT", driver.initialise)
    driver.initialise()
    transport.send([_packet(TINY, 6)] * 3)
    transport.wait(0)
    pair.refused("UNFINISHED", lambda: driver.load_weights(*np.zeros((2, 35, 4), int)))
    # a command under way stays under way
    driver.write("SAMPLES", 3)
    driver.write("COMMAND.OPERATION", "TEST")
    driver.write("CONTROL.START", 1)
    with pytest.raises(MachineError, match=r"^BUSY: .* \(stop it, or wait for it\)$"):
        driver.initialise()
    assert driver.read("STATUS.BUSY")
    driver.stop()
    # the registers still hold what TEST was given, the codes of an operation that is none
    driver.write("COMMAND.OPERATION", 15)
    driver.write("CONTROL.START", 1)
    pair.refused("OPERATION", lambda: driver.infer(samples))
    driver.initialise()
    pair.golden.initialise()
    assert len(driver.infer(samples)) == 6


def test_time_limit() -> None:
    """A machine that has waited too long ends the command; weights stay, sums keep what they have."""
    pair = DriverFixture(TINY, timeout=0.05)
    driver, golden, samples = pair.driver, pair.golden, random_samples(TINY, 6, random(7))
    driver.initialise()
    golden.initialise()
    driver.write("TIMEOUT", 1000)
    driver.write("BATCH", 4)
    for layer, update_shift in enumerate(TINY.training.update_shifts):
        driver.write(f"UPDATE_SHIFT[{layer}]", update_shift)
    driver.write("SAMPLES", 10)
    driver.write("COMMAND.OPERATION", "TRAIN")
    driver.write("CONTROL.START", 1)
    pair.transport.send(pack_samples(samples.trits, samples.labels, TINY.array.group))
    pair.transport.wait(0)
    pair.transport.block.expire()
    golden.present(samples[:4], training=True)
    golden.update(TINY.training.update_shifts)
    golden.present(samples[4:], training=True)
    with pytest.raises(MachineError, match=r"^TIMEOUT: "):
        driver.infer(samples)
    pair.equal()
    np.testing.assert_array_equal(driver.infer(samples), golden.test(samples))


def test_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing moves a command gives up; the machine can be stopped and used, after whole samples."""
    pair = DriverFixture(TINY, timeout=0.05)
    driver, golden, samples = pair.driver, pair.golden, random_samples(TINY, 6, random(8))
    update_shifts = TINY.training.update_shifts
    driver.initialise()
    golden.initialise()
    send = pair.transport.send
    # the way loses the end of the stream
    monkeypatch.setattr(pair.transport, "send", lambda packets: send(packets[:2]))
    with pytest.raises(TransportTimeout, match=r"^TRAIN: nothing has moved for 0\.05 s, the machine waits for input$"):
        driver.train(samples, 4, update_shifts)
    monkeypatch.undo()
    pair.transport.block.send(0, False)  # half a sample
    driver.recover()
    golden.train(samples[:2], 4, update_shifts)
    pair.equal()
    np.testing.assert_array_equal(driver.train(samples, 4, update_shifts), golden.train(samples, 4, update_shifts))
    pair.equal()


def test_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends training after a sample, with a write pass."""
    pair = DriverFixture(TINY)
    driver, golden, samples = pair.driver, pair.golden, random_samples(TINY, 6, random(9))
    update_shifts = TINY.training.update_shifts
    driver.initialise()
    golden.initialise()
    wait, send = pair.transport.wait, pair.transport.send

    def interrupt(timeout: float) -> bool:
        wait(timeout)
        raise KeyboardInterrupt

    monkeypatch.setattr(pair.transport, "wait", interrupt)
    monkeypatch.setattr(pair.transport, "send", lambda packets: send(packets[:3]))
    with pytest.raises(KeyboardInterrupt):
        driver.train(samples, 4, update_shifts)
    monkeypatch.undo()
    golden.train(samples[:3], 4, update_shifts)
    pair.equal()
    assert driver.counters()["samples"] == 3
    np.testing.assert_array_equal(driver.train(samples, 4, update_shifts), golden.train(samples, 4, update_shifts))
    pair.equal()


def test_stop_takes_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump goes on to its end although nobody wants its words any more."""
    pair = DriverFixture(TINY, timeout=5)
    pair.driver.initialise()
    words = 50
    read, discard = pair.transport.read, pair.transport.discard

    def busy(address: int) -> int:
        return read(address) | (address == 0x14 and words > 0)

    def take() -> None:
        nonlocal words
        words -= 10
        discard()

    monkeypatch.setattr(pair.transport, "read", busy)
    monkeypatch.setattr(pair.transport, "discard", take)
    pair.driver.stop()
    assert words <= 0
    words = 1 << 60
    pair = DriverFixture(TINY, timeout=0.05)
    monkeypatch.setattr(pair.transport, "read", lambda address: 1)
    with pytest.raises(TransportTimeout, match=r"^the machine has not stopped for 0\.05 s: reset it$"):
        pair.driver.stop()


def test_reset() -> None:
    """Reset makes counters zero and neurons unknown; streams start again, memories stay."""
    pair = DriverFixture(TINY)
    driver = pair.driver
    driver.initialise()
    first = driver.dump_weights()
    pair.transport.send([_packet(TINY, 6)] * 4)
    pair.transport.wait(0)
    driver.reset()
    assert not any(driver.counters().values())
    assert not driver.read("STATUS.NEURONS")
    assert driver.read("ENABLE") == 3
    for found, states in zip(driver.dump_weights(), first, strict=True):
        np.testing.assert_array_equal(found, states)
    driver.initialise()
    for found, states in zip(driver.dump_weights(), first, strict=True):
        np.testing.assert_array_equal(found, states)
