"""Update unit against its golden twin and the cycle model."""

from collections import deque
from collections.abc import Iterator

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs, reference_packets
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig
from golden.sequencer import HostOp
from golden.update_unit import UpdateUnit
from sim import block_bench
from sim.drivers import Regime, StreamSource
from sim.manifest_reader import to_planes
from sim.monitors import StreamMonitor


@pytest.mark.parametrize("config", configs.cases())
def test_update_unit(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("update_unit", config, __name__)


@pytest.mark.parametrize(
    ("synapse", "update_shifts"),
    [("ternary", (12, 12)), ("ternary", (8, 9)), ("binary", (10, 12)), ("ternary", (7, 14)), ("ternary", (14, 14))],
)
def test_update_shifts_offered(synapse: str, update_shifts: tuple[int, int]) -> None:
    """Few update shifts: with and without kappa 1 and 2, and sums that are all fraction."""
    from golden.config import variant

    block_bench.run(
        "update_unit",
        variant(configs.tiny(), array={"synapse": synapse}, gradient={"update_shifts": update_shifts}),
        __name__,
    )


@pytest.mark.parametrize(("synapse", "nu_bits"), [("ternary", 3), ("binary", 1)])
def test_table_that_can_be_loaded(synapse: str, nu_bits: int) -> None:
    """A table of several words, the last one not full, and one that a word holds."""
    from golden.config import variant

    config = variant(
        configs.tiny(),
        array={"synapse": synapse, "lanes": 9, "group": 3},
        pulse={"loadable": True, "nu_bits": nu_bits},
        switching={"code_bits": 2},
    )
    block_bench.run("update_unit", config, __name__, tests="random_rows|other_tables")


class _Rows:
    """Sends rows of gradient sums and keeps the pulses that the golden model makes of them."""

    def __init__(
        self, bench: block_bench.BlockBench, source: StreamSource, timing: "_Timing", table: np.ndarray | None = None
    ) -> None:
        self.bench, self.source, self.timing = bench, source, timing
        config = bench.config
        self.golden = UpdateUnit(config.pulse, config.switching, config.steps)
        if table is not None:
            self.golden.table = table
        self.expected: list[dict[str, object]] = []
        self.counts: list[int] = []

    def send(self, row: int, sums: np.ndarray, update_shift: int) -> None:
        """Queue one row; `update_shift` is that of the port."""
        config = self.bench.config
        self.source.send(row, row_sums=to_planes(sums, config.gradient.bits))
        pulses = list(self.golden.pulses(sums.astype(np.int32), update_shift + config.offered_shifts[0]))
        self.counts.append(len(pulses))
        self.timing.counts.append(len(pulses))
        for pulse in pulses:
            increase = sum(int(bit) << lane for lane, bit in enumerate(pulse.increase))
            codes = to_planes(pulse.codes, config.switching.code_bits)
            self.expected.append({"row": row, "increase": increase, "codes": codes})

    async def check(self, pulses: StreamMonitor) -> None:
        """Wait until all rows are through and compare."""
        ports = self.bench.ports
        await self.bench.clock.until(lambda: self.source.empty and bool(ports.read("idle")))
        equal("pulses", pulses.values, self.expected)


class _Timing:
    """Predicts in every cycle whether a row is taken and a pulse offered, whatever the streams do."""

    def __init__(self, bench: block_bench.BlockBench) -> None:
        self.ports = bench.ports
        self.counts: deque[int] = deque()  # pulses of the rows to come
        self.pending = 0  # pulses of the row at work
        self.back_to_back = bench.config.array_writing == 1
        bench.each_cycle(sample=self._sample)

    def _sample(self, cycle: int) -> None:
        taken = bool(self.ports.read("pulse__ready"))
        ready = not self.pending or (self.pending == 1 and taken and self.back_to_back)
        equal(f"cycle {cycle}: row ready", self.ports.read("row__ready"), ready)
        equal(f"cycle {cycle}: pulse valid", self.ports.read("pulse__valid"), self.pending > 0)
        equal(f"cycle {cycle}: idle", self.ports.read("idle"), not self.pending)
        self.pending = max(self.pending - taken, 0)
        if ready and self.ports.read("row__valid"):
            self.pending = self.counts.popleft()


def _random_sums(bench: block_bench.BlockBench, lanes: int) -> np.ndarray:
    """Sums of all magnitudes; whole rows small or zero are frequent."""
    bits = bench.config.gradient.bits
    scale = int(bench.rng.integers(0, bits))
    return np.clip(bench.integers(-(1 << scale), (1 << scale) - 1, lanes), -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def random_rows(dut: HierarchyObject, regime: Regime) -> None:
    """Every pulse in order at every update shift, the cycle after its row; a row takes a cycle per pulse, or one."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    geometry = bench.config.geometry
    source, rows = bench.source("row", regime, beside=("row_sums",))
    pulses = bench.sink("pulse", regime)
    timing = _Timing(bench)
    for update_shift in range(len(bench.config.offered_shifts)):
        bench.ports.write("update_shift", update_shift)
        sent = _Rows(bench, source, timing)
        for _ in range(25):
            sent.send(int(bench.rng.integers(0, geometry.rows)), _random_sums(bench, geometry.lanes), update_shift)
        await sent.check(pulses)
        if regime is Regime.FLOWING:
            took = [max(count + (count > 0 and not timing.back_to_back), 1) for count in sent.counts[:-1]]
            accepted = np.cumsum([rows.cycles[0], *took])
            equal("cycles of the rows", rows.cycles, accepted)
            when = [at + 1 + pulse for at, count in zip(accepted, sent.counts, strict=True) for pulse in range(count)]
            equal("cycles of the pulses", pulses.cycles, when)
        rows.clear()
        pulses.clear()


@cocotb.test()
async def every_sum(dut: HierarchyObject) -> None:
    """All values that a sum can have, at all update shifts (of wide sums a random part)."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    bits, lanes, rows = bench.config.gradient.bits, bench.config.geometry.lanes, bench.config.geometry.rows
    source, _ = bench.source("row", Regime.FLOWING, beside=("row_sums",))
    pulses = bench.sink("pulse", Regime.FLOWING)
    timing = _Timing(bench)
    for update_shift in range(len(bench.config.offered_shifts)):
        bench.ports.write("update_shift", update_shift)
        values = bench.rng.permutation(np.arange(-(1 << (bits - 1)), 1 << (bits - 1)))
        values = np.resize(values[: max(1500, lanes)], -(-len(values[: max(1500, lanes)]) // lanes) * lanes)
        sent = _Rows(bench, source, timing)
        for index, sums in enumerate(values.reshape(-1, lanes)):
            sent.send(index % rows, sums, update_shift)
        await sent.check(pulses)
        pulses.clear()


@cocotb.test()
async def with_the_hazard_of_the_array(dut: HierarchyObject) -> None:
    """A taker in which a second pulse on a row waits two cycles, like the array: the cycle model holds."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    geometry, update_shifts = bench.config.geometry, len(bench.config.offered_shifts)
    source, rows = bench.source("row", Regime.FLOWING, beside=("row_sums",))
    pulses = bench.sink("pulse", Regime.FLOWING)

    writing = bench.config.array_writing
    begun = [-writing]

    def as_the_array() -> Iterator[bool]:
        taken = 0
        while True:
            taken = min(taken, len(pulses.transfers))
            if len(pulses.transfers) > taken:
                # a pulse of the row of the one before waits inside, since the rows of a pass differ
                at, row = pulses.cycles[-1], pulses.transfers[-1].value["row"]
                same = taken > 0 and pulses.transfers[-2].value["row"] == row
                begun.append(max(at, begun[-1] + writing + cycles.SAME_ROW if same else at))
            taken = len(pulses.transfers)
            yield bench.clock.cycle >= begun[-1] + writing

    bench.clock.agents[-2].pattern = as_the_array()  # type: ignore[attr-defined]
    timing = _Timing(bench)
    idle: list[int] = []
    bench.each_cycle(sample=lambda _: idle.append(bench.ports.read("idle")))
    for trial in range(4 * max(update_shifts, 5)):
        bench.ports.write("update_shift", trial % update_shifts)
        sent = _Rows(bench, source, timing)
        count = min(int(bench.rng.integers(1, 12)), geometry.rows)
        for row in range(count):
            sent.send(row, _random_sums(bench, geometry.lanes) * (bench.rng.random() < 0.7), trial % update_shifts)
        idle.clear()
        start = bench.clock.cycle
        await bench.clock.step()
        await sent.check(pulses)
        await bench.clock.step()
        quiet = max([at for at, value in enumerate(idle) if not value], default=rows.cycles[-1] - start) + 1
        last = begun[-1] - start + cycles.ARRAY + writing - 1 if pulses.transfers else 0
        # the pass begins 3 cycles before its first row leaves the gradient memory, which rests 2 cycles after the last
        model = cycles.update(np.array(sent.counts), writing=writing)
        equal("cycle model", model, max(quiet, last, rows.cycles[-1] - start + 2) + 3)
        rows.clear()
        pulses.clear()
        await bench.clock.step(3)


@cocotb.test()
async def other_tables(dut: HierarchyObject) -> None:
    """Tables that a host has loaded, word by word, take the place of the one after reset; a reset brings that back."""
    bench = block_bench.BlockBench(dut)
    config, rng, ports = bench.config, bench.rng, bench.ports
    if not config.pulse.loadable:
        return
    nu_bits, codes, bits = config.pulse.nu_bits, config.switching.codes, config.gradient.bits
    await bench.start()
    source, _ = bench.source("row", Regime.RANDOM, beside=("row_sums",))
    pulses = bench.sink("pulse", Regime.RANDOM)
    timing = _Timing(bench)

    async def check(table: np.ndarray | None) -> None:
        for update_shift in (0, int(rng.integers(1, bits))):
            sent = _Rows(bench, source, timing, table)
            ports.write("update_shift", update_shift)
            # every index of the table, where the update shift leaves it its bits, and any sums
            every = (np.arange(1 << nu_bits) << update_shift) & ((1 << (bits - 1)) - 1)
            for sums in np.resize(every, (-(-len(every) // config.array.lanes), config.array.lanes)):
                sent.send(0, np.where(rng.integers(0, 2, len(sums)), sums, -1 - sums), update_shift)
            for _ in range(5):
                sent.send(
                    int(rng.integers(0, config.geometry.rows)), _random_sums(bench, config.array.lanes), update_shift
                )
            await sent.check(pulses)
            pulses.clear()

    await check(None)
    for trial in range(4):
        table = rng.integers(0, codes, 1 << nu_bits).astype(np.uint8)
        if trial < 2:
            table[:] = (0, codes - 1)[trial]
        sent = reference_packets.pulses(config, table)
        equal("words of the table", len(sent), config.program.transfers[HostOp.LOAD_PULSES][0].rows)
        # what fills up the last word may be anything
        width = 2 * config.array.group
        unused = len(sent) * width - (config.switching.code_bits << nu_bits)
        sent[-1] |= int(rng.integers(0, 1 << unused)) << (width - unused)
        for word in sent:
            while rng.random() < 0.3:
                ports.write_bits("word", ports.random_bits("word", rng))
                await bench.clock.step()
            ports.write("shift", 1)
            ports.write("word", word)
            await bench.clock.step()
            ports.write("shift", 0)
        await check(table)
    await bench.clock.reset()
    await check(None)
