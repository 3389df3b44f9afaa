"""Slave and register bank together, driven by cocotbext-axi."""

from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from cocotb_tests.kit import configs
from cocotb_tests.kit.accesses import random_request
from cocotb_tests.kit.axi_lite import OKAY, SLVERR, AxiLiteChannels, AxiLiteMonitor, quiet
from cocotb_tests.kit.checkers import equal
from gen import register_map
from golden.bus.register_bank import RegisterBank, Request
from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime
from sim.manifest_reader import pack

#: Accesses under each regime.
_ACCESSES = 1000
_ALL = (1 << 32) - 1


@pytest.mark.parametrize("config", configs.cases(1))
def test_axi_registers(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("axi_registers", config, __name__)


class _Orders:
    """States that the bank may be in after what was answered: reads and writes under way have no order of their own."""

    def __init__(self, golden: RegisterBank) -> None:
        self.banks = [golden]

    def explain(self, reads: list[Request], writes: list[Request], read: list[Any], written: list[int]) -> None:
        """Keep the states after those orders of the two directions that give these responses."""
        found: dict[tuple[object, ...], RegisterBank] = {}

        def go_on(bank: RegisterBank, at_read: int, at_write: int) -> None:
            if (at_read, at_write) == (len(reads), len(writes)):
                found[bank.state] = bank
            if at_read < len(reads):
                branch = bank.copy()
                answer = branch.access(reads[at_read])
                if read[at_read] == (answer.data, SLVERR if answer.refusal else OKAY):
                    go_on(branch, at_read + 1, at_write)
            if at_write < len(writes):
                branch = bank.copy()
                if written[at_write] == (SLVERR if branch.access(writes[at_write]).refusal else OKAY):
                    go_on(branch, at_read, at_write + 1)

        for bank in self.banks:
            go_on(bank, 0, 0)
        assert found, f"no order of {reads} and {writes} gives {read} and {written}"
        self.banks = list(found.values())

    def set(self, port: str) -> None:
        """Hardware sets an event."""
        for bank in self.banks:
            bank.step(events=(port,))

    def give(self, port: str, value: int) -> None:
        """Hardware gives a value."""
        for bank in self.banks:
            bank.inputs[port] = value


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def bursts(dut: HierarchyObject, regime: Regime) -> None:
    """Reads and writes under way at the same time: some order of them explains all responses, and the next ones."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    channels = AxiLiteChannels(dut, regime, bench.rng)
    monitor = AxiLiteMonitor(bench.ports)
    bench.add(monitor)
    golden = RegisterBank(register_map.register_map(bench.config))
    orders = _Orders(golden)
    # the level of ERROR and two of its bits are connected inside
    counts = {register.port(register.fields[0]): 0 for register in golden.registers.counters}
    statuses = [port for port in golden.inputs if port in bench.ports or port in counts]
    events = [port for port in bench.ports.names("input") if port in golden.outputs]
    assert (len(golden.inputs) - len(statuses), len(events)) == (1, 15 - 2 + 1)

    def turn(cycle: int) -> None:
        bench.ports.write("counter", cycle % len(counts))
        bench.ports.write("count", list(counts.values())[cycle % len(counts)])

    bench.each_cycle(turn)
    reads_done = writes_done = 0
    while reads_done + writes_done < _ACCESSES:
        for port in bench.rng.choice(statuses, 4, replace=False):
            value = bench.ports.random_bits("count" if port in counts else port, bench.rng)
            if port in counts:
                counts[port] = value
            else:
                bench.ports.write_bits(port, value)
            orders.give(port, value)
        if bench.rng.random() < 0.2:
            event = str(bench.rng.choice(events))
            bench.ports.write(event, 1)
            await bench.clock.step()
            bench.ports.write(event, 0)
            orders.set(event)
        requests = [random_request(golden.registers, bench.rng) for _ in range(int(bench.rng.integers(1, 7)))]
        for request in requests:
            prot = int(bench.rng.integers(8))
            if request.write:
                channels.write(request.address, request.data, request.strobes, prot)
            else:
                channels.read(request.address, prot)
        reads = [request for request in requests if not request.write]
        writes = [request for request in requests if request.write]
        await _responses(bench, monitor, reads_done + len(reads), writes_done + len(writes))
        orders.explain(reads, writes, monitor.values("r")[reads_done:], monitor.values("b")[writes_done:])
        reads_done += len(reads)
        writes_done += len(writes)
    assert min(reads_done, writes_done) > _ACCESSES // 4
    for port in bench.ports.names("output"):
        if port in golden.outputs:
            described = bench.ports.described[port]
            values = [bank.outputs[port] for bank in orders.banks]
            assert bench.ports.bits(port) in [pack(described, v if len(v) > 1 else v[0]) for v in values], port


async def _responses(bench: block_bench.BlockBench, monitor: AxiLiteMonitor, reads: int, writes: int) -> None:
    """Let cycles pass until so many responses were taken."""
    seen = monitor.transfers
    await bench.clock.until(lambda: (len(seen["r"]), len(seen["b"])) == (reads, writes))


@cocotb.test()
async def master(dut: HierarchyObject) -> None:
    """What a host does first, with the master of cocotbext-axi: identify, set, start, be refused, read the error."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bench.add(AxiLiteMonitor(bench.ports))
    with quiet():
        axi = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk)
    started: list[int] = []
    bench.each_cycle(sample=lambda cycle: started.append(cycle) if bench.ports.read("control_start") else None)
    host = cocotb.start_soon(_host(axi, register_map.register_map(bench.config), bench))
    await bench.clock.until(host.done)
    host.result()
    equal("cycles of start", len(started), 1)


