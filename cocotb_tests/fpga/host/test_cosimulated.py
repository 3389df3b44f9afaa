"""The driver inside a cocotb simulation: the same as the golden machine, and as patient as it should be."""

import json

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject
from cocotb.task import bridge

from cocotb_tests.fpga.driver_fixture import TINY, random
from cocotb_tests.kit.random_data import random_samples
from fpga.host.cosimulated import Cosimulated
from fpga.host.driver import Driver
from fpga.host.register_access import MachineError
from gen import generated, verilog
from golden.bus.packets import pack_samples
from golden.bus.transport import BusError, TransportTimeout
from golden.input_buffer import word_bytes
from golden.machine import Machine
from sim import block_bench

UPDATE_SHIFTS = TINY.training.update_shifts


def test_cosimulated() -> None:
    """All coroutines of this module."""
    files = generated.machine(TINY, "tiny")
    described = json.loads(files["manifest.json"]) | {"top": verilog.AXI}
    block_bench.run_files(files | {"manifest.json": json.dumps(described)}, __name__)


async def _transport(bench: block_bench.BlockBench) -> Cosimulated:
    """Start a simulation."""
    await bench.start()
    return Cosimulated(bench.dut, word_bytes(bench.config.array.group))


@cocotb.test()
async def driver(dut: HierarchyObject) -> None:
    """Training, prediction, loads, dumps, counters; a label that is no class is an error, and training goes on."""
    bench = block_bench.BlockBench(dut)
    transport, golden = await _transport(bench), Machine(TINY)

    def use() -> None:
        """What a user does."""
        machine = Driver(transport, bench.manifest)
        machine.initialise()
        golden.initialise()
        samples = random_samples(TINY, 10, random(1))
        np.testing.assert_array_equal(machine.train(samples, 4, UPDATE_SHIFTS), golden.train(samples, 4, UPDATE_SHIFTS))
        r1, r2 = golden.dump_weights()
        for found, states in zip(machine.dump_weights(), (r1, r2), strict=True):
            np.testing.assert_array_equal(found, states)
        machine.load_weights(1 - r1, r2)
        golden.load_weights(1 - r1, r2)
        np.testing.assert_array_equal(machine.infer(samples), golden.test(samples))
        machine.write("SAMPLES", 1)
        transport.send(pack_samples(samples.trits[:1], np.array([3]), TINY.array.group))
        machine.write("COMMAND.OPERATION", "TEST")
        with pytest.raises(MachineError) as caught:
            machine.initialise()
        assert caught.value.names == ("LABEL",)
        np.testing.assert_array_equal(machine.train(samples, 3, UPDATE_SHIFTS), golden.train(samples, 3, UPDATE_SHIFTS))
        assert machine.counters() | {"cycles_wait": 0} == golden.counters
        with pytest.raises(BusError, match="SLVERR to a read of address 0x3fc"):
            transport.read(0x3FC)
        with pytest.raises(BusError, match="SLVERR to a write of address 0x0"):
            transport.write(0, 1)
        transport.write(machine_address(bench, "BATCH"), 0xABCD, 0b0010)
        assert machine.read("BATCH") == 0xAB00 | 3

    await _within(bench, use)
    transport.close()


@cocotb.test()
async def patience(dut: HierarchyObject) -> None:
    """What does not come is waited for, and then an error; buffers can be emptied."""
    bench = block_bench.BlockBench(dut)
    transport = await _transport(bench)

    def use() -> None:
        """Ask for what does not come."""
        with pytest.raises(TransportTimeout, match=r"0 of 1 bytes of output after 0\.01 s"):
            transport.receive(1, 0.01)
        assert not transport.wait(0.01)
        with pytest.raises(ValueError, match="a packet of 0 bytes is not one of whole words of 1 bytes"):
            transport.send([b""])
        transport.send([bytes(100)])
        assert transport.unsent() > 0
        transport.discard()
        assert (transport.unsent(), transport.received()) == (0, 0)

    await _within(bench, use)
    transport.close()


def machine_address(bench: block_bench.BlockBench, name: str) -> int:
    """Look an address up."""
    return bench.manifest["registers"][name]["address"]


async def _within(bench: block_bench.BlockBench, function: object) -> None:
    """Run a function in its thread while the clock ticks."""
    task = cocotb.start_soon(bridge(function)())  # type: ignore[arg-type]
    await bench.clock.until(task.done, limit=400_000)
    task.result()
