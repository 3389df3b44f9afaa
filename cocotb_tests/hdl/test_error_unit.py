"""Error unit against its golden twin."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime, sink_pattern


@pytest.mark.parametrize("config", configs.cases())
def test_error_unit(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("error_unit", config, __name__)


class _Unit:
    """The block with the sizes of its last layer."""

    def __init__(self, bench: block_bench.BlockBench) -> None:
        self.bench, config = bench, bench.config
        self.golden, self.limit = config.error.model(), config.error.limit
        self.classes, self.group = config.sizes[-1], config.geometry.group
        self.groups = config.geometry.groups(len(config.layers) - 1)
        # of the group in this cycle, and of the group in the cycle before
        self.next: np.ndarray | None = None
        self._expected: np.ndarray | None = None
        self._idle = 1
        bench.each_cycle(sample=self._sample)
        self.top = (1 << config.geometry.sum_bits) - 1  # centred sums have one bit more than sums

    def _sample(self, cycle: int) -> None:
        self._idle = self.bench.ports.read("idle")
        equal(f"cycle {cycle}: valid", self.bench.ports.read("valid"), self._expected is not None)
        if self._expected is not None:
            equal(f"cycle {cycle}: errors", self.bench.ports.read("errors"), self._expected)
        self._expected, self.next = self.next, None

    def noise(self, ahead: int | None = None) -> None:
        """Anything, while no group is there, and where the one of the next cycle is."""
        for port in ("centred", "sums", "mask", "window", "base"):
            self.bench.ports.write_bits(port, self.bench.ports.random_bits(port, self.bench.rng))
        self.bench.ports.write("ahead", ahead is not None)
        if ahead is not None:
            self.bench.ports.write("base", ahead * self.group)
        self.bench.ports.write("output", 0)
        self.bench.ports.write("hidden", 0)

    async def pause(self, ahead: int | None = None) -> None:
        """Let a cycle pass without a group, before the one named."""
        self.noise(ahead)
        await self.bench.clock.step()

    async def finish(self) -> None:
        """Let the largest output come through: a level of the tree in every cycle."""
        for _ in range((self.group - 1).bit_length()):
            self.noise()
            await self.bench.clock.step()
            equal("idle", self._idle, False)
        await self.pause()
        equal("idle", self._idle, True)

    async def begin(self, label: int) -> None:
        """Begin a sample."""
        self.noise()
        self.bench.ports.write("label", label)
        self.bench.ports.write("begin", 1)
        await self.bench.clock.step()
        self.bench.ports.write("begin", 0)
        equal("learn after begin", self.bench.ports.read("learn"), 0)

    async def output(self, group: int, outputs: np.ndarray, label: int, ahead: int | None = None) -> np.ndarray:
        """Present one group of outputs and return its errors, which are compared a cycle later; `ahead` is the next."""
        self.noise(ahead)
        ports, base = self.bench.ports, group * self.group
        at = np.arange(base, base + self.group)
        valid = at < self.classes
        ports.write("mask", sum(int(bit) << lane for lane, bit in enumerate(valid)))
        ports.write("centred", outputs[at])
        ports.write("output", 1)
        errors = np.where(valid, self.golden.output(outputs[at], label - base), 0)
        self.next = errors
        await self.bench.clock.step()
        self.noise()
        return errors

    async def hidden(self, sums: np.ndarray, mask: np.ndarray, window: np.ndarray) -> None:
        """Present one group of backward sums; its errors are compared a cycle later."""
        ports = self.bench.ports
        self.noise()
        ports.write("sums", sums)
        for port, bits in (("mask", mask), ("window", window)):
            ports.write(port, sum(int(bit) << lane for lane, bit in enumerate(bits)))
        ports.write("hidden", 1)
        self.next = np.where(mask, self.golden.hidden(sums, window), 0)
        await self.bench.clock.step()
        self.noise()

    def backward(self, size: int) -> np.ndarray:
        """Backward sums of all magnitudes."""
        scale = int(self.bench.rng.integers(1, self.bench.config.geometry.sum_bits))
        return self.bench.integers(-(1 << scale), (1 << scale) - 1, size)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def samples(dut: HierarchyObject, regime: Regime) -> None:
    """Errors of samples, a cycle later, prediction and learn flag when idle; ties are frequent, the lowest wins."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    unit = _Unit(bench)
    gaps = sink_pattern(regime, bench.rng)  # nothing can be stalled here: the regimes are the gaps
    learned = set()
    for trial in range(80):
        label = int(bench.rng.integers(0, unit.classes))
        scale = (unit.top, 0, 1, 3)[trial % 4]
        outputs = bench.integers(-scale, scale, unit.groups * unit.group)
        margin = bench.config.error.margin + (1 << bench.config.error.shift)
        if trial % 4 == 1 and margin <= unit.top:  # nothing to learn: all margins kept
            outputs[:] = np.where(np.arange(len(outputs)) == label, margin, -margin)
        if trial == 0:  # the first sample finds things as reset left them: any output is larger than none
            outputs = -1 - np.abs(outputs)
            bench.ports.write("label", label)
        else:
            await unit.begin(label)
        learn = 0
        ahead = None
        for group in range(unit.groups):
            while ahead != group or not next(gaps):
                await unit.pause(ahead := group)
            if trial % 3 == 0 and bench.rng.random() < 0.5:  # backward sums leave prediction and learn flag alone
                mask, window = bench.rng.random((2, unit.group)) < 0.8
                await unit.hidden(unit.backward(unit.group), mask, window)
                await unit.pause(group)
            ahead = group + 1 if group + 1 < unit.groups else None
            errors = await unit.output(group, outputs, label, ahead)
            learn |= int(errors.any())
            if ahead is None or bench.rng.random() < 0.3:
                await unit.finish()
                ahead = None
                seen = outputs[: min((group + 1) * unit.group, unit.classes)]
                equal("learn", bench.ports.read("learn"), learn)
                equal("prediction", bench.ports.read("prediction"), int(seen.argmax()))
        learned.add(learn)
    assert learned == {0, 1} or bench.config.error.margin > unit.top, "no sample without an error, or none with one"


