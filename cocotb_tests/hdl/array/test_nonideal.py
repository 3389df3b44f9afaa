"""An array with all that may be wrong with it against its golden twin, and the loading of its streams and tables."""

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs, reference_packets
from cocotb_tests.kit.array_timing import ArrayTiming
from cocotb_tests.kit.checkers import equal
from golden.array.converter import ConverterParameters
from golden.array.synapse_array import SynapseArray
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime
from sim.manifest_reader import from_planes, to_planes
from sim.monitors import Watch

DEVICE: dict[str, Any] = {
    "model": "erf",
    "device": "perpendicular_50nm",
    "current_to_antiparallel": 45e-6,
    "current_to_parallel": 55e-6,
    "code_bits": 3,
    "threshold_bits": 10,
    "width_max": 30e-9,
}
VARIATION: dict[str, Any] = {"switching": DEVICE | {"variation_bins": 8, "variation": 0.05}}
#: A table that can be loaded, of two device bins.
TABLE: dict[str, Any] = {"code_bits": 2, "threshold_bits": 7, "variation_bins": 2, "variation": 0.05, "loadable": True}
STUCK: dict[str, Any] = {"nonideal": {"stuck_parallel": 0.1, "stuck_antiparallel": 0.15, "stuck": ((3, 2, 0, 1),)}}
#: Noise on either side or both, offsets, saturation, steps.
COLUMNS, ROWS = ConverterParameters(3, 1, 2, 4, 1), ConverterParameters(0, 0, 1, 6, 0)
CONVERTERS: dict[str, Any] = {
    "both": {"columns": COLUMNS, "rows": ROWS},
    "columns": {"columns": replace(COLUMNS, offset=0)},
    "rows": {"rows": replace(ROWS, bits=2, step=1, noise=0)},
}
LOADABLE: dict[str, Any] = {"random": {"loadable": True}}
KINDS = [(synapse, scheme) for synapse in ("ternary", "binary") for scheme in ("blind", "verified")]


def array_config(
    synapse: str = "ternary", scheme: str = "verified", shape: dict[str, Any] | None = None, **blocks: Any
) -> MachineConfig:
    """Make an array of 12 lanes with something wrong."""
    from golden.config import variant

    shape = {"synapse": synapse, "scheme": scheme, "lanes": 12, "group": 3} | (shape or {})
    return variant(configs.tiny(), array=shape, **blocks)


def _run(config: MachineConfig, tests: str = "commands") -> None:
    block_bench.run("synapse_array", config, __name__, public=("states",), tests=tests)


@pytest.mark.parametrize(("synapse", "scheme"), KINDS)
def test_spread_and_stuck(synapse: str, scheme: str) -> None:
    """Devices of eight device bins, a quarter of them stuck, with every synapse and scheme."""
    _run(array_config(synapse, scheme, **VARIATION, **STUCK))


@pytest.mark.parametrize("name", CONVERTERS)
def test_converters(name: str) -> None:
    """Noise, offset, steps and saturation; `done` comes two cycles later."""
    _run(array_config(nonideal=CONVERTERS[name]))


@pytest.mark.parametrize(("synapse", "scheme"), [("ternary", "blind"), ("binary", "verified")])
def test_everything(synapse: str, scheme: str) -> None:
    """All at once, and random streams that can be loaded."""
    _run(
        array_config(synapse, scheme, **VARIATION, **LOADABLE, nonideal=STUCK["nonideal"] | CONVERTERS["both"]),
        "commands|load",
    )


@pytest.mark.parametrize(("synapse", "scheme"), [("ternary", "verified"), ("binary", "blind")])
def test_other_tables(synapse: str, scheme: str) -> None:
    """Tables of two device bins are loaded, between converters and stuck devices."""
    wrong = STUCK["nonideal"] | CONVERTERS["both"]
    _run(array_config(synapse, scheme, switching=DEVICE | TABLE, nonideal=wrong), "commands|other_tables")


@pytest.mark.parametrize(
    ("synapse", "scheme", "slices", "stages"), configs.crossed(KINDS, [(1, 3), (2, 2), (4, 1), (4, 3)])
)
def test_slices(synapse: str, scheme: str, slices: int, stages: int) -> None:
    """All at once on slices of lanes: bins and stuck devices of the slice, streams of one slice, a loaded table."""
    shape = {"slices": slices, "stages": stages, "adders": "chains" if slices > 1 else "planes"}
    wrong = STUCK["nonideal"] | CONVERTERS["both"]
    config = array_config(synapse, scheme, shape, switching=DEVICE | TABLE, **LOADABLE, nonideal=wrong)
    _run(config, "commands|load|other_tables")


