"""Vector memory against its golden twin: three memories, reads in the next cycle."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.vector_memory import VectorMemory
from sim import block_bench
from sim.manifest_reader import to_planes


@pytest.mark.parametrize("config", configs.cases())
def test_vector_memory(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("vector_memory", config, __name__)


async def _filled(bench: block_bench.BlockBench) -> VectorMemory:
    """Write every word of all memories once."""
    geometry, limit = bench.config.geometry, bench.config.error.limit
    golden = VectorMemory(geometry.vector_groups, geometry.group)
    golden.activations[:] = bench.integers(-1, 1, golden.activations.shape)
    golden.windows[:] = bench.integers(0, 1, golden.windows.shape)
    golden.errors[:] = bench.integers(-limit, limit, golden.errors.shape)
    bench.ports.write("write_neurons", 1)
    bench.ports.write("write_errors", 1)
    for group in range(geometry.vector_groups):
        _write(bench, golden, group, group)
        await bench.clock.step()
    bench.ports.write("write_neurons", 0)
    bench.ports.write("write_errors", 0)
    return golden


def _write(bench: block_bench.BlockBench, golden: VectorMemory, group: int, errors: int) -> None:
    """Present words to write: those of neurons to one group, the errors to another."""
    bench.ports.write("target", group)
    bench.ports.write("error_target", errors)
    bench.ports.write("activations", to_planes(golden.activations[group], 2))
    bench.ports.write("windows", sum(int(bit) << at for at, bit in enumerate(golden.windows[group])))
    bench.ports.write("deltas", golden.errors[errors])


@cocotb.test()
async def reads_what_was_written(dut: HierarchyObject) -> None:
    """Every word of every memory, in the cycle after its address."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    golden = await _filled(bench)
    for errors in (False, True):
        bench.ports.write("errors", errors)
        for group in bench.rng.permutation(golden.activations.shape[0]):
            bench.ports.write("address", int(group))
            bench.ports.write("window_address", golden.activations.shape[0] - 1 - int(group))
            await bench.clock.step()  # now at the start of the next cycle
            word, window = bench.ports.read("word"), bench.ports.read("window")
            planes = to_planes(golden.read(int(group), 1, errors=errors), bench.config.error.bits)
            equal(f"word {group}", word, planes)
            mirrored = golden.windows[len(golden.windows) - 1 - int(group)]
            equal(f"window {group}", [window >> at & 1 for at in range(len(mirrored))], mirrored)


@cocotb.test()
async def random_traffic(dut: HierarchyObject) -> None:
    """A read and a write in every cycle; a write reaches the two kinds of memory apart, and one word alone."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    golden = await _filled(bench)
    groups, limit = golden.activations.shape[0], bench.config.error.limit
    expected: list[tuple[np.ndarray, np.ndarray] | None] = [None]

    def sample(cycle: int) -> None:
        if expected[0] is not None:
            word, window = expected[0]
            equal(f"cycle {cycle}: word", bench.ports.read("word"), to_planes(word, bench.config.error.bits))
            bits = bench.ports.read("window")
            equal(f"cycle {cycle}: window", [bits >> at & 1 for at in range(len(window))], window)

    bench.each_cycle(sample=sample)
    for _ in range(300):
        address, windows, target, error_target = (int(x) for x in bench.rng.integers(0, groups, 4))
        neurons, errors = (bool(x) for x in bench.rng.integers(0, 2, 2))
        fresh = VectorMemory(groups, golden.activations.shape[1])
        fresh.activations[target] = bench.integers(-1, 1, fresh.activations.shape[1])
        fresh.windows[target] = bench.integers(0, 1, fresh.windows.shape[1])
        fresh.errors[error_target] = bench.integers(-limit, limit, fresh.errors.shape[1])
        # `errors` selects at the output, in the cycle of the answer
        bench.ports.write("address", address)
        bench.ports.write("window_address", windows)
        bench.ports.write("write_neurons", neurons)
        bench.ports.write("write_errors", errors)
        _write(bench, fresh, target, error_target)
        await bench.clock.step()
        select = bool(bench.rng.integers(0, 2))
        bench.ports.write("errors", select)
        # a read in the cycle of a write to the same word sees the old word
        expected[0] = (golden.read(address, 1, errors=select), golden.windows[windows].copy())
        if neurons:
            golden.activations[target], golden.windows[target] = fresh.activations[target], fresh.windows[target]
        if errors:
            golden.errors[error_target] = fresh.errors[error_target]
