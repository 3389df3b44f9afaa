"""Event counters against plain addition."""

import re

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests import block
from cocotb_tests.checkers import equal
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS

#: Reset value of the counters in the test of the wrap: 100 below the end of the range.
_ALMOST_FULL = (1 << COUNTER_BITS) - 100


@pytest.mark.parametrize("config", block.cases())
def test_counters(config: MachineConfig) -> None:
    """All increments, from reset."""
    block.run("counters", config, __name__, tests="adds_in_every_cycle")


def test_wrap() -> None:
    """48 bits take years to fill: a copy of the block, reset to almost full, has to wrap."""
    from gen import verilog

    files = verilog.block_files(block.tiny(), "test", "counters")
    changed, count = re.subn(rf"{COUNTER_BITS}'h0+;", f"{COUNTER_BITS}'h{_ALMOST_FULL:x};", files["counters.v"])
    assert count == 2 * len(COUNTERS), "initial and reset values not found"
    block.run_files(files | {"counters.v": changed}, __name__, tests="wraps")


async def _count(dut: HierarchyObject, start: int, cycles: int) -> None:
    bench = block.Bench(dut)
    await bench.start()
    width = bench.ports.described["increments"]["fields"]["samples"]["width"]
    fields = bench.ports.described["counts"]["fields"]
    assert list(fields) == list(COUNTERS), "the counters are not those of the golden model"
    expected = dict.fromkeys(COUNTERS, start)
    equal("counts", bench.ports.read("counts"), expected)
    for _ in range(cycles):
        increments = dict(zip(COUNTERS, map(int, bench.integers(0, (1 << width) - 1, len(COUNTERS))), strict=True))
        bench.ports.write("increments", increments)
        await bench.clock.step()
        for name, increment in increments.items():
            expected[name] = (expected[name] + increment) % (1 << COUNTER_BITS)
        equal("counts", bench.ports.read("counts"), expected)


@cocotb.test()
async def adds_in_every_cycle(dut: HierarchyObject) -> None:
    """All counters start at 0, take any increment in every cycle and show it in the next."""
    await _count(dut, 0, 200)


@cocotb.test()
async def wraps(dut: HierarchyObject) -> None:
    """A counter beyond the end of its range goes on from 0, without a carry into its neighbour."""
    await _count(dut, _ALMOST_FULL, 100)