@pytest.mark.parametrize("width", [5, 63])
def test_load(width: int) -> None:
    """Streams are loaded at run time."""
    tap = {5: 2, 63: 31}[width]
    small = {"threshold_bits": 4} if width == 5 else {}
    random = {"loadable": True, "width": width, "tap": tap, "leap": 5}
    _run(array_config(random=random, switching=small), "load")


# ---------------------------------------------------------------- inside the simulation


class Pair:
    """Hardware and golden model, given the same commands."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, config = bench, bench.config
        geometry, nonideal = config.geometry, config.nonideal
        self.rows, self.lanes = geometry.rows, config.array.lanes
        self.golden = SynapseArray(
            config.array,
            config.switching,
            config.random,
            self.rows,
            nonideal,
            column_bits=geometry.column_bits,
            row_bits=geometry.row_bits,
        )
        self.source, self.commands = bench.source("macro__command", regime, ("macro__increase", "macro__codes"))
        self.events = ("products", "pulses", "pulse_width", "switches")
        signals = [f"macro__{name}" for name in ("row", "sums", "row_sum", "lanes", *self.events)]
        self.done = Watch(bench.ports, "macro__done", *signals)
        bench.add(self.done)
        self.ops = bench.ports.described["macro__command__payload"]["fields"]["op"]["values"]
        self.expected: list[dict[str, Any]] = []
        self.sent: list[tuple[str, int]] = []
        self._course = ArrayTiming(config.array)
        self.set_drive(np.zeros(self.lanes, np.int64))

    def set_drive(self, drive: np.ndarray) -> None:
        """Change the column drive, while no command is under way."""
        self.drive = drive
        planes = to_planes(drive, self.bench.config.error.bits)
        self.bench.ports.write_bits("macro__drive", sum(plane << (at * self.lanes) for at, plane in enumerate(planes)))

    def send(self, op: str, row: int = 0, coefficient: int = 0) -> None:
        """Queue a command with random pulses, and let the golden model execute it."""
        golden, rng = self.golden, self.bench.rng
        before = {name: getattr(golden, name) for name in self.events}
        increase = rng.integers(0, 2, self.lanes) == 1
        codes = rng.integers(0, 1 << self.bench.config.switching.code_bits, self.lanes).astype(np.uint8)
        answers: list[dict[str, Any]] = [{"macro__row": row}]
        if op == "DRIVE_ROW":
            golden.drive_rows(np.array([row]), np.array([coefficient]))
        elif op == "SENSE_COLUMNS":
            answers = [{"macro__sums": sums.tolist()} for sums in golden.sense_columns()]
        elif op == "SENSE_ROW":
            answers[0]["macro__row_sum"] = int(golden.sense_rows(slice(row, row + 1), self.drive)[0])
        elif op == "INIT_RANDOM":
            golden.initialise(row)
        elif op == "PULSE":
            switched = golden.pulse(row, increase, codes)
            answers[0]["macro__lanes"] = sum(int(bit) << lane for lane, bit in enumerate(switched))
        elif op == "WRITE":
            golden.write(row, self.drive & 1, self.drive >> 1 & 1)
        elif op == "READ":
            states = (golden.r1, golden.r2)[coefficient][row]
            answers[0]["macro__lanes"] = sum(int(bit) << lane for lane, bit in enumerate(states))
        elif op == "SEED":
            golden.seed(coefficient & 3, self.drive & 1 == 1)
        for answer in answers:
            answer |= {f"macro__{name}": getattr(golden, name) - value for name, value in before.items()}
            self.source.send(
                {"op": self.ops[op], "row": row, "coefficient": coefficient},
                macro__increase=sum(int(bit) << lane for lane, bit in enumerate(increase)),
                macro__codes=to_planes(codes, self.bench.config.switching.code_bits),
            )
            self.expected.append(answer)
            self.sent.append((op, row))

    async def finish(self) -> None:
        """Wait for all answers and compare them, their cycles and the device states."""
        await self.bench.clock.until(lambda: len(self.done.seen) == len(self.expected))
        config, when = self.bench.config, []
        for at, (op, row) in zip(self.commands.cycles, self.sent, strict=True):
            when.append(self._course.take(at, op, row) + self._course.latency(op, config.array_latency - 1))
        equal("cycles of done", [seen.cycle for seen in self.done.seen], when)
        for at, (seen, answer) in enumerate(zip(self.done.seen, self.expected, strict=True)):
            for name, value in answer.items():
                equal(f"command {at} {name}", seen.value[name], value)
        words = self.bench.memory("states", self.rows)
        states = np.array(
            [from_planes(word, self.lanes, self.bench.config.array.devices, signed=False) for word in words]
        )
        equal("r1", states & 1, self.golden.r1)
        equal("r2", states >> 1, self.golden.r2)
        self.commands.clear()
        self.done.seen.clear()
        self.expected.clear()
        self.sent.clear()


async def _pair(dut: HierarchyObject, regime: Regime) -> Pair:
    """Reset and initialise."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    pair = Pair(bench, regime)
    for row in range(pair.rows):
        pair.send("INIT_RANDOM", row)
    await pair.finish()
    return pair


