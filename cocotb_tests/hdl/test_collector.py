"""Collector against its golden twin."""

from collections.abc import Iterator

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.collector import Collector
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime, sink_pattern
from sim.monitors import Watch


@pytest.mark.parametrize("config", configs.cases())
def test_collector(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("collector", config, __name__)


class _Feeder:
    """Sends sums to the collector and watches what comes out."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports = bench, bench.ports
        # the array's answers cannot be stalled: the regimes are the gaps between them
        self.pattern: Iterator[bool] = sink_pattern(regime, bench.rng)
        self.watch = Watch(bench.ports, "valid", "index", "group", "mask")
        self.completing: set[int] = set()  # cycles in which the last sum of a group arrives
        bench.add(self.watch)
        bench.each_cycle(sample=self._idle)

    def _idle(self, cycle: int) -> None:
        """A group is under way in the two cycles after its last sum, the cycle of its emission included."""
        under_way = {cycle - 1, cycle - 2} & self.completing
        equal(f"cycle {cycle}: idle", self.bench.ports.read("idle"), not under_way)

    def _noise(self) -> None:
        for port in ("sums", "row_sum"):
            self.ports.write_bits(port, self.ports.random_bits(port, self.bench.rng))

    async def feed(self, port: str, answers: list[object], **settings: int) -> list[int]:
        """Start a vector and send its answers; return the cycles in which the last answers of groups arrived."""
        for name, value in settings.items():
            self.ports.write(name, value)
        self.ports.write("start", 1)
        self._noise()
        self.watch.seen.clear()
        await self.bench.clock.step()
        self.ports.write("start", 0)
        arrived = []
        size = 1 if port == "sums" else self.bench.config.geometry.group
        for at, answer in enumerate(answers):
            while not next(self.pattern):
                await self.bench.clock.step()
            self._noise()
            self.ports.write(port, answer)
            self.ports.write("arrive", 1)
            if at % size == size - 1 or at == len(answers) - 1:
                arrived.append(self.bench.clock.cycle)
                self.completing.add(self.bench.clock.cycle)
            await self.bench.clock.step()
            self.ports.write("arrive", 0)
            self._noise()
        await self.bench.clock.step(3)  # in two of them the last group is under way
        return arrived

    def check(self, groups: np.ndarray, elements: int, cycles: list[int]) -> None:
        """Compare the groups that came out; each appears two cycles after its last answer."""
        size = groups.shape[1]
        equal("cycles", [seen.cycle for seen in self.watch.seen], [cycle + 2 for cycle in cycles])
        equal("indices", [seen.value["index"] for seen in self.watch.seen], list(range(len(groups))))
        equal("groups", [seen.value["group"] for seen in self.watch.seen], groups)
        masks = [sum(1 << at for at in range(size) if i * size + at < elements) for i in range(len(groups))]
        equal("masks", [seen.value["mask"] for seen in self.watch.seen], masks)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def column_sums(dut: HierarchyObject, regime: Regime) -> None:
    """Groups of column sums pass through, with the mask of valid elements."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    feeder, g = _Feeder(bench, regime), bench.config.geometry
    limit = (1 << (g.column_bits - 1)) - 1
    for _ in range(25):
        elements = int(bench.rng.integers(1, g.lanes + 1))
        sums = bench.integers(-limit - 1, limit, (g.groups_per_block, g.group))
        arrived = await feeder.feed(
            "sums", list(sums), sensing=1, elements=elements, first=int(bench.rng.integers(0, 2)), last=0
        )
        feeder.check(sums, elements, arrived)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def row_sums(dut: HierarchyObject, regime: Regime) -> None:
    """Row sums of one or more blocks gather into groups; only the last block's come out, added up."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    feeder, g = _Feeder(bench, regime), bench.config.geometry
    golden = Collector(g.group, max(g.groups(vector) for vector in range(len(g.sizes))))
    for trial in range(30):
        blocks = 1 + trial % 3 if g.folded else 1
        rows = max(g.sizes) if trial < 3 else int(bench.rng.integers(1, max(g.sizes) + 1))
        # the sums of all blocks together fit, as the geometry promises
        limit = min((1 << (g.row_bits - 1)) - 1, ((1 << (g.sum_bits - 1)) - 1) // blocks)
        for index in range(blocks):
            sums = bench.integers(-limit, limit, rows)
            last = index == blocks - 1
            arrived = await feeder.feed(
                "row_sum", list(sums), sensing=0, rows=rows, elements=rows, first=index == 0, last=last
            )
            complete = golden.collect(sums, first=index == 0, last=last)
            if complete is None:
                equal("groups before the last block", len(feeder.watch.seen), 0)
            else:
                feeder.check(complete, rows, arrived)
