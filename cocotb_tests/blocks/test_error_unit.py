"""Error unit against its golden twin."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests import block
from cocotb_tests.checkers import equal
from cocotb_tests.drivers import Regime, sink_pattern
from golden.config import MachineConfig


@pytest.mark.parametrize("config", block.cases())
def test_error_unit(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block.run("error_unit", config, __name__)


class _Unit:
    """The block with the sizes of its last layer."""

    def __init__(self, bench: block.Bench) -> None:
        self.bench, config = bench, bench.config
        self.golden, self.limit = config.error.model(), config.error.limit
        self.classes, self.group = config.layers[-1], config.geometry.group
        self.groups = config.geometry.groups(len(config.layers) - 1)
        self.expected: np.ndarray | None = None
        bench.each_cycle(sample=self._sample)
        self.top = (1 << config.geometry.sum_bits) - 1  # centred sums have one bit more than sums

    def _sample(self, cycle: int) -> None:
        if self.expected is not None:
            equal(f"cycle {cycle}: output errors", self.bench.ports.read("output_errors"), self.expected)

    def noise(self) -> None:
        """Anything, while no group is there."""
        for port in ("centred", "sums", "mask", "window"):
            self.bench.ports.write_bits(port, self.bench.ports.random_bits(port, self.bench.rng))
        self.bench.ports.write("output", 0)

    async def begin(self, label: int) -> None:
        """Begin a sample."""
        self.noise()
        self.bench.ports.write("label", label)
        self.bench.ports.write("begin", 1)
        await self.bench.clock.step()
        self.bench.ports.write("begin", 0)
        equal("learn after begin", self.bench.ports.read("learn"), 0)

    async def output(self, group: int, outputs: np.ndarray, label: int) -> np.ndarray:
        """Present one group of outputs, compare its errors, and return them."""
        ports, base = self.bench.ports, group * self.group
        at = np.arange(base, base + self.group)
        valid = at < self.classes
        ports.write("base", base)
        ports.write("mask", sum(int(bit) << lane for lane, bit in enumerate(valid)))
        ports.write("centred", outputs[at])
        ports.write("output", 1)
        errors = np.where(valid, self.golden.output(outputs[at], label - base), 0)
        self.expected = errors
        await self.bench.clock.step()
        self.expected = None
        self.noise()
        return errors


@cocotb.test()
@cocotb.parametrize(regime=block.REGIMES)
async def samples(dut: HierarchyObject, regime: Regime) -> None:
    """Errors, prediction and learn flag of samples; ties are frequent and the lowest class wins."""
    bench = block.Bench(dut)
    await bench.start()
    unit = _Unit(bench)
    gaps = sink_pattern(regime, bench.rng)  # nothing can be stalled here: the regimes are the gaps
    learned = set()
    for trial in range(80):
        label = int(bench.rng.integers(0, unit.classes))
        spread = (unit.top, 0, 1, 3)[trial % 4]
        outputs = bench.integers(-spread, spread, unit.groups * unit.group)
        margin = bench.config.error.margin + (1 << bench.config.error.shift)
        if trial % 4 == 1 and margin <= unit.top:  # nothing to learn: all margins kept
            outputs[:] = np.where(np.arange(len(outputs)) == label, margin, -margin)
        if trial == 0:  # the first sample finds things as reset left them: any output is larger than none
            outputs = -1 - np.abs(outputs)
            bench.ports.write("label", label)
        else:
            await unit.begin(label)
        learn = 0
        for group in range(unit.groups):
            while not next(gaps):
                await bench.clock.step()
            errors = await unit.output(group, outputs, label)
            learn |= int(errors.any())
            seen = outputs[: min((group + 1) * unit.group, unit.classes)]
            equal("learn", bench.ports.read("learn"), learn)
            equal("prediction", bench.ports.read("prediction"), int(seen.argmax()))
        learned.add(learn)
    assert learned == {0, 1} or bench.config.error.margin > unit.top, "no sample without an error, or none with one"


@cocotb.test()
async def ties(dut: HierarchyObject) -> None:
    """For every pair of classes with equal, largest outputs the lower one is predicted, at all levels of the values."""
    bench = block.Bench(dut)
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
                for group in range(unit.groups):
                    await unit.output(group, outputs, 0)
                equal("prediction", bench.ports.read("prediction"), lower)


@cocotb.test()
async def hidden_errors(dut: HierarchyObject) -> None:
    """Backward sums of the whole range: rounding, saturation, window and mask."""
    bench = block.Bench(dut)
    await bench.start()
    unit = _Unit(bench)
    highest = (unit.top + 1) // 2
    values = np.arange(-min(highest, 1000), min(highest, 1000))
    values = np.concatenate([values, [-highest, highest - 1], bench.rng.integers(-highest, highest, 50)])
    values = np.resize(values, -(-len(values) // unit.group) * unit.group).reshape(-1, unit.group)
    expected: list[object] = [None]

    def sample(cycle: int) -> None:
        if expected[0] is not None:
            equal(f"cycle {cycle}: hidden errors", bench.ports.read("hidden_errors"), expected[0])

    bench.each_cycle(sample=sample)
    for sums in values:
        unit.noise()
        mask, window = bench.rng.random((2, unit.group)) < 0.8
        bench.ports.write("sums", sums)
        bench.ports.write("mask", sum(int(bit) << lane for lane, bit in enumerate(mask)))
        bench.ports.write("window", sum(int(bit) << lane for lane, bit in enumerate(window)))
        expected[0] = np.where(mask, unit.golden.hidden(sums, window), 0)
        await bench.clock.step()
