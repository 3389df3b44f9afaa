"""AXI4-Lite slave with the golden register bank behind it."""

from itertools import pairwise
from typing import Any

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.triggers import Timer

from cocotb_tests.kit import configs
from cocotb_tests.kit.axi_lite import OKAY, SLVERR, AxiLiteChannels, AxiLiteMonitor
from cocotb_tests.kit.checkers import equal
from gen import register_map
from golden.bus.register_bank import Answer, RegisterBank, Request
from golden.bus.register_map import WORD
from sim import block_bench
from sim.drivers import Regime
from sim.monitors import StreamMonitor


def test_axi_lite() -> None:
    """All coroutines of this module."""
    block_bench.run("axi_lite", configs.tiny(), __name__)


class _Bank:
    """A register bank: takes a request when it pleases, answers it when it pleases, as fast as the real one at best."""

    def __init__(self, bench: block_bench.BlockBench, hurry: bool) -> None:
        self._ports, self._rng, self._hurry = bench.ports, bench.rng, hurry
        self.golden = RegisterBank(register_map.register_map(bench.config))
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self._answer: Answer | None = None
        self._delay = 0

    def drive(self, cycle: int) -> None:
        """Offer the answer when it is time; else be ready for a request."""
        offered = self._answer is not None and self._delay == 0
        self._ports.write("answer__valid", offered)
        if offered and self._answer is not None:
            payload = {"data": self._answer.data, "error": bool(self._answer.refusal)}
            self._ports.write("answer__payload", payload)
        else:
            self._ports.write_bits("answer__payload", self._ports.random_bits("answer__payload", self._rng))
        ready = self._answer is None and (self._hurry or self._rng.random() < 0.5)
        self._ports.write("request__ready", ready)

    def sample(self, cycle: int) -> None:
        """Take a request, see the answer taken."""
        if self._delay:
            self._delay -= 1
        elif self._answer is not None and self._ports.bits("answer__ready"):
            self.answers.append(self._answer)
            self._answer = None
        if self._ports.bits("request__valid") and self._ports.bits("request__ready"):
            payload = self._ports.read("request__payload")
            request = Request(WORD * payload["word"], bool(payload["write"]), payload["data"], payload["strobes"])
            self.requests.append(request)
            self._answer = self.golden.access(request)
            self._delay = 0 if self._hurry else int(self._rng.integers(0, 6))


class _Slave:
    """The slave between the bus and such a bank."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime, hurry: bool = True) -> None:
        self.bench = bench
        self.bank = _Bank(bench, hurry)
        self.channels = AxiLiteChannels(bench.dut, regime, bench.rng)
        self.monitor = AxiLiteMonitor(bench.ports)
        self._requests = StreamMonitor(bench.ports, "request")
        bench.add(self.bank, self.monitor, self._requests)

    def done(self, channel: str) -> int:
        """Transfers of a channel so far."""
        return len(self.monitor.transfers[channel])

    async def until(self, **counts: int) -> None:
        """Let cycles pass until channels have had so many transfers."""
        await self.bench.clock.until(lambda: all(self.done(channel) >= count for channel, count in counts.items()))

    def check(self, reads: list[Request], writes: list[Request]) -> None:
        """Check that requests of each direction are those of the bus, and that each response is its answer."""
        for write, sent in ((False, reads), (True, writes)):
            made = [request for request in self.bank.requests if request.write == write]
            seen = [(r.word, (r.data, r.strobes) if write else None) for r in made]
            assert seen == [(r.word, (r.data, r.strobes) if write else None) for r in sent]
        pairs = list(zip(self.bank.requests, self.bank.answers, strict=True))
        answers = [answer for request, answer in pairs if not request.write]
        responses = [(answer.data, SLVERR if answer.refusal else OKAY) for answer in answers]
        equal("read responses", self.monitor.values("r"), responses)
        answers = [answer for request, answer in pairs if request.write]
        equal("write responses", self.monitor.values("b"), [SLVERR if answer.refusal else OKAY for answer in answers])
        assert not self.bench.ports.bits("request__valid")


def _random(bench: block_bench.BlockBench, write: bool) -> Request:
    address, data = int(bench.rng.integers(0, 1 << 10)), int(bench.rng.integers(1 << 32))
    return Request(address, write, data, int(bench.rng.integers(16)))


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES, hurry=(True, False))
async def traffic(dut: HierarchyObject, regime: Regime, hurry: bool) -> None:
    """Reads and writes at the same time: each direction keeps its order, nothing is lost, made twice or mixed up."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    slave = _Slave(bench, regime, hurry)
    reads = [_random(bench, False) for _ in range(250)]
    writes = [_random(bench, True) for _ in range(250)]
    for request in reads:
        slave.channels.read(request.address, int(bench.rng.integers(8)))
    for request in writes:
        slave.channels.write(request.address, request.data, request.strobes, int(bench.rng.integers(8)))
    await slave.until(r=len(reads), b=len(writes))
    await bench.clock.step(10)
    slave.check(reads, writes)
    if regime is Regime.FLOWING:  # there is always one of each: they take turns
        turns = [request.write for request in slave.bank.requests]
        assert all(one != other for one, other in pairwise(turns[1:-1])), turns


