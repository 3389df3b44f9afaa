"""Register bank against its golden twin in every cycle, and against the register map word by word."""

from dataclasses import replace

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.accesses import random_request
from cocotb_tests.kit.checkers import equal
from gen import register_map
from golden.bus.register_bank import REFUSALS, Answer, RegisterBank, Request
from golden.bus.register_map import WORD, Field, Kind, Place
from golden.config import MachineConfig, TrainingParameters
from sim import block_bench
from sim.drivers import Regime
from sim.manifest_reader import pack

_ONES = (1 << 32) - 1


def _most_layers(config: MachineConfig) -> MachineConfig:
    """As many layers as can have a register."""
    update_shifts = (config.pulse.nu_bits,) * register_map.MAX_LAYERS
    training: TrainingParameters = replace(config.training, update_shifts=update_shifts)
    return replace(config, layers=(2,) * (register_map.MAX_LAYERS + 1), training=training)


@pytest.mark.parametrize("config", configs.cases(1))
def test_registers(config: MachineConfig) -> None:
    """All coroutines of this module; configurations differ in nothing but the number of layers."""
    block_bench.run("registers", config, __name__, tests=None if config == configs.tiny() else "random_accesses")


def test_most_layers() -> None:
    """A map that is full."""
    block_bench.run("registers", _most_layers(configs.tiny()), __name__, tests="random_accesses|every_address")


