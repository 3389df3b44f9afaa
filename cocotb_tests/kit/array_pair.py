"""A synapse array and its golden twin, given the same commands."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from cocotb.handle import HierarchyObject
from numpy.typing import NDArray

from cocotb_tests.kit import reference_packets
from cocotb_tests.kit.array_timing import ArrayTiming
from cocotb_tests.kit.checkers import equal
from golden.array.synapse_array import SynapseArray
from golden.sequencer import HostOp
from sim.block_bench import BlockBench
from sim.drivers import Ports, Regime
from sim.manifest_reader import from_planes, to_planes
from sim.monitors import Transfer

#: Cycles from accepted command to `done` in the least array, and those that converters add.
LATENCY, CONVERSION = 4, 2
#: What an answer counts.
_EVENTS = ("products", "pulses", "pulse_width", "switches")


def _bits(lanes: NDArray[Any]) -> int:
    """Word with a bit per lane."""
    return sum(int(bit) << lane for lane, bit in enumerate(lanes))


class _Answers:
    """Collects of every answer the signals that belong to it; others may hold anything."""

    def __init__(self, ports: Ports, expected: list[dict[str, Any]]) -> None:
        self._ports, self._expected = ports, expected
        self.seen: list[Transfer] = []

    def drive(self, cycle: int) -> None:
        """Nothing to drive."""

    def sample(self, cycle: int) -> None:
        """Collect."""
        if self._ports.read("macro__done"):
            assert len(self.seen) < len(self._expected), f"cycle {cycle}: done without a command"
            signals = self._expected[len(self.seen)]
            self.seen.append(Transfer(cycle, {signal: self._ports.read(signal) for signal in signals}))


class ArrayPair:
    """Hardware and golden model, given the same commands.

    Parameters
    ----------
    bench : BlockBench
        An array, with its states public.
    regime : Regime
        How commands are offered.

    Attributes
    ----------
    golden : SynapseArray
        The golden model, which has executed everything that was sent.
    drive : ndarray of int64, shape (lanes,)
        The column drive.
    latency, writing : int
        Cycles from a command to its answer beyond those of a write, and cycles of a write.
    """

    def __init__(self, bench: BlockBench, regime: Regime) -> None:
        self.bench, config, geometry = bench, bench.config, bench.config.geometry
        self.rows, self.lanes = geometry.rows, config.array.lanes
        widths = {"column_bits": geometry.column_bits, "row_bits": geometry.row_bits}
        self.golden = SynapseArray(config.array, config.switching, config.random, self.rows, config.nonideal, **widths)
        self._initial = self.golden.thresholds
        beside = ("macro__increase", "macro__codes")
        self.source, self.commands = bench.source("macro__command", regime, beside)
        self._expected: list[dict[str, Any]] = []
        self._sent: list[tuple[str, int]] = []
        self._answers = _Answers(bench.ports, self._expected)
        bench.add(self._answers)
        self.ops = bench.ports.described["macro__command__payload"]["fields"]["op"]["values"]
        self._names = {code: op for op, code in self.ops.items()}
        self.latency = LATENCY + config.array.stages - 1 + CONVERSION * config.nonideal.converting
        self.writing = config.array_writing
        self._timing, self._begun = ArrayTiming(config.array), list[int]()
        self.set_drive(np.zeros(self.lanes, np.int64))
        bench.each_cycle(sample=self._check_ready)

    @property
    def pending(self) -> int:
        """Commands that `finish` has not compared."""
        return len(self._expected)

    def _check_ready(self, cycle: int) -> None:
        """No command while slices are chosen, or one waits inside until its row has changed; else ready."""
        ready = self.bench.ports.read("macro__command__ready")
        equal(f"cycle {cycle}: ready", ready, cycle >= self._timing.free)
        if ready and self.bench.ports.read("macro__command__valid"):
            command = self.bench.ports.read("macro__command__payload")
            self._begun.append(self._timing.take(cycle, self._names[command["op"]], command["row"]))

    def set_drive(self, drive: NDArray[np.int64]) -> None:
        """Change the column drive, while no command is under way."""
        self.drive = drive
        planes = to_planes(drive, self.bench.config.error.bits)
        self.bench.ports.write_bits("macro__drive", sum(plane << (at * self.lanes) for at, plane in enumerate(planes)))

    def send(
        self,
        op: str,
        row: int | None = None,
        coefficient: int = 0,
        increase: NDArray[np.bool_] | None = None,
        codes: NDArray[Any] | None = None,
    ) -> None:
        """Queue a command and let the golden model execute it; what is not given may be anything.

        SENSE_COLUMNS stands for as many commands as there are groups.
        """
        rng, code_bits = self.bench.rng, self.bench.config.switching.code_bits
        before = {name: getattr(self.golden, name) for name in _EVENTS}
        row = int(rng.integers(0, self.rows)) if row is None else row
        polarity = (rng.integers(0, 2, self.lanes) if increase is None else increase).astype(np.bool_)
        widths = (rng.integers(0, 1 << code_bits, self.lanes) if codes is None else codes).astype(np.uint8)
        answers = self._execute(op, row, coefficient, polarity, widths)
        events = {f"macro__{name}": getattr(self.golden, name) - value for name, value in before.items()}
        for answer in answers:
            self.source.send(
                {"op": self.ops[op], "row": row, "coefficient": coefficient},
                macro__increase=_bits(polarity),
                macro__codes=to_planes(widths, code_bits),
            )
            self._expected.append({"macro__row": row} | answer | events)
            self._sent.append((op, row))

    def _execute(
        self, op: str, row: int, coefficient: int, increase: NDArray[np.bool_], codes: NDArray[np.uint8]
    ) -> list[dict[str, Any]]:
        """Let the golden model execute a command; return what it answers, but for row and events."""
        golden, (one, two) = self.golden, (self.drive & 1, self.drive >> 1 & 1)
        if op == "DRIVE_ROW":
            golden.drive_rows(np.array([row]), np.array([coefficient]))
        elif op == "SENSE_ROW":
            return [{"macro__row_sum": int(golden.sense_rows(slice(row, row + 1), self.drive)[0])}]
        elif op == "SENSE_COLUMNS":
            return [{"macro__sums": sums} for sums in golden.sense_columns()]
        elif op == "INIT_RANDOM":
            golden.initialise(row)
        elif op == "PULSE":
            return [{"macro__lanes": _bits(golden.pulse(row, increase, codes))}]
        elif op == "WRITE":
            golden.write(row, one, two)
        elif op == "READ":
            return [{"macro__lanes": _bits((golden.r1, golden.r2)[coefficient][row])}]
        elif op == "SEED":
            golden.seed(coefficient & 3, one == 1)
        return [{}]

    def send_random(self, count: int, rows: Sequence[int], weights: Mapping[str, float]) -> None:
        """Queue random commands to some rows, by weight; then all columns are sensed.

        The drive is random too; no sum that the program forms overflows, neither do these.
        """
        bench, rng, geometry = self.bench, self.bench.rng, self.bench.config.geometry
        limit, switching = bench.config.error.limit, bench.config.switching
        most = 1 if geometry.trit_rows else limit
        drive = bench.integers(-most, most, self.lanes)
        while np.abs(drive).sum() >= 1 << (geometry.row_bits - 1):
            drive[rng.integers(0, self.lanes)] = 0
        self.set_drive(drive)
        all_room = room = (1 << (geometry.column_bits - 1)) - 1
        for _ in range(count):
            op, row = str(rng.choice(list(weights), p=list(weights.values()))), int(rng.choice(rows))
            coefficient = int(bench.integers(-limit, limit, 1)[0])
            if op == "READ":
                coefficient = int(rng.integers(0, bench.config.array.devices))
            elif op == "DRIVE_ROW" and abs(coefficient) > room:
                op = "SENSE_COLUMNS"
            room = all_room if op == "SENSE_COLUMNS" else room - abs(coefficient) * (op == "DRIVE_ROW")
            active = rng.random(self.lanes) < rng.random()
            self.send(op, row, coefficient, codes=bench.integers(0, switching.codes - 1, self.lanes) * active)
        self.send("SENSE_COLUMNS")

    async def load_table(self, table: NDArray[np.int64]) -> None:
        """Load a switching table, word by word; what a word has no use for may be anything."""
        config, rng = self.bench.config, self.bench.rng
        group, width = config.array.group, 2 * config.array.group
        words = reference_packets.switching(config, table)
        equal("words of the table", len(words), config.program.transfers[HostOp.LOAD_SWITCHING][0].rows)
        unused = len(words) * width - table.size * config.switching.threshold_bits
        words[-1] |= int(rng.integers(0, 1 << unused)) << (width - unused)
        for word in words:
            # lanes below the top group, and planes above the second, are of no effect
            drive = rng.integers(0, 4, self.lanes)
            drive[-group:] = [word >> e & 1 | (word >> (group + e) & 1) << 1 for e in range(group)]
            self.set_drive((drive ^ 2) - 2)
            self.send("THRESHOLDS")
            await self._answered()
        self.golden.thresholds = table.astype(np.uint32)

    async def _answered(self) -> None:
        await self.bench.clock.until(lambda: len(self._answers.seen) == len(self._expected))

    async def finish(self, regime: Regime = Regime.RANDOM) -> None:
        """Wait for all answers and compare them, their cycles, those of the commands, and the device states."""
        await self._answered()
        latencies = [self._timing.latency(op, self.latency) for op, _ in self._sent]
        due = [at + latency for at, latency in zip(self._begun, latencies, strict=True)]
        equal("cycles of done", [seen.cycle for seen in self._answers.seen], due)
        for at, (seen, answer, sent) in enumerate(zip(self._answers.seen, self._expected, self._sent, strict=True)):
            for name, value in answer.items():
                equal(f"command {at} {sent} {name}", seen.value[name], value)
        if regime is Regime.FLOWING:
            timing, now, when = ArrayTiming(self.bench.config.array), self.commands.cycles[0], []
            for op, row in self._sent:
                when.append(now)
                timing.take(now, op, row)
                now = timing.free
            equal("cycles of the commands", self.commands.cycles, when)
        self._check_states()
        self.commands.clear()
        for record in (self._begun, self._answers.seen, self._expected, self._sent):
            record.clear()

    def _check_states(self) -> None:
        """Compare the states of all devices."""
        devices = self.bench.config.array.devices
        words = self.bench.memory("states", self.rows)
        states = np.array([from_planes(word, self.lanes, devices, signed=False) for word in words])
        equal("r1", states & 1, self.golden.r1)
        equal("r2", states >> 1, self.golden.r2)

    async def reset(self) -> None:
        """Reset: streams and table start again, states stay."""
        await self.bench.clock.reset()
        self._timing = ArrayTiming(self.bench.config.array)
        self._begun.clear()
        self.golden.lfsr.states = self.bench.config.random.seeds(self.bench.config.streams)
        self.golden.thresholds = self._initial

    async def initialise(self, *, first: int = 0) -> None:
        """Form all rows from one on."""
        for row in range(first, self.rows):
            self.send("INIT_RANDOM", row)
        await self.finish()


async def initialised(dut: HierarchyObject, regime: Regime = Regime.FLOWING) -> ArrayPair:
    """Reset an array and form all rows."""
    bench = BlockBench(dut)
    await bench.start()
    pair = ArrayPair(bench, regime)
    await pair.initialise()
    return pair
