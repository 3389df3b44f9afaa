"""Loads and dumps of a whole machine, and commands that end early: what the host puts in is what it trains on."""

import json
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs, reference_packets
from cocotb_tests.kit.checkers import equal
from cocotb_tests.machine import rtl, slow_array
from cocotb_tests.machine.machine_bench import make_samples
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig
from golden.counters import COUNTERS
from golden.input_buffer import beats
from golden.machine import Machine
from golden.samples import Samples
from golden.sequencer import HostOp
from sim import block_bench
from sim.drivers import Regime
from sim.monitors import Watch

#: Sums that saturate and return to 0 on a switch, updates of several steps, small tables.
_LIVELY: dict[str, Any] = {
    "pulse": {"nu_bits": 2, "dead_zone": 1, "loadable": True},
    "switching": {"code_bits": 2, "threshold_bits": 7, "loadable": True},
    "random": {"loadable": True},
    "gradient": {"bits": 5, "leak": 3, "reset_on_switch": True},
    "training": {"update_shifts": (2, 3, 2)},
}
_NOISY = {
    "array": {"synapse": "binary", "scheme": "blind", "slices": 2, "stages": 3, "adders": "chains"},
    "nonideal": {
        "stuck_parallel": 0.1,
        "stuck_antiparallel": 0.1,
        "columns": ConverterParameters(0, 0, 1, 4, 0),
        "rows": ConverterParameters(0, 0, 1, 6, 0),
    },
}


def _run(files: dict[str, str], tests: str = "") -> None:
    block_bench.run_files(files, __name__, tests=tests or None)


def _config(**more: dict[str, Any]) -> MachineConfig:
    from golden.config import variant

    return variant(configs.tiny(), **_LIVELY, **more)


def test_ideal() -> None:
    """Two devices per synapse, two streams per lane."""
    _run(rtl.generate(_config(array={"scheme": "blind"})))


def test_slices() -> None:
    """Two streams per lane of a slice; every lane of a slice writes in its turn."""
    _run(rtl.generate(_config(array={"scheme": "blind", "slices": 4, "stages": 2})))


def test_nonideal() -> None:
    """One device per synapse, some of them stuck, banks of streams for converters and for one slice of two."""
    config = _config(**_NOISY)
    assert list(config.seed_banks) == [0, 2, 3]
    _run(rtl.generate(config))


def test_slow_array() -> None:
    """An array that was written independently, with random latency."""
    config = _config()
    files = rtl.generate(config)
    manifest = json.loads(files["manifest.json"])
    files |= {"array.v": slow_array.write(config, manifest), "manifest.json": json.dumps(manifest | {"name": "slow"})}
    _run(files, "RANDOM")