class _Bank:
    """The block beside its golden twin: outputs are compared in every cycle, answers as they come."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime = Regime.FLOWING) -> None:
        self.bench = bench
        self.map = register_map.register_map(bench.config)
        self.golden = RegisterBank(self.map)
        ports = bench.ports
        self.statuses = list(self.golden.inputs)
        self.events = [register.port(part) for register in self.map.registers for part in register.events]
        self._pulses = [register.port(part) for register, part in self.map.fields() if part.kind is Kind.PULSE]
        self._pulses += REFUSALS
        #: What hardware does in every cycle: ports of events, and whether all registers are cleared.
        self.set: set[str] = set()
        self.clear = False
        self._pulsing: tuple[str, ...] = ()
        #: Values of the counters, and those that hardware shows: of the moment of a read as long as it waits.
        self.counts = {register.port(register.fields[0]): 0 for register in self.map.counters}
        self._shown = dict(self.counts)
        self._turn = 0
        self._sought: int | None = None
        #: Cycles in which answers are first there.
        self._due: list[int] = []
        self._expected: list[Answer] = []
        self._source, self._requests = bench.source("request", regime)
        self.answers = bench.sink("answer", regime)
        self._sent: list[Request] = []
        assert set(ports.names("output")) == {
            *("request__ready", "answer__valid", "answer__payload"),
            *(port for port in self.golden.outputs if port not in self.events),
            *(register.name.lower() for register in self.map.registers if register.events),
            *self._pulses,
        }
        bench.each_cycle(self._drive, self._sample)

    def send(self, request: Request) -> None:
        """Queue an access."""
        self._sent.append(request)
        self._source.send(
            {
                "word": request.address // WORD,
                "data": request.data,
                "strobes": request.strobes,
                "write": request.write,
            }
        )

    async def access(self, request: Request) -> tuple[int, int]:
        """Make an access; return what was read, and whether it was refused."""
        self.send(request)
        await self.finish()
        answer = self.answers.values[-1]
        return answer["data"], answer["error"]

    async def finish(self) -> None:
        """Let all accesses be answered."""
        await self.bench.clock.until(lambda: len(self.answers.transfers) == len(self._sent))

    async def read(self, address: int) -> int:
        """Read what can be read."""
        value, error = await self.access(Request(address))
        assert not error, f"a read of {address:#x} was refused"
        return value

    async def write(self, address: int, value: int, strobes: int = 15) -> None:
        """Write what can be written."""
        answer = await self.access(Request(address, True, value, strobes))
        assert answer == (0, 0), f"a write of {address:#x} was refused or read something"

    def give(self, port: str, value: int) -> None:
        """Hardware gives a value."""
        self.golden.inputs[port] = value
        if port in self.counts:
            self.counts[port] = value
        else:
            self.bench.ports.write(port, value)

    def _drive(self, cycle: int) -> None:
        for port in self.events:
            self.bench.ports.write(port, port in self.set)
        self.bench.ports.write("clear", self.clear)
        if self._sought is None:
            self._shown = dict(self.counts)
        # any order, but so that no read waits for long
        self._turn = int(self.bench.rng.integers(len(self._shown)))
        if self._sought is not None and self.bench.rng.random() < 0.3:
            self._turn = self._sought
        self.bench.ports.write("counter", self._turn)
        self.bench.ports.write("count", list(self._shown.values())[self._turn])

    def _outputs(self) -> dict[str, int]:
        """Bits of all outputs but the streams'."""
        outputs = dict.fromkeys(self._pulses, 0) | dict.fromkeys(self._pulsing, 1)
        described = self.bench.ports.described
        for port, values in self.golden.outputs.items():
            if port not in self.events:
                outputs[port] = pack(described[port], values if len(values) > 1 else values[0])
        for register in self.map.registers:
            if register.events:
                bits = [self.golden.outputs[register.port(part)][0] for part in register.events]
                outputs[register.name.lower()] = sum(bit << at for at, bit in enumerate(bits))
        return outputs

    def _sample(self, cycle: int) -> None:
        ports = self.bench.ports
        expected = self._outputs()
        outputs = {port: ports.bits(port) for port in expected}
        if outputs != expected:
            equal(f"cycle {cycle}: ", outputs, expected)
        request = None
        if ports.bits("request__valid") and ports.bits("request__ready"):
            payload = ports.read("request__payload")
            request = Request(WORD * payload["word"], bool(payload["write"]), payload["data"], payload["strobes"])
        if self._turn == self._sought:
            self._due.append(cycle + 1)
            self._sought = None
        answer = self.golden.step(request, self.set, self.clear)
        if request is not None:
            place = self.map.places.get(request.word)
            if place and place.register.buffered and not place.word and not request.write:
                self._sought = self.map.counters.index(place.register)
            else:
                self._due.append(cycle + 1)
        self._pulsing = answer.pulses if answer else ()
        if answer:
            self._expected.append(answer)

    def check(self) -> None:
        """Compare all answers, and when they were first there: a cycle after the request, or the counter's turn."""
        answers = [{"data": answer.data, "error": bool(answer.refusal)} for answer in self._expected]
        equal("answers", self.answers.values, answers)
        equal("cycles of answers", self.answers.offered, self._due)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def random_accesses(dut: HierarchyObject, regime: Regime) -> None:
    """Accesses of all kinds, while hardware changes what it gives, sets events and clears all registers."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench, regime)
    rng = bench.rng
    for _ in range(600):
        bank.send(random_request(bank.map, rng))
    while len(bank.answers.transfers) < 600:
        for port in rng.choice(bank.statuses, 3, replace=False):
            bank.give(str(port), bench.ports.random_bits("count" if port in bank.counts else str(port), rng))
        bank.set = set(rng.choice(bank.events, int(rng.integers(1, 6)))) if rng.random() < 0.5 else set()
        bank.clear = bool(rng.random() < 0.02)
        await bench.clock.step()
    bank.check()


async def _walk_status(bank: _Bank, address: int, place: Place, part: Field) -> None:
    """A field that hardware gives: each of its bits is where the map says, and nowhere else."""
    bits_here = [1 << bit for bit in range(part.width) if part.lsb + bit >> 5 == place.word]
    for bits in (*bits_here, 1 << part.width - 1, 0):
        bank.give(place.register.port(part), bits)
        if place.register.buffered and place.word:
            await bank.read(address - 4)
        equal(f"{part.name} at {address:#x}", await bank.read(address), _word(place, bits << part.lsb))


async def _walk_setting(bank: _Bank, address: int, part: Field, others: int) -> None:
    """A field that the host sets: each of its bits can be 1 alone, and each byte is written by its strobe alone."""
    for bit in range(part.width):
        await bank.write(address, 1 << part.lsb + bit)
        equal(f"{part.name} at {address:#x}", await bank.read(address), 1 << part.lsb + bit)
    for strobes in range(16):
        mask = Request(0, strobes=strobes).mask
        await bank.write(address, 0)
        await bank.write(address, _ONES, strobes)
        equal(f"{part.name}, strobes {strobes}", await bank.read(address) & part.mask, mask & part.mask)
        await bank.write(address, part.mask | others)
        await bank.write(address, 0, strobes)
        equal(f"{part.name}, strobes {strobes}", await bank.read(address) & part.mask, part.mask & ~mask)
    await bank.write(address, part.reset << part.lsb)


async def _walk_pulse(bank: _Bank, address: int, place: Place, part: Field) -> None:
    """A field that pulses: one cycle of 1 after a written 1 with its strobe; it reads 0."""
    seen: list[int] = []
    bank.bench.each_cycle(sample=lambda _: seen.append(bank.bench.ports.read(place.register.port(part))))
    for data, strobes, pulses in ((1, 15, 1), (0, 15, 0), (1, 15 & ~(1 << part.lsb // 8), 0)):
        seen.clear()
        await bank.write(address, data << part.lsb, strobes)
        equal(f"{part.name} reads", await bank.read(address) & part.mask, 0)
        equal(f"cycles of {part.name}", sum(seen), pulses)
    await bank.write(address, 0)


async def _walk_event(bank: _Bank, address: int, place: Place, part: Field) -> None:
    """A field that hardware sets: it stays, 0 leaves it, 1 clears it, but not without its strobe."""
    bank.set = {place.register.port(part)}
    await bank.bench.clock.step()
    bank.set = set()
    without = 15 & ~(1 << part.lsb // 8)
    for data, strobes, stays in ((0, 15, 1), (_ONES & ~part.mask, 15, 1), (_ONES, without, 1), (part.mask, 15, 0)):
        equal(f"{part.name} is set", await bank.read(address), part.mask)
        await bank.write(address, data, strobes)
        equal(f"{part.name}, {data:#x} was written", await bank.read(address), part.mask * stays)


def _word(place: Place, value: int) -> int:
    return value >> 32 * place.word & _ONES


def _reset_value(place: Place) -> int:
    return _word(place, sum(part.reset << part.lsb for part in place.register.fields))


@cocotb.test()
async def walk(dut: HierarchyObject) -> None:
    """Every field of every register: value after reset, who may change it and how, bits beside it."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    for address, place in bank.map.places.items():
        equal(f"value of {address:#x} after reset", await bank.read(address), _reset_value(place))
    for address, place in bank.map.places.items():
        register = place.register
        settings = sum(part.mask for part in register.fields if part.kind is Kind.SETTING)
        if register.writable:
            await bank.write(address, _ONES)
            equal(f"bits of {address:#x} that keep 1", await bank.read(address), settings)
            await bank.write(address, 0)
        else:
            equal(f"write of {address:#x}", await bank.access(Request(address, True, _ONES)), (0, 1))
        for part in register.fields:
            if part.kind is Kind.STATUS:
                await _walk_status(bank, address, place, part)
            elif part.kind is Kind.SETTING:
                await _walk_setting(bank, address, part, settings)
            elif part.kind is Kind.PULSE:
                await _walk_pulse(bank, address, place, part)
            elif part.kind is Kind.EVENT:
                await _walk_event(bank, address, place, part)
        equal(f"value of {address:#x} in the end", await bank.read(address), _reset_value(place))
    bank.check()


