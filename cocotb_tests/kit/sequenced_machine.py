"""The rest of the machine, as far as the sequencer sees it, and what the sequencer shall do by the golden program."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig, variant
from golden.sequencer import HostOp, Instruction, Op, Program
from sim import random_config
from sim.block_bench import BlockBench
from sim.drivers import Regime, sink_pattern

#: Cycles from a sum until the collector is idle, where nothing follows, and from there until the neurons are.
COLLECTOR, NEURONS = 2, 3
#: Operations of loads and dumps, of which a step takes as long as the loader wants.
TRANSFERS = (Op.WRITE, Op.READ, Op.LOAD_NEURONS, Op.DUMP_NEURONS, Op.SEED, Op.LOAD_PULSE_TABLE, Op.THRESHOLDS)
#: Operations with a sweep: the field with its length.
SWEEP = {
    Op.INIT_RANDOM: "rows",
    Op.RESET: "groups",
    Op.SENSE_COLUMNS: "groups",
    Op.SENSE_ROWS: "rows",
    Op.UPDATE: "rows",
    Op.CLEAR_SWITCHED: "rows",
    **{op: "groups" if op in (Op.LOAD_NEURONS, Op.DUMP_NEURONS) else "rows" for op in TRANSFERS},
}


def everything_loadable() -> MachineConfig:
    """Make a machine with all loads that there are, two banks of random streams, and sums that return to 0."""
    config = variant(
        random_config.loadable(configs.tiny()), array={"scheme": "blind"}, gradient={"reset_on_switch": True}
    )
    assert len(config.program.transfers[HostOp.LOAD_SEEDS]) == 3
    return config


def expected_events(
    program: Program, op: str, samples: int, batch: int, learn: list[bool]
) -> Iterator[tuple[str, Any]]:
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
    if instruction.op in TRANSFERS:
        return 1
    if instruction.op in (Op.UPDATE, Op.CLEAR_SWITCHED):
        return cycles.GRADIENT
    return {Op.INIT_RANDOM: cycles.ARRAY, Op.RESET: NEURONS + 1}[instruction.op]


class SequencedMachine:
    """The rest of the machine, as far as the sequencer sees it; writes down what happens.

    Parameters
    ----------
    bench : BlockBench
        A sequencer.
    regime : Regime
        How what is around it stalls.

    Attributes
    ----------
    log : list of (str, Any)
        What the present command has brought, as `expected_events` yields it.
    starts, sweeps : list
        For every instruction that was started the cycle, and the steps of its sweep.
    learn : list of bool
        Whether the samples of the present command are to be learned.
    samples, asked : int
        Results of the present command so far, and how many it is to have.
    ready : list of int
        Whether the sequencer takes a command, cycle by cycle.
    """

    def __init__(self, bench: BlockBench, regime: Regime) -> None:
        self.bench, self.ports, self.regime = bench, bench.ports, regime
        self.log: list[tuple[str, Any]] = []
        self.starts: list[int] = []
        self.sweeps: list[list[int]] = []
        self.learn: list[bool] = []
        self.samples = self.asked = 0
        self.ready: list[int] = []
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
        self.ready.append(ports.read("command__ready"))
        if ports.read("start"):
            equal(f"cycle {cycle}: running at start", ports.read("running"), 1)
            present, self._bits = ports.read("instruction"), ports.bits("instruction")
            self._known = Instruction(**{**present, "op": Op(present["op"])})
            self.log.append(("start", present))
            self.starts.append(cycle)
            self.sweeps.append([])
            if present["op"] not in SWEEP and self.regime is not Regime.FLOWING:
                self._busy_until = cycle + int(rng.integers(0, 20))
        elif ports.read("running"):
            equal(f"cycle {cycle}: instruction while it runs", ports.bits("instruction"), self._bits)
        if ports.read("sweep__valid"):
            equal(f"cycle {cycle}: running in a sweep", ports.read("running"), 1)
            known, step = self._known, ports.read("sweep__payload")
            length = getattr(known, SWEEP[known.op])
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

    async def run(self, op: str, samples: int, batch: int) -> None:
        """Give a command and wait until the next one may come."""
        self.give(op, samples, batch)
        await self.bench.clock.step()
        self.accepted()
        self.ready.clear()
        await self.bench.clock.until(lambda: bool(self.ready) and self.ready[-1] == 1)

    def accepted(self) -> None:
        """Take the offer back: what is not valid means nothing."""
        self.ports.write("command__valid", 0)
        self.ports.write_bits("command__payload", self.ports.random_bits("command__payload", self.bench.rng))


def _fields(instruction: Instruction) -> dict[str, int]:
    """Fields that a word of the hardware's program has: those of loops come with the hardware for convolutions."""
    loops = ("neuron_layer", "neuron_group", "step", "patch", "overlap", "body")
    return {name: int(field) for name, field in asdict(instruction).items() if name not in loops}


def plain_events(log: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Make instructions plain dicts of numbers."""
    return [(kind, _fields(value) if isinstance(value, Instruction) else value) for kind, value in log]


def compare_events(title: str, log: Sequence[tuple[str, Any]], expected: Sequence[tuple[str, Any]]) -> None:
    """Compare what happened with what should have, event by event."""
    got, want = plain_events(log), plain_events(expected)
    equal(f"events of {title}", len(got), len(want))
    for at, (mine, theirs) in enumerate(zip(got, want, strict=True)):
        assert mine[0] == theirs[0], f"{title} event {at}: hardware {mine[0]}, golden {theirs[0]}"
        if theirs[1] is not None:
            equal(f"{title} event {at}, {mine[0]} ", mine[1], theirs[1])


def transfer_commands(program: Program) -> list[tuple[str, int, int]]:
    """All loads and dumps that the machine has, as commands."""
    return [(command.name, 0, 0) for command in program.transfers]
