"""Control against docs/bus.md: what START does or sets, what is known, and how commands end before their end."""

import itertools
from collections import Counter
from typing import Any

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.bus.errors import HALTING, Error
from golden.config import MachineConfig
from golden.sequencer import HostOp
from sim import block_bench, random_config

_PRESENTS = (HostOp.TRAIN, HostOp.TEST)
_LOADS = tuple(op for op in HostOp if op.name.startswith("LOAD"))
#: What the framer tells, lowest bit first.
_FAULTS = (Error.LABEL, Error.SHORT, Error.LONG)
#: What can be known, and what makes it so.
_KNOWN = {
    "pulse_table": (HostOp.LOAD_PULSES,),
    "switching_table": (HostOp.LOAD_SWITCHING,),
    "neurons": (HostOp.INIT_RANDOM, HostOp.LOAD_NEURONS),
    "gradients": (HostOp.INIT_RANDOM, HostOp.LOAD_WEIGHTS),
}


@pytest.mark.parametrize("config", configs.cases())
def test_control(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("control", config, __name__)


def test_everything_loadable() -> None:
    """All loads that there are, and tables that can be unknown."""
    block_bench.run("control", random_config.loadable(configs.tiny()), __name__)


def _refusals(
    config: MachineConfig, known: dict[str, bool], registers: dict[str, Any], *, unfinished: bool
) -> set[Error]:
    """Errors that START sets while nothing is under way and no error is pending."""
    if registers["operation"] >= len(HostOp):
        return {Error.OPERATION}
    op, found = HostOp(registers["operation"]), set()
    if op in _PRESENTS:
        found |= {Error.SAMPLES} if not registers["samples"] else set()
        found |= set() if known["neurons"] and (known["gradients"] or op == HostOp.TEST) else {Error.STATE}
    if op == HostOp.TRAIN:
        found |= {Error.BATCH} if not registers["batch"] else set()
        found |= (
            set()
            if all(update_shift in config.offered_shifts for update_shift in registers["update_shift"])
            else {Error.UPDATE_SHIFT}
        )
        found |= set() if known["pulse_table"] and known["switching_table"] else {Error.TABLE}
    if op in _LOADS:
        if op not in config.program.transfers:
            found.add(Error.LOADABLE)
        elif unfinished:
            found.add(Error.UNFINISHED)
    return found


class _Around:
    """Registers, machine, framer and output, as control sees them; predicts every output in every cycle."""

    def __init__(self, bench: block_bench.BlockBench) -> None:
        self.bench, self.ports, self.config = bench, bench.ports, bench.config
        self.layers = len(self.config.layers) - 1
        #: Inputs of the next cycle, the error register, and what the machine does with commands: for how many cycles it
        #: works on one, and in which of them it abandons it.
        self.start = self.hold = self.unfinished = self.waiting = self.taken = self.abandoned = False
        self.faults, self.clear, self.error, self.timeout = 0, 0, 0, 0
        self.output_idle = self.noise = True
        self.registers: dict[str, Any] = {"operation": 0, "samples": 0, "batch": 0, "update_shift": [0] * self.layers}
        self.length, self.slow = 3, 0
        self.known = {"pulse_table": True, "switching_table": True, "neurons": False, "gradients": False}
        self.state, self.op = "idle", HostOp.INIT_RANDOM
        self.copied: dict[str, Any] = {}
        self.failed = self.ending = self.loading = False
        self.words = 0
        self.waited = 0
        self._busy = 0
        #: What happened: the bits of every cycle with errors, starts of commands, ends.
        self.happened: list[tuple[int, int]] = []
        self.begun: list[HostOp] = []
        self.ended: list[int] = []
        bench.each_cycle(self._drive, self._sample)

    def _drive(self, cycle: int) -> None:
        ports, rng = self.ports, self.bench.rng
        ready = (
            self.state == "idle"
            or (self.state == "begin" and not self.slow)
            or (self.state == "run" and not self._busy)
        )
        ports.write("command__ready", ready)
        for name in ("start", "hold", "unfinished", "waiting", "taken", "abandoned", "faults", "error", "timeout"):
            ports.write(name, getattr(self, name))
        ports.write("output_idle", self.output_idle)
        for name, value in self.registers.items():
            # what does not begin something means nothing, but for what the command is taken with
            if self.start or not self.noise or (self.state == "begin" and name in ("samples", "batch")):
                ports.write(name, value)
            else:
                ports.write_bits(name, ports.random_bits(name, rng))

    def _errors(self) -> set[Error]:
        """Errors of this cycle."""
        found = {error for at, error in enumerate(_FAULTS) if self.faults >> at & 1}
        if self.start and not self.error:
            if self.state != "idle":
                found.add(Error.BUSY)
            else:
                found |= _refusals(self.config, self.known, self.registers, unfinished=self.unfinished)
        if self.state == "run" and self.waiting and self.timeout and self.waited >= self.timeout:
            found.add(Error.TIMEOUT)
        return found

    def _sample(self, cycle: int) -> None:
        ports, errors = self.ports, self._errors()
        idle, halted = self.state == "idle", any(self.error >> error & 1 for error in HALTING)
        loads = self.loading and not idle
        cut = halted or (self.hold and loads)
        expected: dict[str, Any] = {
            "errors": sum(1 << error for error in errors),
            "busy": not idle,
            "done": self.state == "run" and not self._busy and self.output_idle,
            "command__valid": self.state == "begin",
            "loading": self.loading,
            "discard": halted or (self.hold and (idle or loads)) or (self.ending and loads),
            "flush": idle and (halted or self.hold),
            **self.known,
        }
        if not idle:
            names = ("op", "samples", "batch") if self.state == "begin" else ("op",)
            given = ports.read("command__payload")
            equal(f"cycle {cycle}: command", {n: given[n] for n in names}, {n: self.copied[n] for n in names})
            expected["abort"] = cut or self.ending
            expected["stop"] = self.hold and self.op in _PRESENTS
            if self.op == HostOp.TRAIN:
                expected["update_shifts"] = [
                    update_shift - self.config.offered_shifts[0] for update_shift in self.copied["update_shift"]
                ]
            if self.loading:
                expected["end"] = self.words - 1
        for name, value in expected.items():
            equal(f"cycle {cycle}, {self.state} {self.op.name}: {name}", ports.read(name), value)
        if errors:
            self.happened.append((cycle, expected["errors"]))
        self._move(cycle, errors, cut=cut)

    def _move(self, cycle: int, errors: set[Error], *, cut: bool) -> None:
        """Go on to the next cycle."""
        waits = self.state == "run" and self.waiting and not self.taken
        self.waited = self.waited + 1 if waits else 0
        self.failed |= self.abandoned
        self.ending = self.state != "idle" and (self.ending or cut)
        # a fault of the stream in the same cycle is pending only in the next
        refused = any(error < Error.LABEL for error in errors)
        if self.state == "idle" and self.start and not refused and not self.error:
            self.state, self.op = "begin", HostOp(self.registers["operation"])
            self.copied = {"op": self.op, **self.registers}
            self.loading, self.failed = self.op in _LOADS, False
            section = self.config.program.transfers.get(self.op, ())
            self.words = sum(i.words * (i.rows or i.groups) for i in section)
            for name, ops in _KNOWN.items():
                self.known[name] &= self.op not in ops
        elif self.state == "begin":
            if not self.slow:
                self.begun.append(self.op)
                self.state, self._busy = "run", self.length
            self.slow = max(self.slow - 1, 0)
        elif self.state == "run":
            if not self._busy and self.output_idle:
                self.ended.append(cycle)
                self.state, self.loading = "idle", False
                for name, ops in _KNOWN.items():
                    self.known[name] |= self.op in ops and not self.failed
            self._busy = max(self._busy - 1, 0)
        self.error = (self.error & ~self.clear) | sum(1 << error for error in errors)
        self.start, self.abandoned, self.faults, self.clear = False, False, 0, 0

    def set(self, op: int, samples: int = 1, batch: int = 1, update_shift: list[int] | None = None) -> None:
        """Write the registers; update shifts that are right by default."""
        low = self.config.offered_shifts[0]
        self.registers = {
            "operation": op,
            "samples": samples,
            "batch": batch,
            "update_shift": update_shift or [low] * self.layers,
        }

    async def step(self, cycles: int = 1) -> None:
        """Let cycles pass."""
        await self.bench.clock.step(cycles)

    async def clear_errors(self) -> None:
        """Clear the error register."""
        self.clear = (1 << len(Error)) - 1
        await self.step()

    async def command(self, op: HostOp, *, fails: bool = False, length: int = 3, **registers: Any) -> None:
        """Give a command that is not refused, and let it end; one that fails is abandoned on its way."""
        self.set(op, **registers)
        self.start, self.length = True, length
        begun = len(self.begun)
        await self.step(2)
        equal("begun two cycles later", len(self.begun), begun + 1)
        if fails:
            await self.step(int(self.bench.rng.integers(0, length)))
            self.abandoned = True
            await self.step()
        await self.bench.clock.until(lambda: self.state == "idle")

    async def know(self, wanted: dict[str, bool]) -> None:
        """Make some things known and others not; false where the machine has no load for it."""
        for name, loads in _KNOWN.items():
            if self.known[name] != wanted[name]:
                await self.command(loads[-1], fails=not wanted[name])
        equal("known", self.known, wanted)


async def _around(dut: HierarchyObject) -> _Around:
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around = _Around(bench)
    await around.step()
    return around


def _states(config: MachineConfig) -> list[dict[str, bool]]:
    """All that can be known and not known."""
    tables = [name for name in ("pulse_table", "switching_table") if _KNOWN[name][0] in config.program.transfers]
    always = {name: True for name in ("pulse_table", "switching_table") if name not in tables}
    names = [*tables, "neurons", "gradients"]
    return [
        always | dict(zip(names, values, strict=True)) for values in itertools.product((True, False), repeat=len(names))
    ]


@cocotb.test()
async def errors_of_start(dut: HierarchyObject) -> None:
    """Every operation with every mistake, alone and together with others: which bits are set, and nothing begins."""
    around = await _around(dut)
    config, rng = around.config, around.bench.rng
    low, high = config.offered_shifts[0], config.offered_shifts[-1]
    wrong = [update_shift for update_shift in (0, low - 1, high + 1, 63) if not low <= update_shift <= high]
    right = [low, high, (low + high) // 2]
    seen: Counter[frozenset[Error]] = Counter()
    ways = list(itertools.product((False, True), repeat=4))
    for known in _states(config):
        await around.know(known)
        for op in range(16):
            for no_samples, no_batch, bad_rate, unfinished in ways if op == HostOp.TRAIN else rng.permutation(ways)[:4]:
                update_shift = [int(rng.choice(right)) for _ in range(around.layers)]
                if bad_rate:
                    update_shift[int(rng.integers(0, around.layers))] = int(rng.choice(wrong))
                samples, batch = int(rng.choice([1, (1 << 32) - 1])), int(rng.choice([1, (1 << 16) - 1]))
                around.set(op, samples * (not no_samples), batch * (not no_batch), update_shift)
                around.unfinished = bool(unfinished)
                refused = _refusals(config, around.known, around.registers, unfinished=around.unfinished)
                begun = len(around.begun)
                if not refused and op in (*_LOADS, HostOp.INIT_RANDOM):
                    continue  # what is known would change
                around.start, around.length = True, 1
                await around.step()
                seen[frozenset(refused)] += 1
                await around.step(2)
                equal("commands begun", len(around.begun), begun + (not refused))
                await around.bench.clock.until(lambda: around.state == "idle")
                around.unfinished = False
                await around.clear_errors()
    # every bit of START alone, and all that can come together
    train = [Error.SAMPLES, Error.BATCH, Error.UPDATE_SHIFT, Error.STATE]
    train += [Error.TABLE] if len(_states(config)) > 4 else []
    together = {frozenset(some) for size in range(6) for some in itertools.combinations(train, size)}
    together |= {frozenset({Error.OPERATION}), frozenset({Error.UNFINISHED})}
    together |= {frozenset({Error.LOADABLE})} if len(config.program.transfers) < 7 else set()
    missing = together - seen.keys()
    assert len(missing) <= len(together) // 4, (
        f"{len(missing)} of {len(together)} not seen, such as {list(missing)[:3]}"
    )
    assert {frozenset({error}) for error in {*train, Error.OPERATION, Error.UNFINISHED}} <= seen.keys()
    assert seen.keys() <= together, f"not foreseen: {seen.keys() - together}"


@cocotb.test()
async def start_while_busy_or_with_an_error(dut: HierarchyObject) -> None:
    """START of anything sets BUSY alone while a command is under way, and nothing at all while an error is pending."""
    around = await _around(dut)
    rng = around.bench.rng
    for trial in range(60):
        around.set(HostOp.DUMP_WEIGHTS)
        around.start, around.length = True, int(rng.integers(1, 8))
        around.output_idle = False
        await around.step(1 + trial % 4)  # while it begins, while it runs, while its last word waits
        # while it begins, the command is taken with these two
        samples, batch = (1, 1) if trial % 4 == 0 else (int(rng.integers(0, 2)), int(rng.integers(0, 2)))
        around.set(int(rng.integers(0, 16)), samples, batch, [0] * around.layers)
        around.start, around.unfinished = True, bool(rng.integers(0, 2))
        begun, happened = len(around.begun), len(around.happened)
        await around.step()
        equal("errors", around.happened[happened:], [(around.bench.clock.cycle - 1, 1 << Error.BUSY)])
        # a second one adds nothing
        around.start = True
        await around.step()
        equal("error register", around.error, 1 << Error.BUSY)
        equal("errors of the second", len(around.happened), happened + 1)
        around.output_idle, around.unfinished = True, False
        await around.bench.clock.until(lambda: around.state == "idle")
        equal("commands begun", len(around.begun), begun + (trial % 4 == 0))
        # nothing is under way any more: START is ignored as long as any bit is set
        around.error = 1 << int(rng.integers(0, len(Error)))
        around.set(int(rng.choice([HostOp.INIT_RANDOM, HostOp.TEST, 15])), 0)
        around.start = True
        await around.step(3)
        equal("commands begun with an error", len(around.begun), begun + (trial % 4 == 0))
        await around.clear_errors()
    await around.command(HostOp.INIT_RANDOM)


@cocotb.test()
async def commands(dut: HierarchyObject) -> None:
    """Every command: begun two cycles later as it was at START, over when machine and output say so, then known."""
    around = await _around(dut)
    config, rng = around.config, around.bench.rng
    low, high = config.offered_shifts[0], config.offered_shifts[-1]
    await around.command(HostOp.INIT_RANDOM)
    ops = [op for op in HostOp if op not in _LOADS or op in config.program.transfers]
    for trial in range(8 * len(ops)):
        op = ops[trial % len(ops)]
        fails = op in _LOADS and rng.random() < 0.4
        around.set(
            op,
            int(rng.integers(1, 1 << 32)),
            int(rng.integers(1, 1 << 16)),
            [int(update_shift) for update_shift in rng.integers(low, high + 1, around.layers)],
        )
        if _refusals(config, around.known, around.registers, unfinished=False):
            await around.command(HostOp.INIT_RANDOM)
            for load in _LOADS:
                if load in config.program.transfers:
                    await around.command(load)
            around.set(op, 5, 3, [high] * around.layers)
        around.start, around.length, around.slow = True, int(rng.integers(1, 8)), int(rng.integers(0, 3))
        around.output_idle = False
        await around.step(2 + around.slow)
        if fails:
            await around.step(int(rng.integers(0, around.length)))
            around.abandoned = True
        ended = len(around.ended)
        await around.step(int(rng.integers(1, 12)))
        equal("ended before its last word was taken", len(around.ended), ended)
        around.output_idle = True
        cycle = around.bench.clock.cycle
        await around.bench.clock.until(lambda: around.state == "idle")
        if not around._busy:
            assert around.ended[-1] >= cycle
        await around.step(int(rng.integers(0, 3)))


@cocotb.test()
async def timeout(dut: HierarchyObject) -> None:
    """A word is waited for exactly so many cycles, each word anew; 0 waits for ever; only a command waits."""
    around = await _around(dut)
    rng = around.bench.rng
    await around.command(HostOp.INIT_RANDOM)
    for limit in (1, 2, 3, 17, 100, int(rng.integers(4, 60))):
        for op in (HostOp.TEST, HostOp.LOAD_WEIGHTS):
            around.timeout, around.waiting = limit, True
            await around.step(limit + 3)  # nothing is under way
            around.set(op)
            around.start, around.length = True, 10_000
            await around.step(2)
            # words come in the last cycle that is not too late
            for _ in range(3):
                await around.step(limit - 1)
                around.taken = True
                await around.step()
                around.taken = False
            # or the machine has enough for a while
            await around.step(limit - 1)
            around.waiting = False
            await around.step(int(rng.integers(1, 4)))
            around.waiting = True
            equal("errors so far", len(around.happened), 0)
            begun = around.bench.clock.cycle
            await around.step(limit + 1)
            equal("errors", around.happened, [(begun + limit, 1 << Error.TIMEOUT)])
            await around.step()
            equal("abort", around.ports.read("abort"), 1)
            around._busy, around.waiting = 0, False
            around.happened.clear()
            await around.bench.clock.until(lambda: around.state == "idle")
            await around.clear_errors()
    around.timeout, around.waiting = 0, True
    around.set(HostOp.TEST)
    around.start, around.length = True, 400
    await around.step(300)
    equal("errors without a limit", len(around.happened), 0)
    around.timeout = 5  # a host that waits no longer sets a limit that has passed
    begun = around.bench.clock.cycle
    await around.step()
    equal("errors of a limit that is late", around.happened, [(begun, 1 << Error.TIMEOUT)])


@cocotb.test()
async def faults_and_stops(dut: HierarchyObject) -> None:
    """Faults of the stream and STOP at any time: what the machine and the framer are given, until commands end."""
    around = await _around(dut)
    rng, seen = around.bench.rng, Counter[str]()
    await around.command(HostOp.INIT_RANDOM)
    for trial in range(200):
        op = (
            HostOp.TRAIN,
            HostOp.TEST,
            HostOp.LOAD_WEIGHTS,
            HostOp.DUMP_WEIGHTS,
            HostOp.INIT_RANDOM,
            HostOp.LOAD_NEURONS,
        )[trial % 6]
        around.set(op)
        if _refusals(around.config, around.known, around.registers, unfinished=False):
            await around.command(HostOp.INIT_RANDOM)
            around.set(op)
        around.start, around.length = True, int(rng.integers(4, 12))
        for _ in range(int(rng.integers(10, 20))):
            if rng.random() < 0.06:
                around.faults = 1 << int(rng.integers(0, 3))
            if rng.random() < 0.15:
                around.hold = not around.hold
            # a host may clear a bit while the command is still under way
            if around.error and rng.random() < 0.2:
                around.clear = around.error
            around.abandoned = op in _LOADS and around.state == "run" and around._busy > 0 and rng.random() < 0.05
            seen["ending, and no reason any more"] += around.ending and not around.error and not around.hold
            seen["held and at fault"] += bool(around.hold and around.error)
            await around.step()
        around.hold, around.clear = False, around.error
        await around.bench.clock.until(lambda: around.state == "idle")
        await around.clear_errors()
    assert all(seen.values()), seen