class _Host:
    """The host beside the machine, and the golden machine beside both."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports, self.config = bench, bench.ports, bench.config
        self.golden = Machine(self.config)
        self.samples, _ = bench.source("samples", regime)
        self.load, _ = bench.source("load", regime)
        self.results, self.dump = bench.sink("results", regime), bench.sink("dump", regime)
        self._lasts = Watch(bench.ports, self._taken, "last")
        self._ready = self._waiting = False
        self.abandoned = 0
        #: The counters as they were shown last.
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._cycles = bench.manifest["name"] != "slow"
        bench.add(self._lasts)
        bench.each_cycle(sample=self._sample)
        self.update_shifts = self.config.training.update_shifts
        self.ports.write(
            "update_shifts", [update_shift - self.config.offered_shifts[0] for update_shift in self.update_shifts]
        )

    def _taken(self) -> bool:
        return any(
            bool(self.ports.read(f"{name}__valid") and self.ports.read(f"{name}__ready"))
            for name in ("results", "dump")
        )

    def _sample(self, cycle: int) -> None:
        self._ready, self._waiting = bool(self.ports.read("command__ready")), bool(self.ports.read("waiting"))
        self.abandoned += self.ports.read("abandoned")
        self._counts[tuple(COUNTERS)[self.ports.read("counter")]] = self.ports.read("count")

    async def begin(self, op: HostOp, samples: int = 0, batch: int = 0) -> None:
        """Give a command."""
        for record in (self.results, self.dump):
            record.clear()
        self._lasts.seen.clear()
        self.ports.write("command__payload", {"op": op, "samples": samples, "batch": batch})
        self.ports.write("command__valid", 1)
        await self.bench.clock.step()
        self.ports.write("command__valid", 0)
        self._ready = False

    async def end(self, lasts: int = 0, *, last: bool = True) -> None:
        """Wait for the end of a command with so many words of results or dumps; compare `last` and the counters."""
        await self.bench.clock.until(lambda: self._ready, limit=100_000)
        equal("last", [seen.value["last"] for seen in self._lasts.seen], [0] * (lasts - 1) + [int(last)] * (lasts > 0))
        # every counter has its turn, after what is under way
        await self.bench.clock.step(len(self._counts) + 4)
        found, expected = self._counts, self.golden.counters
        names = [name for name in expected if self._cycles or not name.startswith("cycles")]
        names.remove("cycles_wait") if self._cycles else None
        equal("counters", {name: found[name] for name in names}, {name: expected[name] for name in names})

    async def waits(self) -> None:
        """Let the machine come to where it waits."""
        self._waiting = False
        await self.bench.clock.until(lambda: self._waiting and self.load.empty and self.samples.empty)

    def send(self, samples: Samples) -> None:
        """Queue samples."""
        for sample in samples:
            for word in beats(sample.trits, sample.label, self.config.array.group):
                self.samples.send(word)

    def some(self, count: int) -> Samples:
        """Make samples."""
        return make_samples(self.config, self.bench.rng, count)

    def check(self, samples: Samples, predictions: np.ndarray) -> None:
        """Compare results."""
        expected = [{"prediction": p, "label": label} for p, label in zip(predictions, samples.labels, strict=True)]
        equal("results", self.results.values, expected)

    async def train(self, count: int, batch: int) -> None:
        """Train on samples."""
        samples = self.some(count)
        self.send(samples)
        await self.begin(HostOp.TRAIN, count, batch)
        predictions = self.golden.train(samples, batch, self.update_shifts)
        await self.end(count)
        self.check(samples, predictions)

    async def compare(self) -> tuple[list[int], list[int]]:
        """Dump everything, compare it and return it."""
        weights = reference_packets.weights(self.config, *self.golden.dump_weights())
        await self.begin(HostOp.DUMP_WEIGHTS)
        await self.end(len(weights))
        equal("weights", self.dump.values, weights)
        neurons = reference_packets.neurons(self.config, self.golden.neurons.offset, self.golden.neurons.scale)
        await self.begin(HostOp.DUMP_NEURONS)
        await self.end(len(neurons))
        equal("neurons", self.dump.values, neurons)
        return weights, neurons

    async def put(self, op: HostOp, sent: list[int], *, whole: bool = True) -> None:
        """Load words; without `whole` they are not all of the load, which is then aborted."""
        for word in sent:
            self.load.send(word)
        await self.begin(op)
        if not whole:
            await self.waits()
            self.abandoned = 0
            self.ports.write("abort", 1)
            await self.bench.clock.step(2)
            self.ports.write("abort", 0)
            equal("abandoned", self.abandoned, 1)
        await self.end()
        assert self.load.empty

    async def put_weights(self, rows: int | None = None) -> None:
        """Load other device states, of so many rows and a part of the next."""
        shape = self.golden.array.r1.shape
        r1, r2 = self.bench.rng.integers(0, 2, (2, *shape))
        self.golden.load_weights(r1[:rows], r2[:rows])
        sent = reference_packets.weights(self.config, r1, r2)
        per_row = len(sent) // shape[0]
        if rows is not None:
            sent = sent[: rows * per_row + int(self.bench.rng.integers(0, per_row))]
        await self.put(HostOp.LOAD_WEIGHTS, sent, whole=rows is None)

    async def put_neurons(self, groups: int | None = None) -> None:
        """Load other offsets and scales, of so many groups and a part of the next."""
        golden, group = self.golden.neurons, self.config.array.group
        # a scale that the sums reach, and any
        offset = self.bench.rng.integers(-golden.limit, golden.limit, len(golden.offset)) >> int(
            self.bench.rng.integers(0, 6)
        )
        scale = self.bench.rng.integers(0, 2 * golden.limit, len(golden.offset)) >> int(self.bench.rng.integers(0, 6))
        count = None if groups is None else groups * group
        self.golden.load_neurons(offset[:count], scale[:count])
        sent = reference_packets.neurons(self.config, offset, scale)
        per_group = len(sent) // (len(offset) // group)
        if groups is not None:
            sent = sent[: groups * per_group + int(self.bench.rng.integers(0, per_group))]
        await self.put(HostOp.LOAD_NEURONS, sent, whole=groups is None)

    async def put_seeds(self) -> None:
        """Load other states of all random streams."""
        rng, width = self.bench.rng, self.config.random.width
        banks = {
            bank: rng.integers(0, 1 << width, count, dtype=np.uint64) for bank, count in self.config.seed_banks.items()
        }
        banks[0][:2] = 0  # is repaired
        self.golden.load_seeds(banks)
        await self.put(HostOp.LOAD_SEEDS, reference_packets.seeds(self.config, banks))

    async def put_tables(self) -> None:
        """Load other tables."""
        codes = self.bench.rng.integers(0, self.config.switching.codes, 1 << self.config.pulse.nu_bits)
        self.golden.load_pulses(codes)
        await self.put(HostOp.LOAD_PULSES, reference_packets.pulses(self.config, codes))
        top = 1 << self.config.switching.threshold_bits
        thresholds = self.bench.rng.integers(1, top + 1, self.golden.array.thresholds.shape)
        self.golden.load_switching(thresholds)
        await self.put(HostOp.LOAD_SWITCHING, reference_packets.switching(self.config, thresholds))


async def _formed(dut: HierarchyObject, regime: Regime) -> _Host:
    bench = block_bench.BlockBench(dut)
    await bench.start()
    host = _Host(bench, regime)
    host.golden.initialise()
    await host.begin(HostOp.INIT_RANDOM)
    await host.end()
    return host


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def loads_and_dumps(dut: HierarchyObject, regime: Regime) -> None:
    """Whatever is loaded is dumped again, and trained on: gradient sums of loaded rows are 0."""
    host = await _formed(dut, regime)
    await host.compare()
    await host.train(5, 2)
    await host.put_weights()
    await host.train(3, 3)
    await host.compare()
    await host.put_neurons()
    await host.train(2, 2)
    await host.put_seeds()
    await host.train(3, 1)
    for _ in range(2):
        await host.put_tables()
        await host.train(4, 2)
    await host.compare()
    # the checkpoint: what was dumped goes in again, into a machine that has been used meanwhile
    dumps = await host.compare()
    golden = host.golden
    weights = golden.array.r1.copy(), golden.array.r2.copy()
    neurons = golden.neurons.offset.copy(), golden.neurons.scale.copy()
    await host.train(4, 2)
    golden.load_weights(*weights)
    golden.load_neurons(*neurons)
    for op, dumped in zip((HostOp.LOAD_WEIGHTS, HostOp.LOAD_NEURONS), dumps, strict=True):
        await host.put(op, dumped)
    await host.compare()
    await host.train(3, 2)
    await host.compare()


@cocotb.test()
@cocotb.parametrize(regime=(Regime.FLOWING, Regime.RANDOM))
async def early_ends(dut: HierarchyObject, regime: Regime) -> None:
    """Loads and trainings that end early: what came before the end is done, and nothing else."""
    host = await _formed(dut, regime)
    rng, ports, clock = host.bench.rng, host.ports, host.bench.clock
    await host.train(4, 2)
    for rows in (0, 3, host.config.geometry.rows - 1):
        await host.put_weights(rows)
        await host.put_neurons(min(rows, host.config.geometry.vector_groups - 1))
    await host.compare()
    await host.train(2, 2)
    for name, batch in (("stop", 4), ("abort", 4), ("stop", 3), ("abort", 1)):
        samples = host.some(3)
        host.send(samples)
        # the beginning of a sample that never comes
        for _ in range(int(rng.integers(0, host.config.geometry.groups(0)))):
            host.samples.send(int(rng.integers(0, 1 << 2 * host.config.array.group)))
        await host.begin(HostOp.TRAIN, 9, batch)
        predictions = np.empty(0, np.int64)
        for start in range(0, 3, batch):
            part = samples[start : min(start + batch, 3)]
            predictions = np.concatenate([predictions, host.golden.present(part, training=True)])
            if len(part) == batch or name == "stop":
                host.golden.update(host.update_shifts)
        await host.waits()
        ports.write(name, 1)
        await host.end(3, last=False)
        ports.write(name, 0)
        host.check(samples, predictions)
        ports.write("drop" if batch == 4 else "flush", 1)
        await clock.step()
        ports.write("drop", 0)
        ports.write("flush", 0)
        await host.compare()
        # sums that were left go on
        await host.train(3, 2)
    # samples that are there are not begun by a stop, and flushed
    host.send(host.some(2))
    await clock.step(200)
    ports.write("stop", 1)
    await host.begin(HostOp.TEST, 2, 1)
    await host.end()
    ports.write("stop", 0)
    ports.write("flush", 1)
    await clock.step()
    ports.write("flush", 0)
    await host.train(2, 2)
    await host.compare()