async def _host(axi: Any, registers_: RegisterMap, bench: block_bench.BlockBench) -> None:
    address = {register.name: register.address for register in registers_.registers}
    assert await axi.read_dword(address["ID"]) == int.from_bytes(b"MTJG", "big")
    assert await axi.read_dword(address["VERSION"]) == 2 << 16
    bench.ports.write("design", 0x0123_4567_89AB_CDEF)
    assert await axi.read_qword(address["DESIGN"]) == 0x0123_4567_89AB_CDEF
    bench.ports.write("counter", registers_.counters.index(registers_["COUNTER_SAMPLES"]))
    bench.ports.write("count", 0x1234_5678_9ABC)
    assert await axi.read_qword(address["COUNTER_SAMPLES"]) == 0x1234_5678_9ABC
    # four bytes of two registers, so all but two of eight strobes: SAMPLES from 0x1C, BATCH from 0x20
    written = await axi.write(address["SAMPLES"] + 2, (0x5678_1234).to_bytes(4, "little"))
    # the master addresses the byte it begins with, as a processor does
    assert written.resp == AxiResp.OKAY
    assert await axi.read_dword(address["BATCH"]) == 0x5678
    assert await axi.read_dword(address["SAMPLES"]) == 0x1234_0000
    assert await axi.read_byte(address["SAMPLES"] + 3) == 0x12
    assert await axi.read_word(address["SAMPLES"] + 2) == 0x1234
    assert await axi.read_dword(address["ERROR"]) == 0
    await axi.read_dword(0x3FC)
    assert await axi.read_dword(address["ERROR"]) == 1 << 13
    assert await axi.read_dword(address["INTERRUPT"]) == 2
    await axi.write_dword(address["ERROR"], _ALL)
    assert await axi.read_dword(address["ERROR"]) == 0
    await axi.write_dwords(address["UPDATE_SHIFT"], [5] * registers_["UPDATE_SHIFT"].count)
    equal("update_shifts", bench.ports.read("update_shift"), [5] * registers_["UPDATE_SHIFT"].count)
    beyond = await axi.write(address["UPDATE_SHIFT"] + 4 * registers_["UPDATE_SHIFT"].count, bytes(4))
    assert beyond.resp == AxiResp.SLVERR
    assert (await axi.write(address["ID"], bytes(4))).resp == AxiResp.SLVERR
    assert await axi.read_dword(address["ERROR"]) == 3 << 13
    await axi.write_byte(address["CONTROL"], 1)


@cocotb.test()
async def clear_in_flight(dut: HierarchyObject) -> None:
    """A clear at any moment of an access: the access is answered all the same, and the registers have reset values."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    channels = AxiLiteChannels(dut, Regime.FLOWING, bench.rng)
    monitor = AxiLiteMonitor(bench.ports)
    bench.add(monitor)
    kept = []
    for after in range(12):
        value = 0x1111_1111 * (after + 1)
        channels.write(0x1C, value)
        await bench.clock.step(after)
        cleared = bench.clock.cycle
        bench.ports.write("clear", 1)
        await bench.clock.step()
        bench.ports.write("clear", 0)
        await _responses(bench, monitor, after, after + 1)
        channels.read(0x1C)
        await _responses(bench, monitor, after + 1, after + 1)
        # the bank has the request 2 cycles after the bus
        kept.append(monitor.transfers["w"][-1].cycle + 2 > cleared)
        equal("response", monitor.values("b")[-1], OKAY)
        equal(f"value, cleared after {after}", monitor.values("r")[-1], (value * kept[-1], OKAY))
    assert kept == sorted(kept, reverse=True)
    assert set(kept) == {False, True}
