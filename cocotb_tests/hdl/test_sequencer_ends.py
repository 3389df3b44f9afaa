"""The sequencer is asked to end what it does: stops, aborts, loads that are given up."""

import itertools
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from cocotb_tests.kit.sequenced_machine import (
    SWEEP,
    SequencedMachine,
    compare_events,
    everything_loadable,
    expected_events,
    plain_events,
    transfer_commands,
)
from golden.config import MachineConfig
from golden.sequencer import HostOp
from sim import block_bench
from sim.drivers import Regime


@pytest.mark.parametrize("config", configs.cases())
def test_ends(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("sequencer", config, __name__)


def test_everything_loadable() -> None:
    """The same with all loads that there are."""
    block_bench.run("sequencer", everything_loadable(), __name__)


@dataclass(frozen=True)
class _Request:
    """When a command is asked to end.

    Attributes
    ----------
    state : str
        ``wait``: in a cycle in which the sequencer looks for a sample; ``busy``: in one in which it does not; ``any``.
    after : int
        How many such cycles of the command pass before.
    cycles : int
        For how many cycles.
    """

    state: str
    after: int
    cycles: int


class _Ends:
    """Asks a command to end, and predicts of every cycle whether the sequencer waits, and what then follows.

    Parameters
    ----------
    machine : SequencedMachine
        What the sequencer works on.
    """

    def __init__(self, machine: SequencedMachine) -> None:
        self._bench, self._machine = machine.bench, machine
        self._ports, self._program = machine.bench.ports, machine.bench.config.program
        self.state, self.expected = "idle", deque[tuple[str, Any]]()
        #: In which states requests came, and how commands ended.
        self.seen: Counter[tuple[str, str]] = Counter()
        self._requests: dict[str, _Request] = {}
        self._passed = Counter[str]()
        self._until: dict[str, int] = {}
        self._command = ("INIT_RANDOM", 0, 0)
        self._left = self._accumulated = self._learned = 0
        self._then: tuple[int, str] | None = None
        self._at = 0
        machine.bench.each_cycle(self._drive, self._sample)

    async def run(self, op: str, samples: int, batch: int, **requests: _Request) -> None:
        """Give a command, ask it to end, and wait for its end."""
        bench = self._bench
        self._requests, self._passed, self._until = requests, Counter(), {}
        self._machine.give(op, samples, batch)
        await bench.clock.step()
        self._machine.accepted()
        self._command, self._left, self._accumulated, self._learned = (op, samples, batch), samples, 0, 0
        self.state, self._at = "wait", 0
        await bench.clock.until(lambda: self.state == "idle")
        assert not self.expected, f"{op} ended before {self.expected[0]}"

    def _drive(self, cycle: int) -> None:
        if self._then is not None and self._then[0] == cycle:
            self.state, self._then = self._then[1], None
        for name, request in self._requests.items():
            if name not in self._until and request.state in (self.state, "any") and self._passed[name] == request.after:
                self._until[name] = cycle + request.cycles
            self._passed[name] += request.state in (self.state, "any")
        for name in ("stop", "abort"):
            self._ports.write(name, cycle < self._until.get(name, -1))

    def _sample(self, cycle: int) -> None:
        ports = self._ports
        stop, abort, available = (ports.read(name) for name in ("stop", "abort", "available"))
        waiting = self.state == "wait" and self._left > 0 and not available
        equal(f"cycle {cycle}: ready", ports.read("command__ready"), self.state == "idle")
        equal(f"cycle {cycle}: waiting", ports.read("waiting"), waiting)
        if stop:
            busy = next((name for name in ("start", "result_valid") if ports.read(name)), self.state)
            self.seen["stop", busy] += 1
        self._follow(cycle)
        if self.state != "wait":
            return
        op, _, _ = self._command
        follows = "idle"
        if self._left == 0:
            pass
        elif stop:
            self._left = 0
            written = op == "TRAIN" and self._accumulated > 0
            self.seen["stopped", f"{op}, {'written' if written else 'as it was'}"] += 1
            if written:
                self._write()
                follows = "busy"
        elif waiting and abort:
            self.seen["aborted", f"{op}, {'in a batch' if self._accumulated else 'between batches'}"] += 1
        elif available:
            self._left -= 1
            follows = "busy"
            # a batch of two: no update follows the one sample
            section = expected_events(self._program, "TRAIN", 2, 3, [self._machine.learn[self._learned], False])
            if op == "TEST":
                section = expected_events(self._program, op, 1, 1, [])
            self.expected += itertools.takewhile(lambda event: event[0] != "result", section)
            self.expected.append(("result", self._learned))
            self._learned += 1
        else:
            return
        self._then = (cycle + 1, follows)

    def _write(self) -> None:
        self._accumulated = 0
        self.expected += [("start", instruction) for instruction in self._program.update]
        self.expected.append(("batch done", None))

    def _follow(self, cycle: int) -> None:
        """Compare the new events, and note what follows the end of a section."""
        op, _, batch = self._command
        for kind, value in self._machine.log[self._at :]:
            self._at += 1
            assert self.expected, f"cycle {cycle}: hardware {kind}, golden nothing"
            wanted, what = plain_events([self.expected.popleft()])[0]
            assert kind == wanted, f"cycle {cycle}: hardware {kind}, golden {wanted}"
            if kind == "result":
                self._accumulated += 1
                if op == "TRAIN" and (self._accumulated == batch or not self._left):
                    self._write()
                else:
                    self._then = (cycle + 1, "wait")
            elif kind == "start":
                equal(f"cycle {cycle}: {kind} ", value, what)
                if self.expected[0][0] == "batch done":
                    # the END of an update takes a cycle more
                    self._then = (cycle + 2, "wait")


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def stop_and_abort(dut: HierarchyObject, regime: Regime) -> None:
    """Commands are asked to end in every state: a stop begins nothing and writes, an abort ends only what waits."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    machine = SequencedMachine(bench, regime)
    ends = _Ends(machine)
    rng = bench.rng
    long = 100_000
    await bench.clock.step(2)
    # in every state and from before the command, a moment or for long, alone and together
    for round_ in range({Regime.FLOWING: 24, Regime.RANDOM: 12, Regime.PRESSURE: 4}[regime]):
        state = "wait" if round_ % 2 else "any"
        after = int(rng.integers(0, 4 if state == "wait" else 300))
        requests = {"stop": _Request(state, after, int(rng.choice([1, long])))}
        if round_ % 3 == 0:
            requests = {"abort": _Request("any", after, long)}
        elif round_ % 3 == 1:
            requests["abort"] = _Request("any", int(rng.integers(0, 300)), int(rng.choice([1, 40, long])))
        op = "TEST" if round_ % 4 == 3 else "TRAIN"
        await ends.run(op, int(rng.integers(2, 4)), int(rng.integers(1, 4)), **requests)
        await bench.clock.step(int(rng.integers(0, 3)))
    # and once for each way to end, where chance has left one out
    ways = {
        ("stopped", "TRAIN, written"): ("TRAIN", 3, 3, {"stop": _Request("busy", 5, long)}),
        ("stopped", "TRAIN, as it was"): ("TRAIN", 3, 1, {"stop": _Request("wait", 1, 1)}),
        ("stopped", "TEST, as it was"): ("TEST", 2, 1, {"stop": _Request("wait", 0, 1)}),
        ("stop", "start"): ("TRAIN", 2, 2, {"stop": _Request("busy", 5, long)}),
        ("stop", "busy"): ("TRAIN", 2, 2, {"stop": _Request("busy", 5, long)}),
        ("stop", "result_valid"): ("TEST", 2, 1, {"stop": _Request("busy", 5, long)}),
    }
    if regime is not Regime.FLOWING:  # a sequencer that always has a sample is not aborted
        ways["aborted", "TRAIN, between batches"] = ("TRAIN", 3, 3, {"abort": _Request("any", 0, long)})
        ways["aborted", "TRAIN, in a batch"] = ("TRAIN", 3, 3, {"abort": _Request("busy", 0, long)})
        ways["aborted", "TEST, in a batch"] = ("TEST", 3, 3, {"abort": _Request("busy", 0, long)})
    for way, (op, samples, batch, requests) in ways.items():
        for _ in range(30):
            if not ends.seen[way]:
                await ends.run(op, samples, batch, **requests)
        assert ends.seen[way], f"not seen: {way}"
    if regime is Regime.FLOWING:
        assert not any(name == "aborted" for name, _ in ends.seen)


@cocotb.test()
async def abandon_a_load(dut: HierarchyObject) -> None:
    """A load that is given up ends in the next cycle, whatever of it is left; the next command is whole."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    machine = SequencedMachine(bench, Regime.RANDOM)
    ports, program = bench.ports, bench.config.program
    loads = [command for command in transfer_commands(program) if command[0].startswith("LOAD")]
    for op, *_ in loads * 4:
        section = program.transfers[HostOp[op]]
        given_up = section[int(bench.rng.integers(0, len(section) - 1))]
        await bench.clock.step()
        machine.give(op, 0, 0)
        await bench.clock.step()
        machine.accepted()
        await bench.clock.until(
            lambda wanted=given_up: plain_events(machine.log)[-1:] == plain_events([("start", wanted)])
        )
        for _ in range(int(bench.rng.integers(0, 10))):
            if machine.sweeps[-1] != list(range(getattr(given_up, SWEEP[given_up.op]) - 1)):
                await bench.clock.step()
        events = list(machine.log)
        ports.write("abandon", 1)
        machine.ready.clear()
        await bench.clock.step()
        ports.write("abandon", 0)
        await bench.clock.step(3)
        equal("ready", machine.ready, [0, 1, 1, 1])
        equal("sweep of nothing", ports.read("sweep__valid"), 0)
        compare_events(f"{op} given up", machine.log, events)
        for whole in (op, "TRAIN", "INIT_RANDOM"):
            samples = 2 * (whole == "TRAIN")
            await machine.run(whole, samples, samples)
            compare_events(
                f"{whole} afterwards",
                machine.log,
                list(expected_events(program, whole, samples, samples, machine.learn)),
            )
