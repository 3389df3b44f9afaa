"""Synapse array against its golden twin: states, sums, events and the cycle of every answer."""

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs, reference_packets
from cocotb_tests.kit.array_timing import HAZARD, ArrayTiming
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.array.synapse_array import SynapseArray
from golden.config import MachineConfig
from golden.sequencer import HostOp
from sim import block_bench
from sim.drivers import Ports, Regime
from sim.manifest_reader import from_planes, to_planes
from sim.monitors import Transfer

#: Cycles from accepted command to `done` in the least array.
LATENCY = 4
_KINDS = [(synapse, scheme) for synapse in ("ternary", "binary") for scheme in ("blind", "verified")]


@pytest.mark.parametrize("config", configs.cases())
def test_synapse_array(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("synapse_array", config, __name__, public=("states",))


@pytest.mark.parametrize(("synapse", "scheme"), _KINDS)
def test_every_pulse(synapse: str, scheme: str) -> None:
    """All coroutines on the tiny array with every synapse and scheme, and a device whose two directions differ."""
    from golden.config import variant

    config = variant(
        configs.tiny(),
        array={"synapse": synapse, "scheme": scheme, "lanes": 8, "group": 2},
        switching={
            "model": "erf",
            "device": "perpendicular_50nm",
            "current_to_antiparallel": 45e-6,
            "current_to_parallel": 55e-6,
            "code_bits": 4,
            "threshold_bits": 12,
            "width_max": 30e-9,
            "shared_widths": True,
        },
    )
    block_bench.run("synapse_array", config, __name__, public=("states",), tests="every_pulse|random_commands")


@pytest.mark.parametrize(("synapse", "scheme"), _KINDS)
def test_table_that_can_be_loaded(synapse: str, scheme: str) -> None:
    """A small table whose last word is not full, with every synapse and scheme."""
    from golden.config import variant

    config = variant(
        configs.tiny(),
        array={"synapse": synapse, "scheme": scheme, "lanes": 9, "group": 3},
        switching={"code_bits": 2, "threshold_bits": 5, "loadable": True},
    )
    block_bench.run("synapse_array", config, __name__, public=("states",), tests="random_commands|other_tables")


def _arrays() -> list[Any]:
    """Every kind of synapse with every kind of array that an FPGA may want; a handful in the quick tier."""
    quick = [("ternary", "verified", 1, 3, "chains"), ("ternary", "verified", 8, 2, "planes")]
    quick += [("ternary", "blind", 4, 3, "chains"), ("binary", "verified", 2, 1, "chains")]
    return [
        pytest.param(*case, marks=() if case in quick else pytest.mark.slow)
        for kind in _KINDS
        for shape in ((1, 2), (1, 3), (2, 1), (8, 2), (4, 3))
        for adders in ("planes", "chains")
        for case in [(*kind, *shape, adders)]
    ]


@pytest.mark.parametrize(("synapse", "scheme", "slices", "stages", "adders"), _arrays())
def test_slices_and_stages(synapse: str, scheme: str, slices: int, stages: int, adders: str) -> None:
    """Arrays as FPGAs want them: shared writers, more stages, carry chains; the nets with and without sensed errors."""
    config = sliced(synapse=synapse, scheme=scheme, slices=slices, stages=stages, adders=adders)
    if slices == 1:
        config = replace(config, layers=(10, 6, 3), training=replace(config.training, update_shifts=(8, 8)))
    block_bench.run(
        "synapse_array", config, __name__, public=("states",), tests="every_pulse|random_commands|hazard|writes|reset"
    )


def sliced(**array: Any) -> MachineConfig:
    """Make an array of eight lanes."""
    from golden.config import variant

    return variant(
        configs.tiny(),
        array={"lanes": 8, "group": 2} | array,
        switching={"code_bits": 3, "threshold_bits": 8},
        random={"width": 31, "tap": 13, "leap": 9},
    )


class _Answers:
    """Collects of every answer the signals that belong to it; others may hold anything."""

    def __init__(self, ports: Ports, pair: "Pair") -> None:
        self._ports, self._pair = ports, pair
        self.seen: list[Transfer] = []

    def drive(self, cycle: int) -> None:
        """Nothing to drive."""

    def sample(self, cycle: int) -> None:
        """Collect."""
        if self._ports.read("macro__done"):
            assert len(self.seen) < len(self._pair.expected), f"cycle {cycle}: done without a command"
            signals = self._pair.expected[len(self.seen)]
            self.seen.append(Transfer(cycle, {signal: self._ports.read(signal) for signal in signals}))


class Pair:
    """Hardware and golden model, given the same commands."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, config = bench, bench.config
        self.geometry = config.geometry
        self.rows, self.lanes, self.group = config.geometry.rows, config.array.lanes, config.array.group
        self.golden = SynapseArray(config.array, config.switching, config.random, self.rows)
        beside = ("macro__increase", "macro__codes")
        self.source, self.commands = bench.source("macro__command", regime, beside)
        self.done = _Answers(bench.ports, self)
        bench.add(self.done)
        self.ops = bench.ports.described["macro__command__payload"]["fields"]["op"]["values"]
        self.expected: list[dict[str, Any]] = []
        self.sent: list[tuple[str, int]] = []
        self.drive = np.zeros(self.lanes, np.int64)
        self.set_drive(self.drive)
        self.latency, self.writing = LATENCY + config.array.stages - 1, config.array_writing
        self.ops_by_code = {code: op for op, code in self.ops.items()}
        self._timing, self._begun = ArrayTiming(config.array), list[int]()
        bench.each_cycle(sample=self._hazard)

    def _hazard(self, cycle: int) -> None:
        """No command while slices are chosen, or one waits inside until its row has changed; else ready."""
        ready = self.bench.ports.read("macro__command__ready")
        equal(f"cycle {cycle}: ready", ready, cycle >= self._timing.free)
        if ready and self.bench.ports.read("macro__command__valid"):
            command = self.bench.ports.read("macro__command__payload")
            self._begun.append(self._timing.take(cycle, self.ops_by_code[command["op"]], command["row"]))

    def set_drive(self, drive: np.ndarray) -> None:
        """Change the column drive, while no command is under way."""
        self.drive = drive
        planes = to_planes(drive, self.bench.config.error.bits)
        self.bench.ports.write_bits("macro__drive", sum(plane << (at * self.lanes) for at, plane in enumerate(planes)))

    def send(
        self,
        op: str,
        row: int,
        coefficient: int = 0,
        increase: np.ndarray | None = None,
        codes: np.ndarray | None = None,
    ) -> None:
        """Queue a command and let the golden model execute it."""
        golden, rng = self.golden, self.bench.rng
        code_bits = self.bench.config.switching.code_bits
        before = {name: getattr(golden, name) for name in ("products", "pulses", "pulse_width", "switches")}
        answer: dict[str, Any] = {"macro__row": row}
        # what a command does not use may hold anything
        polarity = rng.integers(0, 2, self.lanes) == 1 if increase is None else increase
        widths = rng.integers(0, 1 << code_bits, self.lanes) if codes is None else codes
        if op == "DRIVE_ROW":
            golden.drive_rows(np.array([row]), np.array([coefficient]))
        elif op == "SENSE_ROW":
            answer["macro__row_sum"] = int(golden.sense_rows(slice(row, row + 1), self.drive)[0])
        elif op == "INIT_RANDOM":
            golden.initialise(row)
        elif op == "PULSE":
            switched = golden.pulse(row, polarity.astype(bool), widths.astype(np.uint8))
            answer["macro__lanes"] = sum(int(bit) << lane for lane, bit in enumerate(switched))
        elif op == "WRITE":
            golden.write(row, self.drive & 1, self.drive >> 1 & 1)
        elif op == "READ":
            states = (golden.r1, golden.r2)[coefficient][row]
            answer["macro__lanes"] = sum(int(bit) << lane for lane, bit in enumerate(states))
        answer |= {f"macro__{name}": getattr(golden, name) - value for name, value in before.items()}
        self._queue(op, row, coefficient, polarity, widths)
        self.expected.append(answer)

    def _queue(self, op: str, row: int, coefficient: int, increase: np.ndarray, codes: np.ndarray) -> None:
        self.sent.append((op, row))
        self.source.send(
            {"op": self.ops[op], "row": row, "coefficient": coefficient},
            macro__increase=sum(int(bit) << lane for lane, bit in enumerate(increase)),
            macro__codes=to_planes(codes, self.bench.config.switching.code_bits),
        )

    def sense_columns(self) -> None:
        """Queue the read-out of all groups."""
        nothing = np.zeros(self.lanes, np.int64)
        for sums in self.golden.sense_columns():
            row = int(self.bench.rng.integers(0, self.rows))
            self._queue("SENSE_COLUMNS", row, 0, nothing, nothing)
            events = dict.fromkeys(("macro__products", "macro__pulses", "macro__pulse_width", "macro__switches"), 0)
            self.expected.append({"macro__row": row, "macro__sums": sums, **events})

    async def finish(self, regime: Regime = Regime.RANDOM) -> None:
        """Wait for all answers and compare them, the cycles and the device states."""
        await self.bench.clock.until(lambda: len(self.done.seen) == len(self.expected))
        latencies = [self._timing.latency(op, self.latency) for op, _ in self.sent]
        due = [at + latency for at, latency in zip(self._begun, latencies, strict=True)]
        equal("cycles of done", [seen.cycle for seen in self.done.seen], due)
        for at, (seen, answer, sent) in enumerate(zip(self.done.seen, self.expected, self.sent, strict=True)):
            for name, value in answer.items():
                equal(f"command {at} {sent} {name}", seen.value[name], value)
        if regime is Regime.FLOWING:
            timing, now, when = ArrayTiming(self.bench.config.array), self.commands.cycles[0], []
            for op, row in self.sent:
                when.append(now)
                timing.take(now, op, row)
                now = timing.free
            equal("cycles of the commands", self.commands.cycles, when)
        self.check_states()
        self.commands.clear()
        self._begun.clear()
        self.done.seen.clear()
        self.expected.clear()
        self.sent.clear()

    def check_states(self) -> None:
        """Compare the states of all devices."""
        devices = self.bench.config.array.devices
        words = self.bench.memory("states", self.rows)
        states = np.array([from_planes(word, self.lanes, devices, signed=False) for word in words])
        equal("r1", states & 1, self.golden.r1)
        equal("r2", states >> 1, self.golden.r2)

    async def reset(self) -> None:
        """Reset: streams start again, states stay."""
        await self.bench.clock.reset()
        self._timing = ArrayTiming(self.bench.config.array)
        self._begun.clear()
        self.golden.lfsr.states = self.bench.config.random.seeds(self.bench.config.streams)

    async def initialise(self, *, first: int = 0) -> None:
        """Form all rows from one on."""
        for row in range(first, self.rows):
            self.send("INIT_RANDOM", row)
        await self.finish()


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def random_commands(dut: HierarchyObject, regime: Regime) -> None:
    """All commands in random order, with hazards; one command per cycle but for those, done 4 cycles later."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, regime)
    await pair.initialise()
    limit, g = bench.config.error.limit, bench.config.geometry
    codes = bench.config.switching.codes - 1
    equal("cycle model", bench.config.array_latency, pair.latency + 1)
    equal("cycle model of hazards", cycles.SAME_ROW, HAZARD)
    ops = ["DRIVE_ROW", "SENSE_ROW", "PULSE", "INIT_RANDOM", "SENSE_COLUMNS", "WRITE", "READ"]
    for segment in range(12):
        # no sum that the program forms overflows: neither do these
        most = 1 if g.trit_rows else limit
        drive = bench.integers(-most, most, pair.lanes)
        while np.abs(drive).sum() >= 1 << (g.row_bits - 1):
            drive[bench.rng.integers(0, pair.lanes)] = 0
        pair.set_drive(drive)
        room = (1 << (g.column_bits - 1)) - 1
        rows = bench.rng.integers(0, pair.rows, 2 if segment % 2 else 6)  # few rows: many hazards
        for _ in range(60):
            op = str(bench.rng.choice(ops, p=[0.25, 0.15, 0.25, 0.08, 0.07, 0.08, 0.12]))
            row = int(bench.rng.choice(rows))
            coefficient = int(bench.integers(-limit, limit, 1)[0])
            if op == "DRIVE_ROW" and abs(coefficient) <= room:
                room -= abs(coefficient)
                pair.send(op, row, coefficient)
            elif op in ("SENSE_COLUMNS", "DRIVE_ROW"):
                pair.sense_columns()
                room = (1 << (g.column_bits - 1)) - 1
            elif op == "PULSE":
                active = bench.rng.random(pair.lanes) < bench.rng.random()
                code = bench.integers(0, codes, pair.lanes) * active
                pair.send(op, row, coefficient, bench.rng.integers(0, 2, pair.lanes) == 1, code)
            elif op == "READ":
                pair.send(op, row, int(bench.rng.integers(0, bench.config.array.devices)))
            else:
                pair.send(op, row, coefficient)
        pair.sense_columns()
        await pair.finish(regime)


@cocotb.test()
async def hazard_costs_two_cycles(dut: HierarchyObject) -> None:
    """Changes of one row follow each other in 3 cycles, of different rows in one; reads wait as well."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, Regime.FLOWING)
    await pair.initialise()
    rows = [row % pair.rows for row in (0, 0, 0, 1, 2, 1, 1)]
    for op, then in (("PULSE", "SENSE_ROW"), ("INIT_RANDOM", "READ"), ("WRITE", "READ")):
        for row in rows:
            pair.send(op, row)
        pair.send(then, rows[-1])
        first = len(pair.commands.transfers)
        await bench.clock.until(lambda: pair.source.empty)
        took = np.diff(pair.commands.cycles[first:])
        if pair.rows > 2:
            # 0 0 0: the second and third wait inside, what follows outside; 1 again, one row between: the rest of the
            # wait; a write of slices is longer than 1
            w = pair.writing
            equal(f"cycles between {op}", took, [w, w + 2, w + 2, w, w, max(w, 2), w + 2])
        await pair.finish(Regime.FLOWING)


@cocotb.test()
async def writes_and_reads(dut: HierarchyObject) -> None:
    """Every pair of states in every lane, written and read back; rows beside stay, and no stream moves on."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, Regime.FLOWING)
    await pair.initialise()
    devices, low = bench.config.array.devices, (1 << (bench.config.error.bits - 1)) - 1
    for trial in range(8):
        states = (np.arange(pair.lanes) + trial) % 4 if trial < 4 else bench.rng.integers(0, 4, pair.lanes)
        # planes above the second are of no effect
        above = bench.rng.integers(0, 2, pair.lanes) * (-1 - low)
        pair.set_drive((states | above) if bench.config.error.bits > 2 else (states ^ 2) - 2)
        row = int(bench.rng.integers(0, pair.rows))
        pair.send("WRITE", row)
        equal("r1", pair.golden.r1[row], states & 1)
        for read in [*bench.rng.permutation(pair.rows)[:4].tolist(), row]:
            for device in range(devices):
                pair.send("READ", read, device)
        await pair.finish()
    for row in range(min(pair.rows, 3)):  # what they draw is what it would have been
        pair.send("PULSE", row)
        pair.send("INIT_RANDOM", row)
    await pair.finish()


@cocotb.test()
async def reset_of_one_cycle(dut: Any) -> None:
    """A reset of one cycle at any moment of rows that are driven leaves column sums of 0, and the states."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, Regime.FLOWING)
    pair.set_drive(np.ones(pair.lanes, np.int64))
    pair.send("WRITE", 0)
    await pair.initialise(first=1)
    drives = {"op": pair.ops["DRIVE_ROW"], "row": 0, "coefficient": 1}
    for moment in range(1, pair.latency + 3):
        bench.clock.agents.clear()
        bench.ports.write("macro__command__valid", 1)
        bench.ports.write("macro__command__payload", drives)
        await bench.clock.step(moment)
        dut.rst.value = 1
        await bench.clock.step()
        dut.rst.value = 0
        golden = pair.golden
        pair = Pair(bench, Regime.FLOWING)
        pair.golden.r1[:], pair.golden.r2[:] = golden.r1, golden.r2
        pair.sense_columns()
        pair.send("DRIVE_ROW", 0, 1)
        pair.sense_columns()
        await pair.finish()


@cocotb.test()
async def other_tables(dut: HierarchyObject) -> None:
    """Tables that a host has loaded, word by word, take the place of the one after reset, entry by entry."""
    bench = block_bench.BlockBench(dut)
    config, rng = bench.config, bench.rng
    if not config.switching.loadable:
        return
    await bench.start()
    pair = Pair(bench, Regime.FLOWING)
    await pair.initialise()
    bits, width, golden = config.switching.threshold_bits, 2 * config.array.group, pair.golden
    shape, initial = golden.thresholds.shape, golden.thresholds

    async def pulses() -> None:
        for turn in range(40):
            row = turn % pair.rows
            code = bench.integers(0, config.switching.codes - 1, pair.lanes)
            pair.send("PULSE" if turn % 5 else "INIT_RANDOM", row, 0, rng.integers(0, 2, pair.lanes) == 1, code)
        await pair.finish()

    await pulses()
    for trial in range(5):
        table = rng.integers(1, (1 << bits) + 1, shape)
        if trial < 2:
            table[:] = (1, 1 << bits)[trial]  # the least likely and the certain
        sent = reference_packets.switching(config, table)
        equal("words of the table", len(sent), config.program.transfers[HostOp.LOAD_SWITCHING][0].rows)
        unused = len(sent) * width - table.size * bits
        sent[-1] |= int(rng.integers(0, 1 << unused)) << (width - unused)
        for word in sent:
            group = np.array([word >> e & 1 | (word >> (config.array.group + e) & 1) << 1 for e in range(width // 2)])
            # lanes below the top group, and planes above the second, are of no effect
            drive = rng.integers(0, 4, pair.lanes)
            drive[-len(group) :] = group
            pair.set_drive((drive ^ 2) - 2)
            pair.send("THRESHOLDS", int(rng.integers(0, pair.rows)))
            await bench.clock.until(lambda: len(pair.done.seen) == len(pair.expected))
        golden.thresholds = table.astype(np.uint32)
        await pulses()
    await pair.reset()
    golden.thresholds = initial
    await pair.initialise()
    await pulses()


@cocotb.test()
async def every_pulse(dut: HierarchyObject) -> None:
    """All state pairs x both polarities x all width codes, with words that switch and words that do not."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, Regime.FLOWING)
    await pair.initialise()
    config, golden = bench.config, pair.golden
    codes = config.switching.codes
    pairs = 4 if config.array.devices == 2 else 2
    # both outcomes where both are likely enough to wait for
    missing = {
        (state, increase, code, switches)
        for state in range(pairs)
        for increase in (False, True)
        for code in range(codes)
        for switches in (False, True)
        if _likely(config, state, increase, code, switches)
    }
    for trial in range(4000):
        if not missing:
            break
        row = trial % pair.rows
        state = golden.r1[row] + 2 * golden.r2[row]
        # try what is missing, lane by lane; the outcome is known from a copy of the golden model
        increase, code = bench.rng.integers(0, 2, pair.lanes) == 1, bench.rng.integers(0, codes, pair.lanes)
        wanted: dict[int, list[tuple[bool, int]]] = {}
        for case_state, case_increase, case_code, _ in missing:
            wanted.setdefault(case_state, []).append((case_increase, case_code))
        if bench.rng.random() < 0.25:  # pulses do not lead to every state
            pair.send("INIT_RANDOM", row)
            continue
        for lane in range(pair.lanes):
            choice = sorted(wanted.get(int(state[lane]), []))
            if choice:
                increase[lane], code[lane] = choice[int(bench.rng.integers(0, len(choice)))]
        pair.send("PULSE", row, 0, increase, code)
        after = golden.r1[row] + 2 * golden.r2[row]
        for lane in range(pair.lanes):
            case = (int(state[lane]), bool(increase[lane]), int(code[lane]), bool(after[lane] != state[lane]))
            missing.discard(case)
        if len(pair.expected) > 100:
            await pair.finish()
    if pair.expected:
        await pair.finish()
    assert not missing, f"{len(missing)} cases did not occur, such as {sorted(missing)[:3]}"


def _targets(config: MachineConfig, state: int, increase: bool) -> list[int]:
    """Directions (the first index of the thresholds) in which a pulse can switch a device of this state."""
    directions = []
    for device in range(config.array.devices):
        bit = state >> device & 1
        goal = int(increase) if device == 0 else int(not increase)
        reached = True
        if config.array.scheme == "verified" and config.array.devices == 2:
            first = {True: state == 0, False: bool(state & 1)}[increase]
            second = {True: bool(state & 2), False: state == 0}[increase]
            reached = (first, second)[device]
        if bit != goal and reached:
            directions.append(goal)
    return directions


def _likely(config: MachineConfig, state: int, increase: bool, code: int, switches: bool) -> bool:
    """Whether an outcome has a probability that the test can rely on."""
    stays = 1.0
    for goal in _targets(config, state, increase):
        stays *= 1.0 - float(config.switching.probabilities[goal, code])
    return (1.0 - stays if switches else stays) > 0.05