@cocotb.test()
async def every_address(dut: HierarchyObject) -> None:
    """Reads and writes of all words, and writes of no byte: which are refused, why, and that these change nothing."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    pulses: list[tuple[int, ...]] = []
    bench.each_cycle(sample=lambda _: pulses.append(tuple(bench.ports.read(reason) for reason in REFUSALS)))
    before = bank.golden.state
    for address in range(0, 1 << 10, WORD):
        place = bank.map.places.get(address)
        writable = bool(place and place.register.writable)
        for write, strobes in ((False, 0), (True, 0), *(() if writable else ((True, 15), (True, 1)))):
            pulses.clear()
            data, error = await bank.access(Request(address, write, _ONES, strobes))
            matters = not write or bool(strobes)
            reasons = (matters and place is None, matters and write and place is not None and not writable)
            equal(f"error at {address:#x}", error, any(reasons))
            equal(f"reasons at {address:#x}", [sum(times) for times in zip(*pulses, strict=True)], reasons)
            if write or error:
                equal(f"read at {address:#x}", data, 0)
    assert bank.golden.state == before
    for address, place in bank.map.places.items():
        equal(f"value of {address:#x}", await bank.read(address), _reset_value(place))
    bank.check()


@cocotb.test()
async def throughput(dut: HierarchyObject) -> None:
    """Requests are taken every 2 cycles, and answered in the next."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    others = [address for address, place in bank.map.places.items() if not place.register.buffered]
    for at in range(20):
        bank.send(Request(others[at % len(others)]))
    await bank.finish()
    equal("cycles of answers", bank.answers.cycles, range(1, 41, 2))
    bank.check()


