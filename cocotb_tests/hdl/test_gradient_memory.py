"""Gradient memory against its golden twin."""

from collections import deque
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig
from golden.gradient_memory import GradientMemory
from sim import block_bench
from sim.drivers import Regime, sink_pattern
from sim.manifest_reader import from_planes, to_planes


@pytest.mark.parametrize(
    ("config", "reset", "adders"),
    configs.crossed(configs.cases(), [(False, "planes"), (True, "chains"), (True, "planes"), (False, "chains")]),
)
def test_gradient_memory(config: MachineConfig, reset: bool, adders: str) -> None:
    """All coroutines of this module, with and without reset on switch, with either kind of adders."""
    from golden.config import variant

    # without a leak nothing is written back, and its logic is absent
    leak = config.gradient.bits if adders == "chains" else min(config.gradient.leak, config.gradient.bits - 1)
    config = variant(config, gradient={"reset_on_switch": reset, "leak": leak}, array={"adders": adders})
    block_bench.run("gradient_memory", config, __name__, public=("sums", "switched_mask") if reset else ("sums",))


class _Switched:
    """Gives which lanes of rows have switched, in order and late, as the array does; noise while it has nothing."""

    def __init__(self, bench: block_bench.BlockBench, golden: GradientMemory, regime: Regime) -> None:
        self.bench, self.golden = bench, golden
        self.pattern = sink_pattern(regime, bench.rng)
        self.queue: deque[tuple[int, np.ndarray]] = deque()
        self.handed = 0  # rows that the memory has handed on, and whose switched lanes may therefore come
        self.given = 0

    def drive(self, cycle: int) -> None:
        """Give the switched lanes of the next pulse if its row has been handed on."""
        ports = self.bench.ports
        ports.write_bits("switched__payload", ports.random_bits("switched__payload", self.bench.rng))
        gives = bool(self.queue) and self.handed > 0 and next(self.pattern)
        ports.write("switched__valid", gives)
        if gives:
            row, lanes = self.queue.popleft()
            bits = sum(int(bit) << lane for lane, bit in enumerate(lanes))
            ports.write("switched__payload", {"row": row, "lanes": bits})
            self.golden.switched(row, lanes)
            self.given += 1
            if not self.queue or self.queue[0][0] != row:
                self.handed -= 1

    def sample(self, cycle: int) -> None:
        """Notice that a row is handed on."""
        ports = self.bench.ports
        if ports.read("row__valid") and ports.read("row__ready"):
            row = ports.read("row__payload")
            self.handed += any(row == switched for switched, _ in self.queue)


