"""Sequencer against the golden program, its order of execution and the cycle model."""

import itertools
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig, variant
from golden.sequencer import HostOp, Instruction, Op, Program
from sim import block_bench, random_config
from sim.drivers import Regime, sink_pattern

#: Cycles from a sum until the collector is idle, where nothing follows, and from there until the neurons are.
COLLECTOR, NEURONS = 2, 3
#: Operations of loads and dumps, of which a step takes as long as the loader wants.
_TRANSFERS = (Op.WRITE, Op.READ, Op.LOAD_NEURONS, Op.DUMP_NEURONS, Op.SEED, Op.LOAD_PULSE_TABLE, Op.THRESHOLDS)
#: Operations with a sweep: the field with its length.
_SWEEP = {
    Op.INIT_RANDOM: "rows",
    Op.RESET: "groups",
    Op.SENSE_COLUMNS: "groups",
    Op.SENSE_ROWS: "rows",
    Op.UPDATE: "rows",
}
_SWEEP[Op.CLEAR_SWITCHED] = "rows"
_SWEEP |= {op: "groups" if op in (Op.LOAD_NEURONS, Op.DUMP_NEURONS) else "rows" for op in _TRANSFERS}


@pytest.mark.parametrize("config", configs.cases())
def test_sequencer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("sequencer", config, __name__)


def test_everything_loadable() -> None:
    """The same with all loads that there are, two banks of random streams, and sums that return to 0."""
    config = variant(
        random_config.loadable(configs.tiny()), array={"scheme": "blind"}, gradient={"reset_on_switch": True}
    )
    assert len(config.program.transfers[HostOp.LOAD_SEEDS]) == 3
    block_bench.run("sequencer", config, __name__)


def _expected(program: Program, op: str, samples: int, batch: int, learn: list[bool]) -> Iterator[tuple[str, Any]]:
    """Yield what the sequencer does for one command: instructions, results, ends of batches."""
    if op not in ("TRAIN", "TEST"):
        section = program.initialise if op == "INIT_RANDOM" else program.transfers[HostOp[op]]
        yield from (("start", instruction) for instruction in section)
        return
    for sample in range(samples):
        for instruction in program.sample:
            yield "start", instruction
            if instruction.op == Op.BRANCH and not (op == "TRAIN" and learn[sample]):
                break
        yield "result", sample
        if op == "TRAIN" and ((sample + 1) % batch == 0 or sample == samples - 1):
            yield from (("start", instruction) for instruction in program.update)
            yield "batch done", None


def _latency(instruction: Instruction) -> int:
    """Cycles for which something is under way after the last step of a sweep was accepted."""
    if instruction.op == Op.SENSE_COLUMNS:
        return cycles.ARRAY + COLLECTOR + NEURONS
    if instruction.op == Op.SENSE_ROWS:
        return cycles.ARRAY + COLLECTOR + (NEURONS if instruction.last else 0)
    if instruction.op in _TRANSFERS:
        return 1
    if instruction.op in (Op.UPDATE, Op.CLEAR_SWITCHED):
        return cycles.GRADIENT
    return {Op.INIT_RANDOM: cycles.ARRAY, Op.RESET: NEURONS + 1}[instruction.op]


def _modelled(instruction: Instruction) -> int:
    """The cycle model's length of an instruction, less the cycle in which it starts."""
    if instruction.op == Op.SENSE_COLUMNS:
        return cycles.sense_columns(instruction.groups)
    if instruction.op == Op.SENSE_ROWS:
        return cycles.sense_rows(instruction.rows, last=instruction.last)
    if instruction.op == Op.UPDATE:
        return cycles.update(np.zeros(instruction.rows, np.int64))
    if instruction.op == Op.CLEAR_SWITCHED:
        return cycles.clear_switched(instruction.rows)
    if instruction.op in _TRANSFERS:
        # all steps in one cycle each, and one to see that nothing is left
        return getattr(instruction, _SWEEP[instruction.op]) + 1
    return cycles.initialise(instruction.rows) if instruction.op == Op.INIT_RANDOM else cycles.reset(instruction.groups)


