"""Neurons against their golden twin."""

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs, reference_packets
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.neuron import Neurons
from golden.sequencer import HostOp
from sim import block_bench
from sim.drivers import Regime, sink_pattern
from sim.manifest_reader import to_planes

#: Cycles from a request to the write of its state, when it fires; the centred sums are there a cycle earlier.
LATENCY = 3


@pytest.mark.parametrize("config", configs.cases())
def test_neuron(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("neuron", config, __name__, public=("states",))


@dataclass(frozen=True)
class _Request:
    """One request, what happens to the state, and what the golden model answers."""

    group: int
    sums: np.ndarray
    action: str
    errors: np.ndarray


class _Pair:
    """Hardware and golden model, given the same requests."""

    def __init__(self, bench: block_bench.BlockBench) -> None:
        self.bench, config = bench, bench.config
        self.groups, self.group = config.geometry.vector_groups, config.geometry.group
        self.sum_bits, self.limit = config.geometry.sum_bits, config.error.limit
        self.golden = Neurons(config.neuron, self.groups * self.group, self.sum_bits)
        #: Requests of the cycles before, the latest first; the third one's state is written in this cycle.
        self._pending: list[_Request | None] = [None] * LATENCY
        self.next: _Request | None = None
        #: What is there a cycle later than the other outputs.
        self._fired: dict[str, Any] = {}
        #: Address without a request, any for None.
        self.address: int | None = None
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        """A request in this cycle; whether the one that is answered fires; errors and action of the one before that."""
        ports, request, (_, answered, pending) = self.bench.ports, self.next, self._pending
        ports.write("request", request is not None)
        for port in ("sums", "errors"):
            ports.write_bits(port, ports.random_bits(port, self.bench.rng))
        ports.write("address", int(self.bench.rng.integers(0, self.groups)) if self.address is None else self.address)
        if request is not None:
            ports.write("address", request.group)
            ports.write("sums", request.sums)
        if pending is not None:
            ports.write("errors", pending.errors)
        # without a request these mean nothing
        noise = self.bench.rng.integers(0, 2, 3)
        for at, (action, of) in enumerate((("fire", answered), ("train", pending), ("reset", pending))):
            ports.write(action, noise[at] if of is None else of.action == action)

    def _sample(self, cycle: int) -> None:
        ports = self.bench.ports
        answered = self._pending[1]
        equal(f"cycle {cycle}: valid", ports.read("valid"), answered is not None)
        equal(f"cycle {cycle}: idle", ports.read("idle"), self._pending == [None] * LATENCY)
        for port, value in self._fired.items():
            equal(f"cycle {cycle}: {port}", ports.read(port), value)
        self._fired = {}
        if answered is not None:
            answer = self._answer(answered)
            self._fired = {port: answer.pop(port) for port in ("activations", "windows") if port in answer}
            for port, value in answer.items():
                equal(f"cycle {cycle}: {port}", ports.read(port), value)
        self._pending, self.next = [self.next, *self._pending[:-1]], None

    def _answer(self, request: _Request) -> dict[str, Any]:
        """Let the golden model act; the outputs that belong to the request."""
        golden, at = self.golden, slice(request.group * self.group, (request.group + 1) * self.group)
        if request.action == "reset":  # of the hardware one group, of the model all: take over one
            fresh = Neurons(self.bench.config.neuron, self.group, self.sum_bits)
            fresh.reset()
            golden.offset[at], golden.scale[at] = fresh.offset, fresh.scale
            return {"target": request.group}
        centred = golden.centre(request.sums, at)
        activations, window = golden.fire(request.sums, at, training=request.action == "fire")
        if request.action == "train":
            golden.train(request.errors, at)
        return {
            "target": request.group,
            "centred": centred,
            "held_sums": request.sums,
            "activations": to_planes(activations, 2),
            "windows": sum(int(bit) << lane for lane, bit in enumerate(window)),
        }

    def request(self, group: int, sums: np.ndarray, action: str, errors: np.ndarray | None = None) -> None:
        """Make a request in the next cycle."""
        self.next = _Request(group, sums, action, np.zeros(self.group, np.int64) if errors is None else errors)

    def random_sums(self) -> np.ndarray:
        """Sums of all magnitudes."""
        scale = int(self.bench.rng.integers(1, self.sum_bits))
        return self.bench.integers(-(1 << scale), (1 << scale) - 1, self.group)

    async def reset(self) -> None:
        """Give all neurons their initial state."""
        for group in range(self.groups):
            self.request(group, self.random_sums(), "reset")
            await self.bench.clock.step()
        await self.check()

    async def check(self) -> None:
        """Let the last request end and compare the whole state."""
        await self.bench.clock.step(LATENCY + 1)
        bits = self.bench.config.neuron.offset_bits(self.sum_bits)
        mask, offset, scale = (1 << bits) - 1, [], []
        for word in self.bench.memory("states", self.groups):
            for lane in range(self.group):
                low, high = word >> (2 * bits * lane) & mask, word >> (2 * bits * lane + bits) & mask
                offset.append(low - (1 << bits) if low >> (bits - 1) else low)
                scale.append(high)
        equal("offset", offset, self.golden.offset)
        equal("scale", scale, self.golden.scale)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def random_requests(dut: HierarchyObject, regime: Regime) -> None:
    """Firing, training and reset on any group, one request per cycle or with gaps; answers two cycles later."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = _Pair(bench)
    await pair.reset()
    pattern = sink_pattern(regime, bench.rng)  # nothing can be stalled here: the regimes are the gaps
    before = [-1] * LATENCY  # a group may come again when its state has been written, not before
    for _ in range(500):
        groups = [group for group in range(pair.groups) if group not in before]
        before = [-1, *before[:-1]]
        if next(pattern) and groups:
            group = int(bench.rng.choice(groups))
            action = str(bench.rng.choice(["none", "fire", "train", "reset"], p=[0.2, 0.5, 0.28, 0.02]))
            errors = bench.integers(-pair.limit, pair.limit, pair.group)
            pair.request(group, pair.random_sums(), action, errors)
            before[0] = group
        await bench.clock.step()
    await pair.check()


@cocotb.test()
async def offsets_saturate(dut: HierarchyObject) -> None:
    """Offsets run into both limits and stay there; the largest centred sums follow from that."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = _Pair(bench)
    await pair.reset()
    highest, step = 1 << (pair.sum_bits - 1), pair.limit << bench.config.neuron.train_shift
    for sign in (1, -1):
        errors = np.where(np.arange(pair.group) % 2, sign, -sign) * pair.limit
        for trial in range(2 * pair.golden.limit // step + 4):
            sums = np.full(pair.group, highest - 1 if trial % 2 else -highest)
            pair.request(0, sums, "train", errors)
            await bench.clock.step(LATENCY + 1)
            if trial % 16 == 0:
                pair.request(0, sums, "none")
                await bench.clock.step(LATENCY + 1)
        reached = set(map(int, pair.golden.offset[: pair.group]))
        assert reached == {-pair.golden.limit, pair.golden.limit - 1}, "the test did not reach the limits"
        await pair.check()
        for sums in (np.full(pair.group, -highest), np.full(pair.group, highest - 1)):
            for action in ("none", "fire"):
                pair.request(0, sums, action)
                await bench.clock.step(LATENCY + 1)
        await pair.check()


@cocotb.test()
async def thresholds_exactly(dut: Any) -> None:
    """Around threshold and window of every scale near the present one, every sum: the comparison is exact."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = _Pair(bench)
    await pair.reset()
    highest = (1 << (pair.sum_bits - 1)) - 1
    bits = bench.config.neuron.offset_bits(pair.sum_bits)
    for scale in [0, 1, *map(int, bench.rng.integers(0, highest << bench.config.neuron.fraction, 8))]:
        pair.golden.scale[: pair.group] = scale
        pair.golden.offset[: pair.group] = 0
        dut.states[0].value = sum(scale << (2 * bits * lane + bits) for lane in range(pair.group))
        await bench.clock.step()
        values = np.arange(-min(highest, 80), min(highest, 80) + 1)
        values = np.resize(values, -(-len(values) // pair.group) * pair.group)
        for sums in values.reshape(-1, pair.group):
            pair.request(0, sums, "none")
            await bench.clock.step()
        await pair.check()


class _Exchange:
    """Drives the exchange register in single cycles: what it holds is predicted word by word."""

    def __init__(self, bench: block_bench.BlockBench, pair: _Pair) -> None:
        self.bench, self.ports, self.pair = bench, bench.ports, pair
        config = bench.config
        bits = config.neuron.offset_bits(pair.sum_bits) + config.neuron.scale_bits(pair.sum_bits)
        self.count = -(-bits // 2)
        #: What the register holds, None for what is not known.
        self.words: list[int | None] = [None] * self.count

    async def step(self, **inputs: int) -> None:
        """Let a cycle pass with inputs; everything else is noise or 0."""
        for name in ("get", "put", "shift"):
            self.ports.write(name, inputs.get(name, 0))
        self.ports.write("word", inputs.get("word", self.ports.random_bits("word", self.bench.rng)))
        self.pair.address = inputs.get("address")
        if self.words[0] is not None:
            equal("exchange", self.ports.read("exchange"), self.words[0])
        await self.bench.clock.step()
        for name in ("get", "put", "shift"):
            self.ports.write(name, 0)
        self.pair.address = None

    def state(self, group: int) -> list[int]:
        """Words of a group of the golden model's neurons."""
        at = slice(group * self.pair.group, (group + 1) * self.pair.group)
        return reference_packets.neurons(self.bench.config, self.pair.golden.offset[at], self.pair.golden.scale[at])

    async def shift(self, word: int) -> None:
        """Shift a word in and the lowest out, after any time."""
        for _ in range(int(self.bench.rng.integers(0, 3))):
            await self.step()
        await self.step(shift=1, word=word)
        self.words = [*self.words[1:], word]


@cocotb.test()
async def loads_and_dumps(dut: HierarchyObject) -> None:
    """States go out and in word by word, one neuron after another; neurons then go on from what went in."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = _Pair(bench)
    await pair.reset()
    exchange, rng, golden = _Exchange(bench, pair), bench.rng, pair.golden
    equal("words of a group", exchange.count, bench.config.program.transfers[HostOp.DUMP_NEURONS][0].words)
    bits = bench.config.neuron.offset_bits(pair.sum_bits)
    for turn in range(24):
        group = int(rng.integers(0, pair.groups))
        at = slice(group * pair.group, (group + 1) * pair.group)
        if turn % 3 == 0:
            new = bench.integers(-golden.limit, golden.limit - 1, pair.group)
            scale = bench.integers(0, (1 << bits) - 1, pair.group)
            for word in reference_packets.neurons(bench.config, new, scale):
                await exchange.shift(word)
            await exchange.step(put=1, address=group)
            golden.offset[at], golden.scale[at] = new, scale
        elif turn % 3 == 1:
            exchange.words = [None] * exchange.count
            await exchange.step(get=1, address=group)
            await exchange.step()
            exchange.words = [*exchange.state(group)]
            # all of it comes out, and what goes in then follows
            for _ in range(exchange.count):
                await exchange.shift(int(rng.integers(0, 1 << (2 * pair.group))))
            equal("the lowest of what went in", bench.ports.read("exchange"), exchange.words[0])
        else:
            for _ in range(3):
                action = str(rng.choice(["none", "fire", "train"]))
                errors = bench.integers(-pair.limit, pair.limit, pair.group)
                pair.request(group, pair.random_sums(), action, errors)
                await bench.clock.step(LATENCY + 1)
        await pair.check()