class _Pair:
    """Hardware and golden model, given the same commands."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, geometry = bench, bench.config.geometry
        self.rows, self.lanes = geometry.rows, geometry.lanes
        self.bits, self.limit = bench.config.gradient.bits, bench.config.error.limit
        self.golden = GradientMemory(bench.config.gradient, self.rows, self.lanes)
        self.source, self.commands = bench.source("command", regime)
        self.rows_handed = bench.sink("row", regime)
        self.handed: list[tuple[int, list[int]]] = []
        self.ops = bench.ports.described["command__payload"]["fields"]["op"]["values"]
        self.drive = np.zeros(self.lanes, np.int64)
        self.expected: list[tuple[int, list[int]]] = []
        self.updates: list[int] = []
        self.count = 0
        self.switched = _Switched(bench, self.golden, regime)
        bench.add(self.switched)
        bench.each_cycle(sample=self._ready)

    def _ready(self, cycle: int) -> None:
        """The memory stalls for one reason alone: a row that is not taken."""
        ports = self.bench.ports
        offered, taken = ports.read("row__valid"), ports.read("row__ready")
        if offered and taken:
            self.handed.append((ports.read("row__payload"), ports.read("row_sums")))
        stalled = offered and not taken
        equal(f"cycle {cycle}: command ready", ports.read("command__ready"), not stalled)

    def set_drive(self, drive: np.ndarray) -> None:
        """Change the column factor, between passes."""
        self.drive = drive
        self.bench.ports.write_bits("drive", _word(drive, self.bench.config.error.bits))

    def send(self, op: str, row: int, coefficient: int = 0) -> None:
        """Queue a command and let the golden model execute it."""
        self.source.send({"op": self.ops[op], "row": row, "coefficient": coefficient})
        if op == "CLEAR":
            self.golden.clear(row)
        elif op == "UPDATE":
            self.expected.append((row, to_planes(self.golden.sums[row], self.bits)))
            self.updates.append(self.count)
            self.golden.leak(row)
        elif op == "CLEAR_SWITCHED":
            self.golden.clear_switched(slice(row, row + 1))
        else:
            self.golden.accumulate(np.array([row]), np.array([coefficient]), self.drive)
        self.count += 1

    def pulse(self, row: int, lanes: np.ndarray) -> None:
        """Queue the switched lanes of a pulse on a row whose UPDATE has been sent; one or more per row, row by row."""
        self.switched.queue.append((row, lanes))

    async def done(self) -> None:
        """Wait for the end of a pass and of its pulses, and compare everything."""
        ports = self.bench.ports
        await self.bench.clock.until(lambda: self.source.empty and not self.switched.queue and bool(ports.read("idle")))
        # the mask is written a cycle after the lanes were given
        await self.bench.clock.step()
        equal("rows handed on", self.handed, self.expected)
        words = self.bench.memory("sums", self.rows)
        sums = np.array([from_planes(word, self.lanes, self.bits, signed=True) for word in words])
        equal("sums", sums, self.golden.sums)
        if self.bench.config.gradient.reset_on_switch:
            masks = [
                from_planes(word, self.lanes, 1, signed=False) for word in self.bench.memory("switched_mask", self.rows)
            ]
            equal("switched masks", np.array(masks), self.golden.switched_mask.astype(int))

    def begin(self) -> None:
        """Start counting anew."""
        self.commands.clear()
        self.handed.clear()
        self.rows_handed.clear()
        self.expected, self.updates, self.count = [], [], 0


def _word(numbers: np.ndarray, bits: int) -> int:
    return sum(plane << (at * len(numbers)) for at, plane in enumerate(to_planes(numbers, bits)))


async def _cleared(dut: HierarchyObject, regime: Regime) -> tuple[block_bench.BlockBench, _Pair]:
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = _Pair(bench, regime)
    for row in range(pair.rows):
        pair.send("CLEAR", row)
    await pair.done()
    return bench, pair


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def passes(dut: HierarchyObject, regime: Regime) -> None:
    """Passes of all commands over the rows in any order; without stalls one command per cycle, a row 2 cycles later."""
    bench, pair = await _cleared(dut, regime)
    for index in range(24):
        pair.begin()
        trits = index % 3 == 0
        limit = 1 if trits else pair.limit
        pair.set_drive(bench.integers(-limit, limit, pair.lanes))
        ops = ["SCALE_DRIVE", "UPDATE", "SCALE_DRIVE"] if index % 4 else ["SCALE_DRIVE", "UPDATE", "CLEAR"]
        for row in bench.rng.permutation(pair.rows):
            op = ops[int(bench.rng.integers(0, len(ops)))]
            op = "SCALE_TRITS" if trits and op == "SCALE_DRIVE" and bench.rng.random() < 0.7 else op
            limit = pair.limit if op == "SCALE_TRITS" else 0
            coefficient = int(bench.integers(-limit, limit, 1)[0])
            # an event is never zero, and the memory relies on it where the coefficient is the trit
            pair.send(op, int(row), int(bench.rng.choice([-1, 1])) if op == "SCALE_DRIVE" else coefficient)
        await pair.done()
        if regime is Regime.FLOWING:
            first = pair.commands.cycles[0]
            equal("cycles of the commands", pair.commands.cycles, list(range(first, first + pair.rows)))
            equal("cycles of the rows handed on", pair.rows_handed.cycles, [first + at + 2 for at in pair.updates])


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def masks_of_switched_lanes(dut: HierarchyObject, regime: Regime) -> None:
    """Passes that update, with pulses per row, and clear what has switched, amid some that accumulate or clear"""
    bench, pair = await _cleared(dut, regime)
    resets, cleared = bench.config.gradient.reset_on_switch, 0
    for index in range(60):
        pair.begin()
        kind = bench.rng.choice(["update", "accumulate", "clear"], p=[0.45, 0.45, 0.1])
        pair.set_drive(bench.integers(-pair.limit, pair.limit, pair.lanes))
        # few rows in some passes, so that one row is the last of a pass and the first of the next
        rows = bench.rng.permutation(pair.rows)[: int(bench.rng.choice([1, 2, pair.rows]))]
        rows = rows if index % 3 else np.minimum(np.arange(len(rows)), pair.rows - 1)
        for row in map(int, rows):
            if kind == "update":
                pair.send("UPDATE", row)
                for _ in range(int(bench.rng.integers(0, 4))):
                    pair.pulse(row, bench.rng.random(pair.lanes) < bench.rng.choice([0.0, 0.3, 1.0]))
            else:
                coefficient = int(bench.rng.choice([-1, 1]))
                pair.send("CLEAR" if kind == "clear" else "SCALE_DRIVE", row, coefficient)
        await pair.done()
        if kind == "update" and resets:
            switched, before = pair.golden.switched_mask.copy(), pair.golden.sums.copy()
            # all rows or those with switched lanes, now and then cleared instead
            op = "CLEAR" if bench.rng.random() < 0.1 else "CLEAR_SWITCHED"
            for row in bench.rng.permutation(np.flatnonzero(switched.any(axis=1)) if index % 2 else pair.rows):
                pair.send(op, int(row))
            await pair.done()
            cleared += int(np.count_nonzero(before[switched]))
    assert pair.switched.given > 50
    assert (cleared > 0) == resets, "no sum was cleared"


@cocotb.test()
async def pulses_of_one_row_add_up(dut: HierarchyObject) -> None:
    """All pulses of one UPDATE count, whatever comes between them; those of an earlier pass do not come back."""
    bench, pair = await _cleared(dut, Regime.FLOWING)
    if not bench.config.gradient.reset_on_switch:
        return
    lanes = np.arange(pair.lanes)
    pair.set_drive(np.full(pair.lanes, pair.limit))
    row, other, last = 0, pair.rows - 1, pair.lanes - 1

    async def round_(*pulses: tuple[int, int]) -> None:
        """Accumulate, update and clear both rows; every pulse names a row and the lane that switched, -1 for none."""
        pair.begin()
        for op in ("SCALE_DRIVE", "UPDATE", "CLEAR_SWITCHED"):
            for at in dict.fromkeys((row, other)):
                pair.send(op, at, 1)
                for switched, lane in pulses if op == "UPDATE" else ():
                    if switched == at:
                        pair.pulse(at, lanes == lane)
            await pair.done()

    # three pulses of one row, the last without effect; then the other row, whose mask is none of the first's
    await round_((row, 0), (row, last), (row, -1), (other, last // 2))
    await round_()
    # the last pulse of a pass and the first of the next are the same row's
    await round_((other, 0))
    await round_((other, last))
    for lane in range(pair.lanes):
        await round_((row, lane))
    await round_((row, 0), (row, 0), (other, 0), (other, last))
    await round_((row, -1), (other, -1))


@cocotb.test()
async def clears_two_cycles_after_the_last_pulse(dut: HierarchyObject) -> None:
    """A CLEAR_SWITCHED finds the lanes that were given 2 cycles before."""
    bench, pair = await _cleared(dut, Regime.FLOWING)
    if not bench.config.gradient.reset_on_switch:
        return
    pair.set_drive(np.full(pair.lanes, pair.limit))
    pair.send("SCALE_DRIVE", 0, 1)
    await pair.done()
    pair.send("UPDATE", 0)
    pair.pulse(0, np.arange(pair.lanes) % 2 == 0)
    given: list[int] = []
    bench.each_cycle(sample=lambda cycle: given.append(cycle) if bench.ports.read("switched__valid") else None)
    await bench.clock.until(lambda: bool(given))
    while bench.clock.cycle < given[0] + 2:
        await bench.clock.step()
    pair.send("CLEAR_SWITCHED", 0)
    await pair.done()
    equal("cycle of CLEAR_SWITCHED", pair.commands.cycles[-1] - given[0], 2)
    equal("sums of 0", pair.golden.sums[0] == 0, np.arange(pair.lanes) % 2 == 0)


@cocotb.test()
async def saturates_at_both_limits(dut: HierarchyObject) -> None:
    """Sums run into both limits and stay there, by either factor; then they leak and come back from there."""
    bench, pair = await _cleared(dut, Regime.FLOWING)
    top = 1 << (pair.bits - 1)
    for op in ("SCALE_DRIVE", "SCALE_TRITS"):
        limit = pair.limit if op == "SCALE_DRIVE" else 1
        drive = np.where(np.arange(pair.lanes) % 2, limit, -limit)
        pair.set_drive(drive)
        step = 1 if op == "SCALE_DRIVE" else pair.limit
        for sign in (1, -1):
            for _ in range(2 * top // pair.limit + 3):
                pair.send(op, 0, sign * step)
                await bench.clock.until(lambda: pair.source.empty and bool(bench.ports.read("idle")))
            assert set(map(int, pair.golden.sums[0])) == {-top, top - 1}, "the test did not reach the limits"
            await pair.done()
        for command in ("UPDATE", op, "UPDATE"):
            pair.send(command, 0, step if command == op else 0)
            await pair.done()


@cocotb.test()
async def leaks_every_value(dut: Any) -> None:
    """All values that a sum can have (of wide sums a random part), written into the memory, leak as in the model."""
    bench, pair = await _cleared(dut, Regime.FLOWING)
    values = bench.rng.permutation(np.arange(-(1 << (pair.bits - 1)), 1 << (pair.bits - 1)))[:4000]
    values = np.resize(values, -(-len(values) // (pair.rows * pair.lanes)) * pair.rows * pair.lanes)
    for sums in values.reshape(-1, pair.rows, pair.lanes):
        pair.golden.sums[:] = sums
        for row in range(pair.rows):
            dut.sums[row].value = _word(sums[row], pair.bits)
        await bench.clock.step()
        for row in range(pair.rows):
            pair.send("UPDATE", row)
        await pair.done()


@cocotb.test()
async def writes_back_in_four_cycles(dut: HierarchyObject) -> None:
    """A row is written in cycle 3 after its command; in the next the memory is idle, and the row can be used again."""
    bench, pair = await _cleared(dut, Regime.FLOWING)
    pair.set_drive(bench.integers(1, pair.limit, pair.lanes))
    row = pair.rows - 1
    idle: list[int] = []
    bench.each_cycle(sample=lambda _: idle.append(bench.ports.read("idle")))
    for _ in range(5):
        before, idle[:] = bench.memory("sums", pair.rows)[row], []
        pair.send("SCALE_DRIVE", row, 1)
        after = _word(pair.golden.sums[row], pair.bits)
        for cycle in range(4):
            equal(f"sums {cycle} cycles after the command", bench.memory("sums", pair.rows)[row], before)
            await bench.clock.step()
        equal("sums 4 cycles after the command", bench.memory("sums", pair.rows)[row], after)
        # no cycle of rest: the next command, 4 cycles after this one, finds the new sums
        equal("idle", idle, [1, 0, 0, 0])
        equal("cycle model", cycles.GRADIENT, len(idle))
        equal("idle again", bench.ports.read("idle"), 1)
    await pair.done()
    equal("cycles of the commands", np.diff(pair.commands.cycles[-5:]), [4, 4, 4, 4])
