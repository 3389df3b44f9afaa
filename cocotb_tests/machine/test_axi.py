"""The whole block on its bus: with the masters of cocotbext-axi, and under random traffic; golden block beside it."""

import json
from pathlib import Path
from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from cocotb_tests.kit import configs
from cocotb_tests.kit.axi_lite import AxiLiteMonitor, quiet
from cocotb_tests.kit.checkers import equal
from cocotb_tests.kit.random_data import random_samples
from gen import generated, register_map, verilog
from golden.bus import packets as packet_format
from golden.bus.axi import BusBlock
from golden.bus.register_bank import Answer
from golden.input_buffer import word_bytes
from golden.sequencer import HostOp
from sim import block_bench, bus_traffic, runner
from sim.drivers import Regime, sink_pattern, source_pattern

#: Most accesses to STATUS until a command has ended, under any regime.
_PATIENCE = 2000
_BUSY_WAITING = 3

#: Accesses of random traffic to each machine: by `make test`, and by `make test-full` under each chance of a pause.
_FEW, _MANY = 3000, 18_000


def test_axi() -> None:
    """All coroutines of this module."""
    files = generated.machine(configs.tiny(), "axi")
    described = json.loads(files["manifest.json"]) | {"top": verilog.AXI}
    block_bench.run_files(files | {"manifest.json": json.dumps(described)}, __name__)


def _traffic(tmp_path: Path, name: str, transactions: int, stalls: float) -> bus_traffic.TrafficOutcome:
    """Let random traffic run on a machine of `make integration`."""
    config = bus_traffic.machines(runner.seed())[name]
    verilog.write(generated.machine(config, name), tmp_path)
    outcome = bus_traffic.traffic(config, tmp_path, transactions, stalls, runner.seed())
    assert (outcome.mismatch, outcome.hang, outcome.samples_lost) == ("", "", 0)
    assert outcome.tally.transactions >= transactions
    return outcome


@pytest.mark.skipif(block_bench.simulator() == "icarus", reason="the transport is a Verilated one")
@pytest.mark.parametrize("name", ["tiny-loadable", "random-1"])
def test_traffic(tmp_path: Path, name: str) -> None:
    """A host that does anything gets the same answers from RTL and golden block; most kinds of misuse have been."""
    tally = _traffic(tmp_path, name, _FEW, 0.3).tally
    assert min(tally.illegal_accesses, tally.bad_packets, tally.predictions, tally.dumped, tally.loads) > 0
    assert min(tally.narrow_accesses, tally.strobeless_writes) > 0
    assert len(tally.errors) >= 6