@cocotb.test()
async def ties(dut: HierarchyObject) -> None:
    """For every pair of classes with equal, largest outputs the lower one is predicted, at all levels of the values."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    unit = _Unit(bench)
    for lower in range(unit.classes):
        for upper in range(lower, unit.classes):
            for level in (-unit.top, 0, unit.top):
                # lanes beyond the classes hold larger values, and never win
                outputs = np.full(unit.groups * unit.group, unit.top)
                outputs[: unit.classes] = max(level - 1, -unit.top - 1)
                outputs[[lower, upper]] = level
                await unit.begin(0)
                await unit.pause(0)
                for group in range(unit.groups):
                    await unit.output(group, outputs, 0, (group + 1) % unit.groups)
                await unit.finish()
                equal("prediction", bench.ports.read("prediction"), lower)


@cocotb.test()
async def hidden_errors(dut: HierarchyObject) -> None:
    """Backward sums of the whole range: rounding, saturation, window and mask."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    unit = _Unit(bench)
    highest = (unit.top + 1) // 2
    values = np.arange(-min(highest, 1000), min(highest, 1000))
    values = np.concatenate([values, [-highest, highest - 1], bench.rng.integers(-highest, highest, 50)])
    values = np.resize(values, -(-len(values) // unit.group) * unit.group).reshape(-1, unit.group)
    await unit.begin(0)
    for sums in values:
        mask, window = bench.rng.random((2, unit.group)) < 0.8
        await unit.hidden(sums, mask, window)
        if bench.rng.random() < 0.1:
            await unit.pause()
        equal("learn", bench.ports.read("learn"), 0)
    await unit.pause()
