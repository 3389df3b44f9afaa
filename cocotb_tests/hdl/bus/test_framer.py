"""Framer: whole packets pass, a word at fault and all behind it do not, until the host has noticed."""

from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime, sink_pattern

_FAULTS = ("label", "short", "long")


@pytest.mark.parametrize("config", configs.cases())
def test_framer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("framer", config, __name__)


class _Model:
    """Predicts every output in every cycle, and keeps what has passed.

    A word is judged in the cycles after the one in which it was taken, until it goes on or is forgotten.
    """

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports = bench, bench.ports
        self.source, self.packets = bench.source("packets", regime)
        self.groups, self.classes = bench.config.geometry.groups(0), bench.config.sizes[-1]
        self._ready = {name: sink_pattern(regime, bench.rng) for name in ("samples", "load")}
        self.passed: dict[str, list[int]] = {"samples": [], "load": []}
        self.faults: list[str] = []
        self._held: tuple[int, int] | None = None
        self.at, self._faulted, self._complete = 0, False, False
        self.loading, self.words, self.discard = False, 1, False
        self._before = False
        bench.each_cycle(self._drive, self._sample)

    @property
    def quiet(self) -> bool:
        """Whether all words have gone one way or the other."""
        return self.source.empty and self._held is None

    @property
    def last(self) -> int:
        """Position of a packet's last word."""
        return self.words - 1 if self.loading else self.groups

    def _drive(self, cycle: int) -> None:
        ports = self.ports
        for name, ready in self._ready.items():
            ports.write(f"{name}__ready", next(ready))
        ports.write("loading", self.loading)
        ports.write("discard", self.discard)
        # without a load the number means nothing
        ports.write_bits("end", self.words - 1 if self.loading else ports.random_bits("end", self.bench.rng))

    def _judge(self) -> str:
        """Say of the word that is held whether it goes on, waits, is forgotten or is at fault."""
        if self._held is None:
            return "forgotten" if self.discard or self._faulted else ""
        if self.discard or self._faulted:
            return "forgotten"
        word, last = self._held
        if (self.loading and self._complete) or self.loading != self._before:
            return "waits"
        if last != (self.at == self.last):
            return "short" if last else "long"
        if last and not self.loading and word >= self.classes:
            return "label"
        return "load" if self.loading else "samples"

    def _sample(self, cycle: int) -> None:
        ports, verdict, held = self.ports, self._judge(), self._held
        fault, forgotten = verdict in _FAULTS, verdict == "forgotten"
        taken = verdict in self.passed and bool(ports.read(f"{verdict}__ready"))
        expected: dict[str, Any] = {name: verdict == name for name in _FAULTS}
        expected |= {f"{name}__valid": verdict == name for name in self.passed}
        expected |= {"drop": fault or forgotten, "taken": taken, "unfinished": held is not None or self.at != 0}
        expected["packets__ready"] = held is None or taken or fault or forgotten
        for name, value in expected.items():
            equal(f"cycle {cycle}: {name}", ports.read(name), value)
        if verdict in self.passed and held is not None:
            equal(f"cycle {cycle}: word", ports.read(f"{verdict}__payload"), held[0])
            if taken:
                self.passed[verdict].append(held[0])
        if fault:
            self.faults.append(verdict)
        self._before = self.loading
        self._complete = self.loading and (self._complete or (taken and self.at == self.last))
        if fault or forgotten:
            self.at = 0
        elif taken:
            self.at = 0 if self.at == self.last else self.at + 1
        self._faulted = (self._faulted or fault) and not (self.discard and not fault)
        if expected["packets__ready"]:
            payload = ports.read("packets__payload")
            self._held = (payload["word"], payload["last"]) if ports.read("packets__valid") else None

    def send(self, words: list[int], *, last: int | None = None) -> None:
        """Queue a packet that ends with its last word, or with the one of that number."""
        end = len(words) - 1 if last is None else last
        for at, word in enumerate(words):
            self.source.send({"word": word, "last": at == end})

    async def until(self) -> None:
        """Let all words go."""
        await self.bench.clock.until(lambda: self.quiet)


