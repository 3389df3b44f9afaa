"""Row driver against its golden twin and the cycle model."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig
from golden.drivers import events
from sim import block_bench
from sim.drivers import MemoryPort, Regime
from sim.manifest_reader import to_planes


@pytest.mark.parametrize("config", configs.cases())
def test_row_driver(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("row_driver", config, __name__)


def _expected_cycles(vector: np.ndarray, group: int) -> list[int]:
    """Cycles of all events from `start` on, without stalls: 3 to the first, one per event or empty group."""
    expected, at = [], 3
    for word in vector.reshape(-1, group):
        count = int(np.count_nonzero(word))
        expected += range(at, at + count)
        at += max(count, 1)
    return expected


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def walks(dut: HierarchyObject, regime: Regime) -> None:
    """Every event in order, at the right cycle; vectors of all densities, at any place, one walk after the other."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    group, limit, geometry = bench.config.array.group, bench.config.error.limit, bench.config.geometry
    depth = max(geometry.vector_groups, geometry.groups(0))
    memory = MemoryPort(bench.ports, "address", "word", bench.rng)
    sink = bench.sink("event", regime)
    bench.add(memory)
    busy: list[int] = []
    bench.each_cycle(sample=lambda _: busy.append(bench.ports.read("busy")))
    for walk in range(40):
        groups = depth if walk == 0 else int(bench.rng.integers(1, depth + 1))
        first = int(bench.rng.integers(0, depth - groups + 1))
        content = bench.integers(-limit, limit, (depth, group))
        # all densities, the empty and the full vector among them
        density = (1.0, 0.0, 0.05)[walk] if walk < 3 else bench.rng.random()
        content[content == 0] = 1
        content[bench.rng.random(content.shape) >= density] = 0
        vector = content[first : first + groups].reshape(-1)
        # rows beyond the array are never reached by events, wherever the last group ends
        filled = int(np.flatnonzero(vector)[-1]) + 1 if vector.any() else 1
        row = int(bench.rng.integers(0, max(1, geometry.rows - filled + 1)))
        if row + filled > geometry.rows:
            vector[geometry.rows - row :] = 0
            content[first : first + groups] = vector.reshape(-1, group)
        memory.contents = [to_planes(word, bench.config.error.bits) for word in content]
        for port, value in (("start", 1), ("first", first), ("groups", groups), ("row", row)):
            bench.ports.write(port, value)
        sink.clear()
        busy.clear()
        start = bench.clock.cycle
        await bench.clock.step()
        for port in ("start", "first", "groups", "row"):
            bench.ports.write_bits(port, 0 if port == "start" else bench.ports.random_bits(port, bench.rng))
        await bench.clock.until(lambda: len(busy) > 1 and not busy[-1])
        indices, coefficients = events(vector)
        equal("event rows", [event["row"] for event in sink.values], row + indices)
        equal("event coefficients", [event["coefficient"] for event in sink.values], coefficients)
        equal("busy", busy, [0] + [1] * (len(busy) - 2) + [0])
        if regime is Regime.FLOWING:
            when = _expected_cycles(vector, group)
            equal("event cycles", [cycle - start for cycle in sink.cycles], when)
            # quiet in the last cycle of the operation: one more than the walk itself
            length = sum(max(int(np.count_nonzero(word)), 1) for word in vector.reshape(-1, group))
            equal(
                "first cycle without busy", len(busy) - 1, length + 3 if when and when[-1] == length + 2 else length + 2
            )
            for latency in (cycles.ARRAY, cycles.GRADIENT):
                # the operation, one start cycle included, is done when busy is low and the last event has its answer
                done = max(len(busy) - 1, when[-1] + latency if when else 0)
                equal("cycle model", cycles.walk(vector, group, latency), done)
        await bench.clock.step(int(bench.rng.integers(0, 3)))
