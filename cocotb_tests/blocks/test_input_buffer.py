"""Input buffer against the golden form of the sample stream."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests import block
from cocotb_tests.checkers import equal
from cocotb_tests.drivers import Regime, StreamSource
from cocotb_tests.manifest import to_planes
from golden.config import MachineConfig
from golden.input_buffer import beats


@pytest.mark.parametrize("config", block.cases())
def test_input_buffer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block.run("input_buffer", config, __name__)


class _Samples:
    """Random samples, sent and remembered."""

    def __init__(self, bench: block.Bench, count: int) -> None:
        config = bench.config
        self.words = config.geometry.groups(0)
        self.group = config.array.group
        self.trits = bench.integers(-1, 1, (count, config.layers[0])).astype(np.int8)
        self.labels = bench.rng.integers(0, config.layers[-1], count)
        label_bits = bench.ports.described["label"]["width"]
        self.noise = [int(x) << label_bits for x in bench.rng.integers(0, 1 << (2 * self.group - label_bits), count)]

    def send(self, source: StreamSource) -> None:
        """Queue all samples; the label takes the low bits of its word, those above may hold anything."""
        for trits, label, noise in zip(self.trits, self.labels, self.noise, strict=True):
            *words, last = beats(trits, int(label), self.group)
            for word in (*words, last | noise):
                source.send(word)

    def vector(self, index: int) -> list[int]:
        """Elements of a sample, with the padding of its last word."""
        padded = np.zeros(self.words * self.group, np.int64)
        padded[: self.trits.shape[1]] = self.trits[index]
        return list(map(int, padded))


async def _read_back(bench: block.Bench, samples: _Samples, index: int) -> None:
    """Read the present sample: words in any order, then its label."""
    for word in bench.rng.permutation(samples.words):
        bench.ports.write("address", int(word))
        await bench.clock.step()  # the answer stands in the next cycle
        start = int(word) * samples.group
        expected = np.array(samples.vector(index)[start : start + samples.group])
        planes = to_planes(expected, bench.config.error.bits)
        equal(f"sample {index} word {word}", bench.ports.read("word"), planes)
    equal(f"label of sample {index}", bench.ports.read("label"), samples.labels[index])


async def _release(bench: block.Bench) -> None:
    bench.ports.write("release", 1)
    await bench.clock.step()
    bench.ports.write("release", 0)


@cocotb.test()
@cocotb.parametrize(regime=block.REGIMES)
async def every_sample_in_order(dut: HierarchyObject, regime: Regime) -> None:
    """Samples pass whole and in order, whether the stream or the machine is the slower."""
    bench = block.Bench(dut)
    await bench.start()
    source, _ = bench.source("samples", regime)
    samples = _Samples(bench, 20)
    samples.send(source)
    available: list[int] = []
    bench.each_cycle(sample=lambda _: available.append(bench.ports.read("available")))
    for index in range(20):
        await bench.clock.until(lambda: bool(available) and available[-1] == 1)
        if regime is Regime.PRESSURE:  # the machine works for long: both banks fill
            await bench.clock.step(int(bench.rng.integers(0, 4 * samples.words + 6)))
        await _read_back(bench, samples, index)
        await _release(bench)
        available.clear()
    await bench.clock.step(3)
    equal("available at the end", available[-1], 0)


@cocotb.test()
async def both_banks_full(dut: HierarchyObject) -> None:
    """Two samples in 2 (words + 1) cycles; then the stream stops until one release lets one sample in."""
    bench = block.Bench(dut)
    await bench.start()
    source, monitor = bench.source("samples", Regime.FLOWING)
    available: list[int] = []
    bench.each_cycle(sample=lambda _: available.append(bench.ports.read("available")))
    samples = _Samples(bench, 4)
    samples.send(source)
    length = samples.words + 1
    await bench.clock.step(2 * length + 10)
    equal("cycles of the words of two samples", monitor.cycles, range(2 * length))
    # available in the cycle after the last word, and not earlier
    equal("available", available, [0] * length + [1] * (len(available) - length))
    monitor.clear()
    await _read_back(bench, samples, 0)
    assert not monitor.transfers, "a word was accepted while both banks were full"
    released = bench.clock.cycle
    await _release(bench)
    await bench.clock.step(2 * length)
    equal("cycles of the third sample", monitor.cycles, range(released + 1, released + 1 + length))
    for index in (1, 2):
        await _read_back(bench, samples, index)
        await _release(bench)
    await bench.clock.step(length)
    await _read_back(bench, samples, 3)
    assert source.empty
