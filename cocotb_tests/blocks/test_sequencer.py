"""Sequencer against the golden program, its order of execution and the cycle model."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests import block
from cocotb_tests.checkers import equal
from cocotb_tests.drivers import Regime, sink_pattern
from golden import cycles
from golden.config import MachineConfig
from golden.sequencer import Instruction, Op, Program

#: Cycles from a sum until the collector is idle, where nothing follows, and from there until the neurons are.
COLLECTOR, NEURONS = 2, 3
#: Operations with a sweep: the field with its length.
_SWEEP = {Op.FORM: "rows", Op.RESET: "groups", Op.SENSE: "groups", Op.COLLECT: "rows", Op.UPDATE: "rows"}


@pytest.mark.parametrize("config", block.cases())
def test_sequencer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block.run("sequencer", config, __name__)


def _expected(program: Program, op: str, samples: int, batch: int, learn: list[bool]) -> Iterator[tuple[str, Any]]:
    """Yield what the sequencer does for one command: instructions, results, ends of batches."""
    if op == "FORM":
        yield from (("start", instruction) for instruction in program.form)
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
    if instruction.op == Op.SENSE:
        return cycles.ARRAY + COLLECTOR + NEURONS
    if instruction.op == Op.COLLECT:
        return cycles.ARRAY + COLLECTOR + (NEURONS if instruction.last else 0)
    return {Op.FORM: cycles.ARRAY, Op.RESET: NEURONS + 1, Op.UPDATE: cycles.GRADIENT}[instruction.op]


def _modelled(instruction: Instruction) -> int:
    """The cycle model's length of an instruction, less the cycle in which it starts."""
    if instruction.op == Op.SENSE:
        return cycles.sense(instruction.groups)
    if instruction.op == Op.COLLECT:
        return cycles.collect(instruction.rows, last=instruction.last)
    if instruction.op == Op.UPDATE:
        return cycles.update(np.zeros(instruction.rows, np.int64))
    return cycles.form(instruction.rows) if instruction.op == Op.FORM else cycles.reset(instruction.groups)


class _Machine:
    """The rest of the machine, as far as the sequencer sees it; writes down what happens."""

    def __init__(self, bench: block.Bench, regime: Regime) -> None:
        self.bench, self.ports, self.regime = bench, bench.ports, regime
        self.log: list[tuple[str, Any]] = []
        self.starts: list[int] = []
        self.sweep: list[int] = []
        self.sweeps: list[list[int]] = []
        self.learn: list[bool] = []
        self.samples = 0
        self._ready, self._result = sink_pattern(regime, bench.rng), sink_pattern(regime, bench.rng)
        self._available = sink_pattern(regime, bench.rng)
        self._busy_until = -1
        self._instruction: dict[str, int] = {}
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
        present = ports.read("instruction")
        if ports.read("start"):
            equal(f"cycle {cycle}: running at start", ports.read("running"), 1)
            self.log.append(("start", present))
            self.starts.append(cycle)
            self.sweeps.append([])
            self._instruction = present
            if present["op"] not in _SWEEP and self.regime is not Regime.FLOWING:
                self._busy_until = cycle + int(rng.integers(0, 20))
        elif ports.read("running"):
            equal(f"cycle {cycle}: instruction while it runs", present, self._instruction)
        if ports.read("sweep__valid"):
            equal(f"cycle {cycle}: running in a sweep", ports.read("running"), 1)
            if ports.read("sweep__ready"):
                self.sweeps[-1].append(ports.read("sweep__payload")["index"])
                extra = 0 if self.regime is Regime.FLOWING else int(rng.integers(0, 5))
                self._busy_until = cycle + _latency(self._known(self._instruction)) - 1 + extra
        taken = ports.read("result_valid") and ports.read("result_ready")
        equal(f"cycle {cycle}: release", ports.read("release"), bool(taken))
        if taken:
            equal(f"cycle {cycle}: running with a result", ports.read("running"), 0)
            self.log.append(("result", self.samples))
            self.samples += 1
        if ports.read("batch_done"):
            self.log.append(("batch done", None))

    @staticmethod
    def _known(fields: dict[str, int]) -> Instruction:
        return Instruction(**{**fields, "op": Op(fields["op"])})  # type: ignore[arg-type]


def _plain(log: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Make instructions plain dicts of numbers."""
    return [
        (kind, {name: int(field) for name, field in asdict(value).items()} if isinstance(value, Instruction) else value)
        for kind, value in log
    ]


@cocotb.test()
@cocotb.parametrize(regime=block.REGIMES)
async def commands(dut: HierarchyObject, regime: Regime) -> None:
    """Commands of the host: every instruction in order, every sweep complete, results, releases, ends of batches."""
    bench = block.Bench(dut)
    await bench.start()
    machine = _Machine(bench, regime)
    ports, program = bench.ports, bench.config.program
    ops = ports.described["command__payload"]["fields"]["op"]["values"]
    ready: list[int] = []
    bench.each_cycle(sample=lambda _: ready.append(ports.read("command__ready")))
    commands = [("FORM", 0, 0), ("TRAIN", 5, 2), ("TEST", 3, 1), ("TRAIN", 1, 1), ("TRAIN", 3, 7), ("FORM", 0, 0)]
    commands += [("TRAIN", 4, 2), ("TEST", 1, 1), ("TRAIN", 2, 1)]
    for op, samples, batch in commands:
        machine.learn = [bool(x) for x in bench.rng.integers(0, 2, samples)]
        machine.samples = 0
        for record in (machine.log, machine.starts, machine.sweeps, ready):
            record.clear()
        await bench.clock.step(int(bench.rng.integers(1, 4)))
        equal("ready before a command", ready[-1], 1)
        ports.write("command__payload", {"op": ops[op], "samples": samples, "batch": batch})
        ports.write("command__valid", 1)
        await bench.clock.step()
        ports.write("command__valid", 0)
        ports.write_bits("command__payload", ports.random_bits("command__payload", bench.rng))
        ready.clear()
        await bench.clock.until(lambda: bool(ready) and ready[-1] == 1)
        expected = list(_expected(program, op, samples, batch, machine.learn))
        got, want = _plain(machine.log), _plain(expected)
        equal(f"events of {op}", len(got), len(want))
        for at, (mine, theirs) in enumerate(zip(got, want, strict=True)):
            assert mine[0] == theirs[0], f"{op} event {at}: hardware {mine[0]}, golden {theirs[0]}"
            if theirs[1] is not None:
                equal(f"{op} event {at}, {mine[0]} ", mine[1], theirs[1])
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