@cocotb.test()
async def speed(dut: HierarchyObject) -> None:
    """A response is offered 4 cycles after the last part of its access was taken; an access takes 3 cycles."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    slave = _Slave(bench, Regime.FLOWING)
    for first, second in (("aw", "w"), ("w", "aw")):  # address first, data first
        done = slave.done("b")
        channels = slave.channels
        source = getattr(channels, second)
        source.pause = True
        channels.write(0x1C, 7)
        await bench.clock.step(20)
        assert slave.done(first) == done + 1
        assert slave.done(second) == slave.done("b") == done
        source.pause = False
        await slave.until(b=done + 1)
        took = slave.monitor.offered["b"][-1] - slave.monitor.transfers[second][-1].cycle
        equal("cycles from write to response", took, 4)
    for address in range(0, 160, 4):
        slave.channels.read(address)
    await slave.until(r=40)
    offered = slave.monitor.offered["r"]
    equal("cycles from read to response", offered[0] - slave.monitor.transfers["ar"][0].cycle, 4)
    equal("cycles of responses", offered, range(offered[0], offered[0] + 120, 3))
    equal("cycles of responses taken", [transfer.cycle for transfer in slave.monitor.transfers["r"]], offered)


@cocotb.test()
async def directions_are_independent(dut: HierarchyObject) -> None:
    """A response that is not taken, and a write of which half is missing, hold up nothing of the other direction."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    slave = _Slave(bench, Regime.FLOWING)
    channels = slave.channels
    channels.b.pause = True
    for _ in range(5):
        channels.write(0x1C, 1)
    for _ in range(20):
        channels.read(0x1C)
    await slave.until(r=20)
    await bench.clock.step(50)
    # one response stands, and what can be taken ahead is taken: the second write
    equal("writes taken", (slave.done("aw"), slave.done("w"), slave.done("b")), (2, 2, 0))
    channels.b.pause = False
    await slave.until(b=5)

    channels.r.pause = True
    for _ in range(5):
        channels.read(0x1C)
    for _ in range(20):
        channels.write(0x1C, 1)
    await slave.until(b=25)
    await bench.clock.step(50)
    equal("reads taken", (slave.done("ar"), slave.done("r")), (22, 20))
    channels.r.pause = False
    await slave.until(r=25)

    for half in (channels.aw, channels.w):
        half.pause = True
        for _ in range(3):
            channels.write(0x20, 2)
        reads, writes = slave.done("r"), slave.done("b")
        for _ in range(20):
            channels.read(0x1C)
        await slave.until(r=reads + 20)
        equal("writes while half is missing", slave.done("b"), writes)
        half.pause = False
        await slave.until(b=writes + 3)


@cocotb.test()
async def outputs_from_registers(dut: HierarchyObject) -> None:
    """No output of the bus, nor of the streams, depends on an input of the same cycle."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    ports = bench.ports
    inputs = [name for name in ports.names("input") if name not in ("clk", "rst")]
    outputs = ports.names("output")
    responses = unanswered = 0
    for cycle in range(600):
        seen = []
        for _ in range(4):
            for name in inputs:
                ports.write_bits(name, ports.random_bits(name, bench.rng))
            ports.write("answer__valid", unanswered)  # exactly one answer for every request
            await Timer(1, "ns")
            seen.append({name: ports.bits(name) for name in outputs})
        assert all(values == seen[0] for values in seen), f"cycle {cycle}: {seen}"
        if unanswered and seen[0]["answer__ready"]:
            unanswered = 0
        elif seen[0]["request__valid"] and ports.bits("request__ready"):
            unanswered = 1
        responses += seen[0]["s_axi_bvalid"] + seen[0]["s_axi_rvalid"]
        await bench.clock.step()
    assert responses > 50


@cocotb.test()
async def reset(dut: Any) -> None:
    """During reset nothing is taken and nothing is offered, whatever was under way."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    ports = bench.ports
    handshakes = ["s_axi_awready", "s_axi_wready", "s_axi_arready", "s_axi_bvalid", "s_axi_rvalid", "request__valid"]
    for _ in range(30):
        for _ in range(int(bench.rng.integers(1, 12))):
            for name in ports.names("input"):
                if name not in ("clk", "rst"):
                    ports.write_bits(name, ports.random_bits(name, bench.rng))
            await bench.clock.step()
        dut.rst.value = 1
        await bench.clock.step()
        for _ in range(2):
            await Timer(1, "ns")
            equal("handshakes in reset", {name: ports.bits(name) for name in handshakes}, dict.fromkeys(handshakes, 0))
            await bench.clock.step()
        dut.rst.value = 0
        await bench.clock.step()
        equal("ready", [ports.bits(name) for name in handshakes], [1, 1, 1, 0, 0, 0])