@cocotb.test()
async def counters(dut: HierarchyObject) -> None:
    """The two words of a counter are of the same moment; the copy of the high word is shared, and only they use it."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    low, high = 0xFFFF_FFFF, 0x1234
    registers_ = bank.map.counters
    for register, other in zip(registers_, registers_[1:] + registers_[:1], strict=True):
        port, another = register.port(register.fields[0]), other.port(other.fields[0])
        bank.give(port, high << 32 | low)
        bank.give(another, 0xABCD_0000_0005)
        equal("low word", await bank.read(register.address), low)
        bank.give(port, high + 1 << 32)  # it has counted on
        await bank.access(Request(0x3FC))  # a refused access copies nothing
        await bank.access(Request(other.address, True, _ONES))
        equal("design", await bank.read(bank.map["DESIGN"].address + 4), 0)  # two words, but no copy
        equal("high word", await bank.read(register.address + 4), high)
        equal("high word of another", await bank.read(other.address + 4), high)
        equal("low word of another", await bank.read(other.address), 5)
        equal("high word after it", await bank.read(register.address + 4), 0xABCD)
    bank.check()


@cocotb.test()
async def same_cycle(dut: HierarchyObject) -> None:
    """In the cycle of a write, hardware sets what the write clears; in that of a read, the read is the earlier one."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    for register in bank.map.registers:
        for part in register.events:
            port = register.port(part)
            for _ in range(2):  # not set before, and set before
                bank.set = {port}
                bank.send(Request(register.address, True, _ONES))
                await bench.clock.step()
                bank.set = set()
                await bank.finish()
                equal(port, await bank.read(register.address), part.mask)
            await bank.write(register.address, _ONES)
            bank.set = {port}
            bank.send(Request(register.address))
            await bench.clock.step()
            bank.set = set()
            await bank.finish()
            equal(f"read beside {port}", bank.answers.values[-1]["data"], 0)
            equal(f"read after {port}", await bank.read(register.address), part.mask)
            await bank.write(register.address, _ONES)
    bank.check()


@cocotb.test()
async def clear(dut: HierarchyObject) -> None:
    """All registers return to their reset values, whatever else happens in the same cycle; the access is answered."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bank = _Bank(bench)
    writable = [address for address, place in bank.map.places.items() if place.register.writable]
    counter = bank.map.counters[0]
    bank.give(counter.port(counter.fields[0]), 0x55 << 32)
    for beside in [None, *writable]:
        for address in writable:
            await bank.write(address, _ONES)
        await bank.read(counter.address)
        bank.set = set(bank.events)
        await bench.clock.step()
        bank.set, bank.clear = set(bank.events), True
        if beside is not None:
            bank.send(Request(beside, True, _ONES))
        await bench.clock.step()
        bank.set, bank.clear = set(), False
        await bank.finish()
        for address in writable:
            equal(f"value of {address:#x}", await bank.read(address), _reset_value(bank.map.places[address]))
        equal("copy of the high word", await bank.read(counter.address + 4), 0)
    # nor does a read that waits copy anything any more; one that is over has, until then
    kept = set()
    for wait in range(24):
        bank.send(Request(counter.address))
        await bench.clock.step(wait % 8)
        bank.clear = True
        await bench.clock.step()
        bank.clear = False
        await bank.finish()
        if wait % 2:
            await bank.read(counter.address)
        kept.add(await bank.read(counter.address + 4))
    assert kept == {0, 0x55}
    # a refused access in the cycle of a clear is refused all the same, and says so
    bank.clear = True
    bank.send(Request(0x3FC))
    await bench.clock.step()
    bank.clear = False
    await bank.finish()
    equal("error", bank.answers.values[-1], {"data": 0, "error": 1})
    bank.check()