class _Machine:
    """The rest of the machine, as far as the sequencer sees it; writes down what happens."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports, self.regime = bench, bench.ports, regime
        self.log: list[tuple[str, Any]] = []
        self.starts: list[int] = []
        self.sweep: list[int] = []
        self.sweeps: list[list[int]] = []
        self.learn: list[bool] = []
        self.samples = 0
        #: With every result, whether it was the command's last; the number of samples that the command has.
        self.lasts: list[bool] = []
        self.asked = 0
        self._ready, self._result = sink_pattern(regime, bench.rng), sink_pattern(regime, bench.rng)
        self._available = sink_pattern(regime, bench.rng)
        self._busy_until = -1
        self._bits, self._known = 0, Instruction(Op.END)
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        learn = self.learn[self.samples] if self.samples < len(self.learn) else False
        self.ports.write("learn", learn)
        self.ports.write("sweep__ready", next(self._ready))
        self.ports.write("result_ready", next(self._result))
        self.ports.write("available", next(self._available))
        self.ports.write("quiet", cycle > self._busy_until)

    def _sample(self, cycle: int) -> None:
        ports, rng = self.ports, self.bench.rng
        if ports.read("start"):
            equal(f"cycle {cycle}: running at start", ports.read("running"), 1)
            present, self._bits = ports.read("instruction"), ports.bits("instruction")
            self._known = Instruction(**{**present, "op": Op(present["op"])})
            self.log.append(("start", present))
            self.starts.append(cycle)
            self.sweeps.append([])
            if present["op"] not in _SWEEP and self.regime is not Regime.FLOWING:
                self._busy_until = cycle + int(rng.integers(0, 20))
        elif ports.read("running"):
            equal(f"cycle {cycle}: instruction while it runs", ports.bits("instruction"), self._bits)
        if ports.read("sweep__valid"):
            equal(f"cycle {cycle}: running in a sweep", ports.read("running"), 1)
            known, step = self._known, ports.read("sweep__payload")
            length = getattr(known, _SWEEP[known.op])
            equal(f"cycle {cycle}: step of the sweep", step["index"], len(self.sweeps[-1]))
            equal(f"cycle {cycle}: last step of the sweep", step["last"], step["index"] == length - 1)
            if ports.read("sweep__ready"):
                self.sweeps[-1].append(step["index"])
                extra = 0 if self.regime is Regime.FLOWING else int(rng.integers(0, 5))
                self._busy_until = cycle + _latency(known) - 1 + extra
        if ports.read("result_valid"):
            equal(f"cycle {cycle}: last result", ports.read("last"), self.samples == self.asked - 1)
        taken = ports.read("result_valid") and ports.read("result_ready")
        equal(f"cycle {cycle}: release", ports.read("release"), bool(taken))
        if taken:
            equal(f"cycle {cycle}: running with a result", ports.read("running"), 0)
            self.log.append(("result", self.samples))
            self.samples += 1
        if ports.read("batch_done"):
            self.log.append(("batch done", None))

    def give(self, op: str, samples: int, batch: int) -> None:
        """Offer a command in the next cycle; `accepted` afterwards takes the offer back."""
        for record in (self.log, self.starts, self.sweeps):
            record.clear()
        self.samples, self.asked = 0, samples
        self.learn = [bool(x) for x in self.bench.rng.integers(0, 2, samples)]
        self.ports.write("command__payload", {"op": HostOp[op], "samples": samples, "batch": batch})
        self.ports.write("command__valid", 1)

    def accepted(self) -> None:
        """Take the offer back: what is not valid means nothing."""
        self.ports.write("command__valid", 0)
        self.ports.write_bits("command__payload", self.ports.random_bits("command__payload", self.bench.rng))


def _plain(log: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Make instructions plain dicts of numbers."""
    return [
        (kind, {name: int(field) for name, field in asdict(value).items()} if isinstance(value, Instruction) else value)
        for kind, value in log
    ]


def _compare(title: str, log: Sequence[tuple[str, Any]], expected: Sequence[tuple[str, Any]]) -> None:
    """Compare what happened with what should have, event by event."""
    got, want = _plain(log), _plain(expected)
    equal(f"events of {title}", len(got), len(want))
    for at, (mine, theirs) in enumerate(zip(got, want, strict=True)):
        assert mine[0] == theirs[0], f"{title} event {at}: hardware {mine[0]}, golden {theirs[0]}"
        if theirs[1] is not None:
            equal(f"{title} event {at}, {mine[0]} ", mine[1], theirs[1])