@pytest.mark.slow
@pytest.mark.skipif(block_bench.simulator() == "icarus", reason="the transport is a Verilated one")
@pytest.mark.parametrize("name", bus_traffic.machines(1))
def test_much_traffic(tmp_path: Path, name: str) -> None:
    """The same for all machines, 100000 accesses in all, which take minutes."""
    for stalls in bus_traffic.STALLS:
        _traffic(tmp_path, name, _MANY // len(bus_traffic.STALLS), stalls)


class _Pair:
    """The block and the golden block, which get the same."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        dut, rng = bench.dut, bench.rng
        self.bench, config = bench, bench.config
        self.golden = BusBlock(config, register_map.register_map(config), int(bench.manifest["design"], 16))
        self.address = {register.name: register.address for register in self.golden.bank.registers.registers}
        with quiet():
            self._axi: Any = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk)
            self._source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk)
            self._sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk)
        write, read = self._axi.write_if, self._axi.read_if
        assert write is not None
        assert read is not None
        for source in (write.aw_channel, write.w_channel, read.ar_channel, self._source):
            source.set_pause_generator(not go for go in source_pattern(regime, rng))
        for sink in (write.b_channel, read.r_channel, self._sink):
            sink.set_pause_generator(not go for go in sink_pattern(regime, rng))
        self.size = word_bytes(config.array.group)
        # words of a packet that has not ended
        self._open: list[int] = []

    async def read(self, address: int) -> int:
        """Read on both sides, all bytes of a word, or one byte in the middle of it."""
        answer, low = self.golden.read(address), address % 4
        size = 1 if low else 4
        got = await self._axi.read(address, size)
        self._answered(f"read of {address:#x}", got.resp, answer)
        expected = answer.data >> 8 * low & (1 << 8 * size) - 1
        equal(f"read of {address:#x}", int.from_bytes(got.data, "little"), expected)
        return answer.data

    async def write(self, address: int, value: int) -> None:
        """Write on both sides, likewise."""
        size = 4 if address % 4 == 0 else 1
        strobes = ((1 << size) - 1) << address % 4
        answer = self.golden.write(address, value << 8 * (address % 4), strobes)
        got = await self._axi.write(address, value.to_bytes(size, "little"))
        self._answered(f"write of {address:#x}", got.resp, answer)

    def _answered(self, what: str, response: AxiResp, answer: Answer) -> None:
        equal(what, response, AxiResp.SLVERR if answer.refusal else AxiResp.OKAY)

    async def set(self, **values: int) -> None:
        """Write registers by name."""
        for name, value in values.items():
            await self.write(self.address[name], value)

    async def send(self, packet: bytes) -> None:
        """Send a packet on both sides."""
        self._source.send_nowait(packet)
        numbers = self._numbers(packet)
        for at, word in enumerate(numbers):
            self.golden.send(word, at == len(numbers) - 1)

    def _numbers(self, data: bytes) -> list[int]:
        size = self.size
        return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]

    async def rest(self) -> None:
        """Wait until the block has nothing left to do, as the golden one; compare output, interrupt, STATUS."""
        status = _BUSY_WAITING * self.golden.busy
        for _ in range(_PATIENCE):
            got = await self._axi.read_dword(self.address["STATUS"])
            if got & _BUSY_WAITING == status and (self._source.idle() or self.golden.waiting):
                break
        else:
            raise AssertionError("the block does not come to rest")
        await self.read(self.address["STATUS"])
        equal("interrupt", self.bench.ports.read("irq"), int(self.golden.interrupt))
        packets = []
        for word, last in self.golden.output:
            self._open.append(word)
            if last:
                packets.append(self._open)
                self._open = []
        self.golden.output.clear()
        equal("packets", [self._numbers(bytes(self._sink.recv_nowait())) for _ in range(self._sink.count())], packets)

    async def command(self, op: HostOp, *packets: bytes) -> None:
        """Start a command, give it its packets, see it done."""
        await self.set(INTERRUPT=1, COMMAND=op, CONTROL=1)
        for packet in packets:
            await self.send(packet)
        await self.rest()

    async def everything(self) -> None:
        """Compare all registers, but for the time that was spent waiting, and all that can be dumped."""
        for address, place in self.golden.bank.registers.places.items():
            if place.register.name != "COUNTER_CYCLES_WAIT":
                await self.read(address)
        for op in (HostOp.DUMP_WEIGHTS, HostOp.DUMP_NEURONS):
            await self.command(op)

    def samples(self, count: int) -> list[bytes]:
        """Make samples."""
        samples = random_samples(self.bench.config, count, self.bench.rng)
        return packet_format.pack_samples(samples.trits, samples.labels, self.bench.config.array.group)

    def load(self, op: HostOp) -> bytes:
        """Make a packet of a load."""
        numbers = self.bench.integers(
            0, (1 << 2 * self.bench.config.array.group) - 1, self.bench.config.program.words[op]
        )
        return b"".join(int(number).to_bytes(self.size, "little") for number in numbers)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def whole(dut: HierarchyObject, regime: Regime) -> None:
    """Everything that a host does, right and wrong."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bench.add(AxiLiteMonitor(bench.ports))
    host = cocotb.start_soon(_host(_Pair(bench, regime)))
    await bench.clock.until(host.done, limit=400_000)
    host.result()


async def _host(pair: _Pair) -> None:
    config, address = pair.bench.config, pair.address
    await pair.set(ENABLE=3)
    await pair.command(HostOp.INIT_RANDOM)
    await pair.everything()
    # learn, in mini-batches of which the last one is shorter; predict
    for layer in range(len(config.geometry.layers)):
        await pair.write(address["UPDATE_SHIFT"] + 4 * layer, config.pulse.nu_bits + layer % 2)
    await pair.set(SAMPLES=10, BATCH=4)
    await pair.command(HostOp.TRAIN, *pair.samples(10))
    assert pair.golden.machine.counters["switches"] > 0
    await pair.everything()
    await pair.set(SAMPLES=3)
    await pair.command(HostOp.TEST, *pair.samples(3))
    # put something else in its place
    for op in (HostOp.LOAD_WEIGHTS, HostOp.LOAD_NEURONS):
        await pair.command(op, pair.load(op))
    await pair.everything()
    await pair.command(HostOp.TEST, *pair.samples(3))
    # accesses that are refused, and START while an error is pending
    await pair.set(INTERRUPT=1)
    await pair.read(0x3FC)
    await pair.write(address["ID"] + 1, 1)
    await pair.command(HostOp.INIT_RANDOM)
    assert await pair.read(address["ERROR"]) == 0b11 << 13
    await pair.set(ERROR=(1 << 16) - 1)
    # single bytes
    await pair.write(address["BATCH"] + 1, 0xFF)
    await pair.read(address["BATCH"] + 1)
    await pair.write(address["BATCH"] + 1, 0)
    await pair.read(address["STATUS"] + 1)
    await pair.read(address["VERSION"] + 2)
    assert await pair.read(address["ERROR"]) == 0
    await pair.rest()
    # a label that is no class, in the middle of a mini-batch: samples before it count, what follows is discarded
    samples = pair.samples(4)
    samples[2] = samples[2][: -pair.size] + config.sizes[-1].to_bytes(pair.size, "little")
    await pair.set(SAMPLES=4)
    await pair.command(HostOp.TRAIN, *samples)
    assert await pair.read(address["ERROR"]) == 1 << 9
    await pair.everything()
    await pair.set(ERROR=1 << 9)
    await pair.command(HostOp.TRAIN, *pair.samples(4))
    await pair.everything()