class _Host:
    """Sends packets and knows what becomes of them."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.rng, self.model = bench, bench.rng, _Model(bench, regime)
        self.top = 1 << (2 * bench.config.array.group)
        self.longest = max(
            sum(i.words * (i.rows or i.groups) for i in section) for section in bench.config.program.transfers.values()
        )
        self.expected: dict[str, list[int]] = {"samples": [], "load": []}
        self.faults: list[str] = []

    def packet(self, words: int) -> list[int]:
        """Make a packet of a load, or a sample's words with a label that is a class."""
        found = [int(word) for word in self.rng.integers(0, self.top, words)]
        if not self.model.loading:
            found[-1] = int(self.rng.integers(0, self.model.classes))
        return found

    def good(self) -> None:
        """Send a whole packet."""
        words = self.packet(self.model.last + 1)
        self.model.send(words)
        self.expected["load" if self.model.loading else "samples"] += words

    def bad(self, fault: str) -> None:
        """Send a packet that goes wrong at some word, and words behind it, which are to be forgotten."""
        model, stream = self.model, self.expected["load" if self.model.loading else "samples"]
        words = self.packet(model.last + 1)
        if fault == "short":
            end = int(self.rng.integers(0, len(words) - 1))
            model.send(words[: end + 1])
            stream += words[:end]
        elif fault == "long":
            model.send([*words, *self.packet(3)], last=len(words) + int(self.rng.integers(0, 3)))
            stream += words[:-1]
        else:
            words[-1] = int(self.rng.integers(model.classes, self.top))
            model.send(words)
            stream += words[:-1]
        self.faults.append(fault)
        for _ in range(int(self.rng.integers(0, 3))):
            model.send(self.packet(int(self.rng.integers(1, 4))))

    async def notice(self) -> None:
        """Stop sending, and discard for a while."""
        clock, model = self.bench.clock, self.model
        await clock.until(lambda: len(model.faults) == len(self.faults))
        if self.rng.integers(0, 2):
            model.source.drop()
        await model.until()
        await clock.step(int(self.rng.integers(1, 5)))
        model.discard = True
        model.send(self.packet(int(self.rng.integers(1, 3))))
        await clock.step(int(self.rng.integers(1, 8)))
        await model.until()
        await clock.step()
        model.discard = False

    def check(self) -> None:
        """Compare what has passed and what was at fault."""
        for name, words in self.expected.items():
            equal(f"words of {name}", self.model.passed[name], words)
        assert self.model.faults == self.faults, f"hardware {self.model.faults}, expected {self.faults}"
        equal("position", self.model.at, 0)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def packets(dut: HierarchyObject, regime: Regime) -> None:
    """Samples and loads of all lengths, whole or at fault in every way; what is behind a fault is forgotten."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    host, rng = _Host(bench, regime), bench.rng
    model = host.model
    kinds = [(False, fault) for fault in ("", *_FAULTS)] + [(True, fault) for fault in ("", "short", "long")]
    for trial in range(70):
        model.loading, fault = kinds[trial % len(kinds)]
        # words of a load: one, as many as there can be, and any
        model.words = 1 if trial % 3 == 0 else min(host.longest, int(rng.integers(2, 9)))
        if trial < len(kinds):
            model.words = min(host.longest, 40)
        if model.loading and model.words == 1 and fault == "short":
            fault = "long"
        if not model.loading:
            for _ in range(int(rng.integers(0, 3))):
                host.good()
        if fault:
            host.bad(fault)
            await host.notice()
        else:
            host.good()
            await model.until()
        host.check()
        await bench.clock.step(int(rng.integers(0, 3)))
        model.loading = False
        await bench.clock.step(int(rng.integers(1, 3)))


@cocotb.test()
async def one_word_per_cycle(dut: HierarchyObject) -> None:
    """Nothing stalls: samples go through in as many cycles as they have words, one cycle late."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    host = _Host(bench, Regime.FLOWING)
    taken: list[int] = []
    bench.each_cycle(sample=lambda cycle: taken.append(cycle) if bench.ports.read("taken") else None)
    for _ in range(5):
        host.good()
    await host.model.until()
    equal("cycles of the words", taken, range(1, 5 * (host.model.groups + 1) + 1))
    host.check()


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def behind_a_load(dut: HierarchyObject, regime: Regime) -> None:
    """A sample that is sent right behind a load, however short, waits for the load's end and is a sample."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    host, rng = _Host(bench, regime), bench.rng
    model = host.model
    for words in (1, 1, 2, 3, host.longest if host.longest < 100 else 5):
        model.loading, model.words = True, words
        host.good()
        await bench.clock.step(int(rng.integers(0, 2)))
        sample = [*host.packet(model.groups), int(rng.integers(0, model.classes))]
        model.send(sample)
        await bench.clock.until(lambda: len(model.passed["load"]) == len(host.expected["load"]))
        await bench.clock.step(int(rng.integers(1, 30)))
        model.loading = False
        host.expected["samples"] += sample
        await bench.clock.step()
        await model.until()
        host.check()


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def discards_at_any_time(dut: HierarchyObject, regime: Regime) -> None:
    """A host that stops in the middle of packets: whatever it discards, the next word begins a packet."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    host, rng = _Host(bench, regime), bench.rng
    model = host.model
    for _ in range(40):
        for _ in range(int(rng.integers(1, 4))):
            host.good()
        await bench.clock.step(int(rng.integers(0, 3 * model.groups + 6)))
        model.source.drop()
        model.discard = True
        await bench.clock.step(int(rng.integers(1, 12)))
        await model.until()
        await bench.clock.step()
        model.discard = False
        host.expected["samples"] = list(model.passed["samples"])
        host.good()
        await model.until()
        host.check()
        equal("unfinished", bench.ports.read("unfinished"), 0)
