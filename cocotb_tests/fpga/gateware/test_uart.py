"""UART: bytes over a line whose other end is a little off, and what is no byte."""

import json

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from sim import block_bench

#: Clock cycles of a bit that are tested.
CYCLES = (4, 24)


def _run(kind: str, cycles: int) -> None:
    """Run the coroutines of one of the two blocks."""
    from fpga.gateware.uart import Receiver, Transmitter
    from gen import manifest, verilog

    component = {"receiver": Receiver, "transmitter": Transmitter}[kind](cycles)
    content = {
        "top": kind,
        "cycles": cycles,
        **manifest.parameters(configs.tiny()),
        "modules": {kind: {"file": f"{kind}.v", "ports": manifest.ports(component)}},
    }
    files = {f"{kind}.v": verilog.convert(component, kind), "files.f": f"{kind}.v\n"}
    block_bench.run_files(files | {"manifest.json": json.dumps(content)}, __name__, tests=f"{kind}_.*")


@pytest.mark.parametrize("cycles", CYCLES)
def test_receiver(cycles: int) -> None:
    """All coroutines of the receiver."""
    _run("receiver", cycles)


@pytest.mark.parametrize("cycles", CYCLES)
def test_transmitter(cycles: int) -> None:
    """All coroutines of the transmitter."""
    _run("transmitter", cycles)


def test_divider() -> None:
    """Cycles of a bit, and clocks that do not give a baud."""
    from fpga.gateware.uart import divider

    assert [divider(mhz * 1e6, 1_000_000) for mhz in (12, 24, 27, 100)] == [12, 24, 27, 100]
    assert divider(100e6, 3_000_000) == 33
    with pytest.raises(ValueError, match=r"^a clock of 12 MHz gives 2400000 baud, more than 2% from 2500000: choose 2"):
        divider(12e6, 2_500_000)
    for baud in (0, 7_000_000, 12_000_000):
        with pytest.raises(ValueError, match=rf"^baud must be 1 .. 6000000 at a clock of 24 MHz, not {baud}$"):
            divider(24e6, baud)


class _Line:
    """Levels of the line to a receiver, each for a number of cycles that need not be whole; notes what comes."""

    def __init__(self, bench: block_bench.BlockBench, bit: float) -> None:
        self.bench, self._bit = bench, bit
        self.received: list[int] = []
        self._changes: list[tuple[float, int]] = []
        self._at = 2.0
        bench.ports.write("rx", 1)
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        while self._changes and self._changes[0][0] <= cycle:
            self.bench.ports.write("rx", self._changes.pop(0)[1])

    def _sample(self, cycle: int) -> None:
        if self.bench.ports.read("received"):
            self.received.append(self.bench.ports.read("byte"))

    def level(self, level: int, bits: float) -> None:
        """Hold a level."""
        self._changes.append((self._at, level))
        self._at += bits * self._bit

    def byte(self, byte: int, stop: int = 1) -> None:
        """Send a byte."""
        for level in (0, *(byte >> n & 1 for n in range(8)), stop):
            self.level(level, 1)

    async def end(self) -> None:
        """Let all of it pass."""
        self.level(1, 2)
        await self.bench.clock.step(int(self._at) - self.bench.clock.cycle + 8)


async def _line(dut: HierarchyObject, off: float = 0.0) -> _Line:
    bench = block_bench.BlockBench(dut)
    await bench.start()
    return _Line(bench, bench.manifest["cycles"] * (1 + off))


@cocotb.test()
@cocotb.parametrize(off=(-0.04, -0.02, 0.0, 0.02, 0.04))
async def receiver_takes_bytes(dut: HierarchyObject, off: float) -> None:
    """Bytes without a pause between, the other end up to 4 % off, where a bit is long enough to be that."""
    line = await _line(dut, off)
    if line.bench.manifest["cycles"] < 12 and off:
        return
    sent = [int(byte) for byte in line.bench.rng.permutation(256)[:60]]
    for byte in sent:
        line.byte(byte)
        line.level(1, float(line.bench.rng.choice([0, 0, 0.3, 5.7])))
    await line.end()
    equal("bytes", line.received, sent)


@cocotb.test()
async def receiver_drops_what_is_no_byte(dut: HierarchyObject) -> None:
    """Breaks, short and long, a missing stop bit and a spike; the byte behind each of them comes."""
    line = await _line(dut)
    sent = []
    for number, bits in enumerate((10, 10.5, 25, 300)):
        line.level(0, bits)
        line.level(1, 1)
        line.byte(number)
        sent.append(number)
    line.byte(0x55, stop=0)
    line.level(1, 12)
    line.byte(0xAA)
    line.level(1, 3)
    line.level(0, 0.3)
    line.level(1, 12)
    line.byte(0x3C)
    await line.end()
    equal("bytes", line.received, [*sent, 0xAA, 0x3C])


@cocotb.test()
async def transmitter_gives_bytes(dut: HierarchyObject) -> None:
    """Every bit has its cycles, a byte its start and stop bit; the line is high before, between and after."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    cycles = bench.manifest["cycles"]
    source, monitor = bench.source("bytes", block_bench.Regime.RANDOM)
    levels: list[int] = []
    bench.each_cycle(sample=lambda _: levels.append(bench.ports.read("tx")))
    sent = [int(byte) for byte in bench.rng.integers(0, 256, 40)]
    for byte in sent:
        source.send(byte)
    await bench.clock.until(lambda: len(monitor.transfers) == len(sent), 40 * 12 * cycles + 4000)
    await bench.clock.step(12 * cycles)
    found, at = [], 0
    while 0 in levels[at:]:
        at += levels[at:].index(0)
        bits = np.array(levels[at : at + 10 * cycles]).reshape(10, cycles)
        assert (bits == bits[:, :1]).all(), f"a bit is not {cycles} cycles long at cycle {at}"
        assert bits[9, 0] == 1, f"no stop bit at cycle {at}"
        found.append(int(bits[1:9, 0] @ (1 << np.arange(8))))
        at += 10 * cycles
    equal("bytes", found, sent)
