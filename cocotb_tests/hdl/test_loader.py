"""Loader: every word of a load goes in and every word of a dump comes out, and what happens in every cycle."""

from collections import deque
from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime, sink_pattern


@pytest.mark.parametrize("config", configs.cases())
def test_loader(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("loader", config, __name__)


class _Around:
    """What is around the loader: the sequencer, both streams, and whoever is asked; predicts every output."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports, self.regime = bench, bench.ports, regime
        self.source, _ = bench.source("load", regime)
        self._dump = sink_pattern(regime, bench.rng)
        #: Words that whoever was asked has given away.
        self.given: list[int] = []
        self.longest = max(i.words for section in bench.config.program.transfers.values() for i in section)
        self.width = 2 * bench.config.array.group
        self._act = sink_pattern(regime, bench.rng)
        #: The step under way, what it does in this cycle, and the words that are still to come.
        self.step: dict[str, Any] | None = None
        self.phase, self.left, self.second = "idle", 0, False
        self.collected: list[int] = []
        self.register: deque[int] = deque()
        #: Cycles from an accepted act until its answer, and when that is.
        self.latency = 1
        self._answer = -1
        self.acts: list[bool] = []
        self.ended: list[int] = []
        bench.each_cycle(self._drive, self._sample)

    def begin(self, *, loading: bool, words: int, twice: bool, last: bool) -> list[int]:
        """Give a step and return its words: those to load, or those to be dumped."""
        rng = self.bench.rng
        values = [int(value) for value in rng.integers(0, 1 << self.width, words)]
        self.step = {"loading": loading, "words": words, "twice": twice, "last": last, "values": values}
        self.left, self.second, self.acts, self.collected = words, False, [], []
        self.latency = 1 if self.regime is Regime.FLOWING else int(rng.integers(1, 7))
        if loading:
            for value in values:
                self.source.send(value)
        else:
            self.register.clear()
        return values

    def _drive(self, cycle: int) -> None:
        ports, rng, step = self.ports, self.bench.rng, self.step
        ports.write("step__valid", step is not None)
        for name in ("loading", "words", "twice"):
            ports.write_bits(name, int(step[name]) if step else ports.random_bits(name, rng))
        ports.write("step__last", step["last"] if step else int(rng.integers(0, 2)))
        ports.write("act__ready", next(self._act))
        # an answer without an act is somebody else's
        ports.write("answered", cycle == self._answer or (self.phase != "answer" and bool(rng.integers(0, 2))))
        ports.write("dump__ready", next(self._dump))

    def _sample(self, cycle: int) -> None:
        ports, step, phase = self.ports, self.step, self.phase
        offered, wanted = ports.read("load__valid"), ports.read("dump__ready")
        answered, asked = ports.read("answered"), ports.read("act__ready")
        moves = bool(phase == "fill" and offered) or bool(phase == "drain" and wanted)
        ends = bool(step) and (
            (phase == "answer" and answered and step["loading"]) or (phase == "drain" and moves and self.left == 1)
        )
        expected = {
            "idle": phase == "idle",
            "load__ready": phase == "fill",
            "starved": phase == "fill" and not offered,
            "act__valid": phase == "act",
            "dump__valid": phase == "drain",
            "shift": moves,
            "step__ready": ends,
        }
        for name, value in expected.items():
            equal(f"cycle {cycle}, {phase}: {name}", ports.read(name), value)
        if phase == "act":
            equal(f"cycle {cycle}: second", ports.read("second"), self.second)
        if phase == "drain":
            equal(f"cycle {cycle}: last", ports.read("last"), bool(step) and step["last"] and self.left == 1)
        self._move(cycle, moves=moves, asked=bool(asked), answered=bool(answered), ends=ends)

    def _move(self, cycle: int, *, moves: bool, asked: bool, answered: bool, ends: bool) -> None:
        """Go on to the next cycle."""
        step, ports = self.step, self.ports
        if moves:
            self.left -= 1
            if self.phase == "fill":
                self.collected.append(ports.read("load__payload"))
            else:
                self.given.append(self.register.popleft())
        if step is None:
            return
        if self.phase == "idle":
            self.phase = "fill" if step["loading"] else "act"
        elif self.phase == "fill" and ports.read("abandon"):
            self.phase, self.step = "idle", None
        elif self.phase == "fill" and not self.left:
            equal(f"cycle {cycle}: words", self.collected, step["values"])
            self.phase = "act"
        elif self.phase == "act" and asked:
            self.acts.append(self.second)
            self.phase, self._answer = "answer", cycle + self.latency
        elif self.phase == "answer" and answered and not step["loading"]:
            self.phase = "drain"
            if step["twice"] and not self.second:
                self.phase, self.second = "act", True
            else:
                self.register.extend(step["values"])
        if ends:
            self.phase, self.step = "idle", None
            self.ended.append(cycle)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def steps(dut: HierarchyObject, regime: Regime) -> None:
    """Loads and dumps of any number of words, asked once or twice: as many cycles as words, and 2, and the latency."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around, rng = _Around(bench, regime), bench.rng
    await bench.clock.step(2)
    dumped: list[int] = []
    for trial in range(60):
        words = (1, around.longest)[trial % 2] if trial < 8 else int(rng.integers(1, around.longest + 1))
        loading, twice = bool(trial >> 1 & 1), bool(rng.integers(0, 2))
        begun = bench.clock.cycle
        values = around.begin(loading=loading, words=words, twice=twice, last=bool(rng.integers(0, 2)))
        await bench.clock.until(lambda: around.step is None)
        asks = 1 if loading or not twice else 2
        equal("acts", around.acts, [False, True][:asks])
        if not loading:
            dumped += values
        if regime is Regime.FLOWING:
            equal("cycles of a step", around.ended[-1] - begun + 1, words + 1 + 2 * asks)
        if rng.integers(0, 2):
            await bench.clock.step(int(rng.integers(0, 5)))
    equal("words dumped", around.given, dumped)
    assert around.source.empty


@cocotb.test()
async def latencies(dut: HierarchyObject) -> None:
    """An answer of any latency is waited for, and costs as much."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around = _Around(bench, Regime.FLOWING)
    for latency in (1, 2, 4, 17):
        for loading, twice in ((True, False), (False, False), (False, True)):
            words = int(bench.rng.integers(1, around.longest + 1))
            begun = bench.clock.cycle
            around.begin(loading=loading, words=words, twice=twice, last=False)
            around.latency = latency
            await bench.clock.until(lambda: around.step is None)
            equal("cycles of a step", around.ended[-1] - begun + 1, words + (1 + latency) * (1 + twice) + 1)


@cocotb.test()
async def abandon(dut: HierarchyObject) -> None:
    """A load that is given up while it starves does nothing; the next step is whole."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around, rng = _Around(bench, Regime.FLOWING), bench.rng
    for _ in range(30):
        words = int(rng.integers(1, around.longest + 1))
        there = int(rng.integers(0, words))
        around.begin(loading=True, words=words, twice=False, last=False)
        around.source.drop(words - there)
        await bench.clock.until(lambda: around.source.empty and around.phase == "fill")
        await bench.clock.step(int(rng.integers(0, 4)))
        bench.ports.write("abandon", 1)
        await bench.clock.step()
        bench.ports.write("abandon", 0)
        await bench.clock.step(int(rng.integers(1, 4)))
        equal("acts of a load given up", around.acts, [])
        loading = bool(rng.integers(0, 2))
        around.begin(loading=loading, words=words, twice=False, last=True)
        await bench.clock.until(lambda: around.step is None)
        equal("acts afterwards", around.acts, [False])
