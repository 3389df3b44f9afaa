"""The driver over a link: on a bad line, and on one that is cut."""

from collections.abc import Iterator

import numpy as np
import pytest

from cocotb_tests.fpga.block_transport import BlockTransport, described
from cocotb_tests.fpga.driver_fixture import TINY, random
from cocotb_tests.fpga.link_fixture import paired
from cocotb_tests.fpga.noise import NoisyLine
from cocotb_tests.kit.random_data import random_samples
from fpga.host.byte_line import Line
from fpga.host.driver import Driver
from fpga.host.link import Link
from fpga.host.noise import Noise
from golden.bus.transport import LinkError
from golden.input_buffer import word_bytes
from golden.machine import Machine


class Weak:
    """Lines to the machine that are good until they are made to break."""

    def __init__(self, line: Line) -> None:
        self._line, self.broken = line, False

    def __call__(self) -> "Weak":
        """Open."""
        if self.broken:
            raise ConnectionError("cut")
        return self

    def read(self, timeout: float) -> bytes:
        """Take what has come."""
        if self.broken:
            raise ConnectionError("cut")
        return self._line.read(timeout)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._line.write(data)

    def close(self) -> None:
        """Hang up for now."""


@pytest.fixture
def line() -> Iterator[Line]:
    """Make a golden block behind a line."""
    with paired(BlockTransport(TINY), word_bytes(TINY.array.group)) as near:
        yield near


def test_over_a_noisy_line(line: Line) -> None:
    """Training and checkpoint over a bad line: bit for bit."""
    noisy = NoisyLine(line, Noise(0.001, 0.001, 0.001), random(10))
    link = Link(lambda: noisy, repeat=0.01, timeout=20)
    driver, golden, samples = Driver(link, described(TINY)), Machine(TINY), random_samples(TINY, 60, random(10))
    update_shifts = TINY.training.update_shifts
    driver.initialise()
    golden.initialise()
    np.testing.assert_array_equal(driver.train(samples, 4, update_shifts), golden.train(samples, 4, update_shifts))
    r1, r2 = driver.dump_weights()
    np.testing.assert_array_equal(r1, golden.dump_weights()[0])
    driver.load_weights(r2, r1)
    golden.load_weights(r2, r1)
    np.testing.assert_array_equal(driver.infer(samples), golden.test(samples))
    assert driver.counters() == golden.counters
    assert link.repeats > 10
    driver.close()


def test_cut_line(line: Line) -> None:
    """A line cut while the machine trains: weights are those after whole samples, and another host can go on."""
    golden, samples, update_shifts = Machine(TINY), random_samples(TINY, 200, random(11)), TINY.training.update_shifts
    weak = Weak(line)
    driver = Driver(Link(weak, repeat=0.01, timeout=0.5), described(TINY))
    driver.initialise()
    golden.initialise()
    read, count = weak.read, 0

    def cut(timeout: float) -> bytes:
        nonlocal count
        count += 1
        weak.broken = count > 30
        return read(timeout)

    weak.read = cut
    with pytest.raises(LinkError, match=r"^no answer to \w+ from the other end for 0\.5 s: cut$"):
        driver.train(samples, 4, update_shifts)
    again = Driver(Link(lambda: line, repeat=0.1, timeout=5), described(TINY))
    again.recover()
    done = again.counters()["samples"]
    assert 0 < done < 200
    golden.train(samples[:done], 4, update_shifts)
    for found, states in zip(again.dump_weights(), golden.dump_weights(), strict=True):
        np.testing.assert_array_equal(found, states)
    rest = samples[done:]
    np.testing.assert_array_equal(again.train(rest, 4, update_shifts), golden.train(rest, 4, update_shifts))
    again.close()