@cocotb.test()
@cocotb.parametrize(regime=(Regime.FLOWING, Regime.RANDOM))
async def commands(dut: HierarchyObject, regime: Regime) -> None:
    """All commands in random order, most of them pulses and sums."""
    pair = await _pair(dut, regime)
    bench, g, limit = pair.bench, pair.bench.config.geometry, pair.bench.config.error.limit
    ops = ["DRIVE_ROW", "SENSE_COLUMNS", "SENSE_ROW", "PULSE", "INIT_RANDOM", "SEED", "WRITE", "READ"]
    for _ in range(6):
        drive = bench.integers(-limit, limit, pair.lanes)
        while np.abs(drive).sum() >= 1 << (g.row_bits - 1):
            drive[bench.rng.integers(0, pair.lanes)] = 0
        pair.set_drive(drive)
        room = (1 << (g.column_bits - 1)) - 1
        for _ in range(80):
            op = str(bench.rng.choice(ops, p=[0.23, 0.1, 0.15, 0.3, 0.05, 0.02, 0.05, 0.1]))
            coefficient = int(bench.integers(-limit, limit, 1)[0])
            if op == "READ":
                coefficient = int(bench.rng.integers(0, bench.config.array.devices))
            if op == "DRIVE_ROW" and abs(coefficient) > room:
                op = "SENSE_COLUMNS"
            room -= abs(coefficient) if op == "DRIVE_ROW" else 0
            room = (1 << (g.column_bits - 1)) - 1 if op == "SENSE_COLUMNS" else room
            pair.send(op, int(bench.rng.integers(0, pair.rows)), coefficient)
        pair.send("SENSE_COLUMNS")
        await pair.finish()


@cocotb.test()
async def load(dut: HierarchyObject) -> None:
    """Every bank is loaded, then drawn from; states that were to be zero are repaired, and the draws show it."""
    pair = await _pair(dut, Regime.FLOWING)
    bench, width = pair.bench, pair.bench.config.random.width
    banks = [pair.golden.lfsr, pair.golden.column_converters.lfsr, pair.golden.row_converter.lfsr]
    for _ in range(3):
        bits = bench.rng.integers(0, 2, (4, width, pair.lanes))
        # a load of zeros, and the least and most of leading and trailing ones
        bits[:, :, 0] = 0
        bits[:, :, 1] = np.arange(width) == 0
        bits[:, :, 2] = np.arange(width) == width - 1
        for number in range(4):
            for plane in bits[number]:
                pair.set_drive(plane)
                pair.send("SEED", 0, number - 4 * (number > 1))
                await pair.finish()
        loaded = (bits << np.arange(width)[:, None]).sum(axis=1, dtype=np.uint64)
        loaded[loaded == 0] = 1 << (width - 1)
        array = pair.bench.config.array
        lanes = loaded[: array.streams_per_lane, : array.slice_lanes].reshape(-1)
        for lfsr, states in zip(banks, (lanes, loaded[2], loaded[3]), strict=True):
            equal("states", lfsr.states, states[: len(lfsr.states)])
        for row in range(pair.rows):
            pair.send("PULSE", row)
            pair.send("SENSE_ROW", row)
            pair.send("SENSE_COLUMNS")
        for row in range(4):
            pair.send("INIT_RANDOM", row)
        await pair.finish()


@cocotb.test()
async def other_tables(dut: HierarchyObject) -> None:
    """Tables for all device bins that a host has loaded."""
    pair = await _pair(dut, Regime.FLOWING)
    bench, golden, group = pair.bench, pair.golden, pair.bench.config.array.group
    for _ in range(3):
        table = bench.rng.integers(1, (1 << bench.config.switching.threshold_bits) + 1, golden.thresholds.shape)
        for word in reference_packets.switching(bench.config, table):
            drive = np.zeros(pair.lanes, np.int64)
            drive[-group:] = [word >> e & 1 | (word >> (group + e) & 1) << 1 for e in range(group)]
            pair.set_drive((drive ^ 2) - 2)
            pair.send("THRESHOLDS")
            await bench.clock.until(lambda: len(pair.done.seen) == len(pair.expected))
        golden.thresholds = table.astype(np.uint32)
        for row in range(pair.rows):
            pair.send("PULSE", row)
            pair.send("PULSE", row)
        await pair.finish()
        for row in range(pair.rows):
            pair.send("INIT_RANDOM", row)
        await pair.finish()
