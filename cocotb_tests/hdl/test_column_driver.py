"""Column driver: the drive is the vector, loaded in groups + 2 cycles; what a host shifts in and out."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import MemoryPort
from sim.manifest_reader import from_planes, to_planes


@pytest.mark.parametrize("config", configs.cases())
def test_column_driver(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("column_driver", config, __name__)


@cocotb.test()
async def loads(dut: HierarchyObject) -> None:
    """Vectors at any place, one load right after the other or later; the drive then stays."""
    bench = block_bench.BlockBench(dut)
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


@cocotb.test()
async def shifts_and_captures(dut: HierarchyObject) -> None:
    """Groups go in at the highest lanes and out at the lowest, planes 0 and 1 are taken from lanes, each alone."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    config, rng, ports = bench.config, bench.rng, bench.ports
    geometry, bits = config.geometry, config.error.bits
    lanes, group = geometry.lanes, geometry.group
    memory = MemoryPort(ports, "address", "word", rng)
    bench.add(memory)
    expected = np.zeros(lanes, np.int64)

    def noise() -> None:
        ports.write_bits("lanes", ports.random_bits("lanes", rng))

    for turn in range(400):
        ports.write("shift", 0)
        ports.write("capture", 0)
        noise()
        action = str(rng.choice(["shift", "capture", "load", "wait"], p=[0.6, 0.3, 0.03, 0.07]))
        if action == "shift":
            numbers = bench.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1, group)
            memory.offer = to_planes(numbers, bits)
            ports.write("shift", 1)
            expected = np.concatenate([expected[group:], numbers])
        elif action == "capture":
            planes = int(rng.integers(1, 4))
            taken = rng.integers(0, 2, lanes)
            ports.write("capture", planes)
            lanes_word = sum(int(bit) << lane for lane, bit in enumerate(taken))
            ports.write("lanes", lanes_word)
            found = to_planes(expected, bits)
            for plane in range(2):
                if planes >> plane & 1:
                    found[plane] = lanes_word
            word = sum(plane << (at * lanes) for at, plane in enumerate(found))
            expected = from_planes(word, lanes, bits, signed=True)
        elif action == "load":
            vectors = bench.integers(-config.error.limit, config.error.limit, (geometry.groups_per_block, group))
            memory.contents = [to_planes(word, bits) for word in vectors]
            ports.write("first", 0)
            ports.write("start", 1)
            await bench.clock.step()
            ports.write("start", 0)
            await bench.clock.step(cycles.drive(geometry.groups_per_block))
            expected = vectors.reshape(-1)
        await bench.clock.step()
        memory.offer = None
        equal(f"drive after {turn}, {action}", from_planes(ports.bits("drive"), lanes, bits, signed=True), expected)
        equal("busy", ports.read("busy"), 0)
