"""Event counters against plain addition."""

from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from sim import block_bench

#: How long ago the latest increments were that a count has when it is shown.
LATENCY = 3


@pytest.mark.parametrize("config", configs.cases())
def test_counters(config: MachineConfig) -> None:
    """All increments, from reset."""
    block_bench.run("counters", config, __name__, public=("counts",))


class _Adder:
    """Adds up what is driven, cycle by cycle, and compares whatever counter is shown."""

    def __init__(self, bench: block_bench.BlockBench, start: int = 0) -> None:
        self._bench = bench
        described = bench.ports.described["increments"]["fields"]
        assert list(described) == list(COUNTERS), "the counters are not those of the golden model"
        self._most = [(1 << described[name]["width"]) - 1 for name in COUNTERS]
        #: Counts after each of the latest cycles, the oldest first.
        self._counts = [np.full(len(COUNTERS), start, np.int64)] * LATENCY
        self.shown: list[int] = []
        #: How often an increment is the largest, and how often any.
        self.full, self.busy = 0.1, 1.0
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        rng, most = self._bench.rng, np.array(self._most)
        increments = np.where(rng.random(len(most)) < self.full, most, rng.integers(0, most + 1))
        increments *= rng.random(len(most)) < self.busy
        self._bench.ports.write("increments", dict(zip(COUNTERS, map(int, increments), strict=True)))
        self._counts.append((self._counts[-1] + increments) % (1 << COUNTER_BITS))

    def _sample(self, cycle: int) -> None:
        counter = self._bench.ports.read("counter")
        counts = self._counts.pop(0)
        self.shown.append(counter)
        if len(self.shown) > LATENCY:
            equal(f"{list(COUNTERS)[counter]} in cycle {cycle}", self._bench.ports.read("count"), counts[counter])


@cocotb.test()
async def adds_in_every_cycle(dut: HierarchyObject) -> None:
    """All counters start at 0, take any increment in every cycle, the largest all the time, and are shown in turn."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    adder = _Adder(bench)
    for adder.full, adder.busy in ((0.1, 1), (1, 1), (0.5, 0.1), (0, 0)):
        adder.shown.clear()
        await bench.clock.step(6 * len(COUNTERS))
        turns = np.array(adder.shown[LATENCY:])
        equal("turns", np.diff(turns) % len(COUNTERS), np.ones(len(turns) - 1))


@cocotb.test()
async def starts_again(dut: HierarchyObject) -> None:
    """After a reset at any time every counter starts at 0, whatever its memory holds."""
    bench = block_bench.BlockBench(dut)
    for cycles in range(0, 3 * len(COUNTERS), 7):
        await bench.start()
        bench.clock.agents.clear()
        _Adder(bench)
        await bench.clock.step(cycles)


@cocotb.test()
async def wraps(dut: Any) -> None:
    """A counter beyond the end of its range goes on from 0."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    await bench.clock.step(2 * len(COUNTERS))
    almost = (1 << COUNTER_BITS) - 100
    for _ in range(2):  # what was under way the first time is written after it
        for at in range(len(COUNTERS)):
            dut.counts[at].value = almost
        await bench.clock.step(LATENCY)
    _Adder(bench, almost).full = 1
    await bench.clock.step(200)
