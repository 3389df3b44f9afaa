"""Input buffer against the golden form of the sample stream."""

from collections import Counter

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.input_buffer import beats
from sim import block_bench
from sim.drivers import Regime, StreamSource
from sim.manifest_reader import to_planes


@pytest.mark.parametrize("config", configs.cases())
def test_input_buffer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("input_buffer", config, __name__)


class _Samples:
    """Random samples, sent and remembered."""

    def __init__(self, bench: block_bench.BlockBench, count: int) -> None:
        config = bench.config
        self.words = config.geometry.groups(0)
        self.group = config.array.group
        self.trits = bench.integers(-1, 1, (count, config.sizes[0])).astype(np.int8)
        self.labels = bench.rng.integers(0, config.sizes[-1], count)
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


async def _read_back(bench: block_bench.BlockBench, samples: _Samples, index: int) -> None:
    """Read the present sample: words in any order, then its label."""
    for word in bench.rng.permutation(samples.words):
        bench.ports.write("address", int(word))
        await bench.clock.step()  # the answer stands in the next cycle
        start = int(word) * samples.group
        expected = np.array(samples.vector(index)[start : start + samples.group])
        planes = to_planes(expected, bench.config.error.bits)
        equal(f"sample {index} word {word}", bench.ports.read("word"), planes)
    equal(f"label of sample {index}", bench.ports.read("label"), samples.labels[index])


async def _release(bench: block_bench.BlockBench) -> None:
    bench.ports.write("release", 1)
    await bench.clock.step()
    bench.ports.write("release", 0)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def every_sample_in_order(dut: HierarchyObject, regime: Regime) -> None:
    """Samples pass whole and in order, whether the stream or the machine is the slower."""
    bench = block_bench.BlockBench(dut)
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
    bench = block_bench.BlockBench(dut)
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


class _Model:
    """Predicts every output in every cycle, while samples are dropped, flushed and released at random."""

    def __init__(self, bench: block_bench.BlockBench, source: StreamSource) -> None:
        self.bench, self.ports, self.source = bench, bench.ports, source
        self.words, self.group = bench.config.geometry.groups(0), bench.config.array.group
        self.samples: list[list[int]] = []
        self.begun: list[int] = []
        #: How often what happened; an unfinished sample counts by what became of it.
        self.seen: Counter[str] = Counter()
        self._read: int | None = None
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        rng, width = self.bench.rng, self.ports.described["samples__payload"]["width"]
        if self.source.empty:
            # any word may be trits or a label: what it is follows from what was dropped
            self.source.send(int(rng.integers(0, 1 << width)))
        length = self.words + 1
        flush = bool(rng.random() * length < 0.12)
        self.ports.write("drop", bool(rng.random() * length < 0.25))
        self.ports.write("flush", flush)
        self.ports.write("release", bool(self.samples and not flush and rng.random() * length < 0.3))
        self.ports.write("address", int(rng.integers(0, self.words)))

    def _sample(self, cycle: int) -> None:
        ports, seen = self.ports, self.seen
        drop, flush = ports.read("drop"), ports.read("flush")
        ready = len(self.samples) < 2 and not drop and not flush
        equal(f"cycle {cycle}: ready", ports.read("samples__ready"), ready)
        equal(f"cycle {cycle}: available", ports.read("available"), bool(self.samples))
        if self._read is not None:
            word, mask = self._read, (1 << self.group) - 1
            planes = [word & mask] + [word >> self.group] * (self.bench.config.error.bits - 1)
            equal(f"cycle {cycle}: word", ports.read("word"), planes)
        if self.samples:
            label_bits = ports.described["label"]["width"]
            equal(f"cycle {cycle}: label", ports.read("label"), self.samples[0][-1] & (1 << label_bits) - 1)
        self._read = self.samples[0][ports.read("address")] if self.samples else None
        if ready and ports.read("samples__valid"):
            self.begun.append(ports.read("samples__payload"))
        if len(self.begun) > self.words:
            self.samples.append(self.begun)
            self.begun = []
        if ports.read("release"):
            self.samples.pop(0)
        if drop or flush:
            name = "flush" if flush else "drop"
            seen[f"{name} in a sample" if self.begun else f"{name} between samples"] += 1
            seen[f"{name} with {len(self.samples)} samples"] += 1
            self.begun = []
        if flush:
            self.samples = []


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def drop_and_flush(dut: HierarchyObject, regime: Regime) -> None:
    """A drop forgets the words of an unfinished sample alone, a flush all; the next word begins a sample."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    source, _ = bench.source("samples", regime)
    model = _Model(bench, source)
    await bench.clock.step(2000)
    for name in ("drop", "flush"):
        for what in ("in a sample", "between samples", "with 0 samples", "with 1 samples", "with 2 samples"):
            assert model.seen[f"{name} {what}"], f"not seen: {name} {what}"