def _transfers(program: Program) -> list[tuple[str, int, int]]:
    """All loads and dumps that the machine has, as commands."""
    return [(command.name, 0, 0) for command in program.transfers]


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def commands(dut: HierarchyObject, regime: Regime) -> None:
    """Commands of the host: every instruction in order, every sweep complete, results, releases, ends of batches."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    machine = _Machine(bench, regime)
    ports, program = bench.ports, bench.config.program
    described = ports.described["command__payload"]["fields"]["op"]["values"]
    equal("commands", described, {command.name: command.value for command in HostOp})
    ready: list[int] = []
    bench.each_cycle(sample=lambda _: ready.append(ports.read("command__ready")))
    commands = [("INIT_RANDOM", 0, 0), ("TRAIN", 5, 2), ("TEST", 3, 1), *_transfers(program)]
    commands += [
        ("TRAIN", 1, 1),
        ("TRAIN", 3, 7),
        ("INIT_RANDOM", 0, 0),
        ("TRAIN", 4, 2),
        ("TEST", 1, 1),
        ("TRAIN", 2, 1),
    ]
    for op, samples, batch in commands:
        await bench.clock.step(int(bench.rng.integers(1, 4)))
        equal("ready before a command", ready[-1], 1)
        machine.give(op, samples, batch)
        ready.clear()
        await bench.clock.step()
        machine.accepted()
        ready.clear()
        await bench.clock.until(lambda: bool(ready) and ready[-1] == 1)
        expected = list(_expected(program, op, samples, batch, machine.learn))
        _compare(op, machine.log, expected)
        at = -1
        for (kind, instruction), (following, _) in zip(expected, [*expected[1:], ("end", None)], strict=True):
            if kind != "start":
                continue
            at += 1
            length = getattr(instruction, _SWEEP[instruction.op]) if instruction.op in _SWEEP else 0
            equal(f"{op} instruction {at}: sweep", machine.sweeps[at], list(range(length)))
            if regime is Regime.FLOWING and instruction.op != Op.END and following == "start":
                # where nothing is to be waited for: one cycle to start, one to see that all is quiet
                length = _modelled(instruction) + 1 if instruction.op in _SWEEP else 2
                equal(f"{op} instruction {at}: cycles", machine.starts[at + 1] - machine.starts[at], length)
        equal("training", ports.read("training"), op == "TRAIN")


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
    machine : _Machine
        What the sequencer works on.
    """

    def __init__(self, machine: _Machine) -> None:
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
            section = _expected(self._program, "TRAIN", 2, 3, [self._machine.learn[self._learned], False])
            if op == "TEST":
                section = _expected(self._program, op, 1, 1, [])
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
            wanted, what = _plain([self.expected.popleft()])[0]
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
    machine = _Machine(bench, regime)
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
    machine = _Machine(bench, Regime.RANDOM)
    ports, program = bench.ports, bench.config.program
    loads = [command for command in _transfers(program) if command[0].startswith("LOAD")]
    ready: list[int] = []
    bench.each_cycle(sample=lambda _: ready.append(ports.read("command__ready")))
    for op, *_ in loads * 4:
        section = program.transfers[HostOp[op]]
        given_up = section[int(bench.rng.integers(0, len(section) - 1))]
        await bench.clock.step()
        machine.give(op, 0, 0)
        await bench.clock.step()
        machine.accepted()
        await bench.clock.until(lambda wanted=given_up: _plain(machine.log)[-1:] == _plain([("start", wanted)]))
        for _ in range(int(bench.rng.integers(0, 10))):
            if machine.sweeps[-1] != list(range(getattr(given_up, _SWEEP[given_up.op]) - 1)):
                await bench.clock.step()
        events = list(machine.log)
        ports.write("abandon", 1)
        ready.clear()
        await bench.clock.step()
        ports.write("abandon", 0)
        await bench.clock.step(3)
        equal("ready", ready, [0, 1, 1, 1])
        equal("sweep of nothing", ports.read("sweep__valid"), 0)
        _compare(f"{op} given up", machine.log, events)
        for whole in (op, "TRAIN", "INIT_RANDOM"):
            samples = 2 * (whole == "TRAIN")
            machine.give(whole, samples, samples)
            await bench.clock.step()
            machine.accepted()
            ready.clear()
            await bench.clock.until(lambda: bool(ready) and ready[-1] == 1)
            _compare(
                f"{whole} afterwards", machine.log, list(_expected(program, whole, samples, samples, machine.learn))
            )
