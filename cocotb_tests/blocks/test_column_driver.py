"""Column driver: the drive is the vector, loaded in groups + 2 cycles."""

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests import block
from cocotb_tests.checkers import equal
from cocotb_tests.drivers import MemoryPort
from cocotb_tests.manifest import from_planes, to_planes
from golden import cycles
from golden.config import MachineConfig


@pytest.mark.parametrize("config", block.cases())
def test_column_driver(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block.run("column_driver", config, __name__)


@cocotb.test()
async def loads(dut: HierarchyObject) -> None:
    """Vectors at any place, one load right after the other or later; the drive then stays."""
    bench = block.Bench(dut)
    await bench.start()
    geometry, error = bench.config.geometry, bench.config.error
    groups, lanes = geometry.groups_per_block, geometry.lanes
    # the memory is as deep as the address reaches; a load of a small network still fills all lanes
    depth = max(geometry.vector_groups, geometry.groups(0), groups)
    memory = MemoryPort(bench.ports, "address", "word", bench.rng)
    bench.add(memory)
    busy: list[int] = []
    bench.each_cycle(sample=lambda _: busy.append(bench.ports.read("busy")))
    highest = max(geometry.vector_groups, geometry.groups(0)) - groups
    for _ in range(30):
        first = int(bench.rng.integers(0, max(highest, 0) + 1))
        vectors = bench.integers(-error.limit, error.limit, (depth, geometry.group))
        memory.contents = [to_planes(word, error.bits) for word in vectors]
        bench.ports.write("start", 1)
        bench.ports.write("first", first)
        busy.clear()
        await bench.clock.step()
        bench.ports.write("start", 0)
        bench.ports.write_bits("first", bench.ports.random_bits("first", bench.rng))
        await bench.clock.until(lambda: len(busy) > 1 and not busy[-1])
        # start in cycle 0, quiet again in cycle groups + 2, as the cycle model says
        equal("busy", busy, [0] + [1] * (groups + 1) + [0])
        equal("cycle model", cycles.drive(groups), len(busy) - 1)
        expected = vectors[first : first + groups].reshape(-1)
        for _ in range(int(bench.rng.integers(1, 4))):
            drive = from_planes(bench.ports.bits("drive"), lanes, error.bits, signed=True)
            equal("drive", drive, expected)
            await bench.clock.step()
