"""Sequencer against the golden program, its order of execution and the cycle model."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from cocotb_tests.kit.sequenced_machine import (
    SWEEP,
    TRANSFERS,
    SequencedMachine,
    compare_events,
    everything_loadable,
    expected_events,
    transfer_commands,
)
from golden import cycles
from golden.config import MachineConfig
from golden.sequencer import HostOp, Instruction, Op
from sim import block_bench
from sim.drivers import Regime


@pytest.mark.parametrize("config", configs.cases())
def test_sequencer(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("sequencer", config, __name__)


def test_everything_loadable() -> None:
    """The same with all loads that there are."""
    block_bench.run("sequencer", everything_loadable(), __name__)


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
    if instruction.op in TRANSFERS:
        # all steps in one cycle each, and one to see that nothing is left
        return getattr(instruction, SWEEP[instruction.op]) + 1
    return cycles.initialise(instruction.rows) if instruction.op == Op.INIT_RANDOM else cycles.reset(instruction.groups)


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def commands(dut: HierarchyObject, regime: Regime) -> None:
    """Commands of the host: every instruction in order, every sweep complete, results, releases, ends of batches."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    machine = SequencedMachine(bench, regime)
    ports, program = bench.ports, bench.config.program
    described = ports.described["command__payload"]["fields"]["op"]["values"]
    equal("commands", described, {command.name: command.value for command in HostOp})
    commands = [("INIT_RANDOM", 0, 0), ("TRAIN", 5, 2), ("TEST", 3, 1), *transfer_commands(program)]
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
        equal("ready before a command", machine.ready[-1], 1)
        await machine.run(op, samples, batch)
        expected = list(expected_events(program, op, samples, batch, machine.learn))
        compare_events(op, machine.log, expected)
        at = -1
        for (kind, instruction), (following, _) in zip(expected, [*expected[1:], ("end", None)], strict=True):
            if kind != "start":
                continue
            at += 1
            length = getattr(instruction, SWEEP[instruction.op]) if instruction.op in SWEEP else 0
            equal(f"{op} instruction {at}: sweep", machine.sweeps[at], list(range(length)))
            if regime is Regime.FLOWING and instruction.op != Op.END and following == "start":
                # where nothing is to be waited for: one cycle to start, one to see that all is quiet
                length = _modelled(instruction) + 1 if instruction.op in SWEEP else 2
                equal(f"{op} instruction {at}: cycles", machine.starts[at + 1] - machine.starts[at], length)
        equal("training", ports.read("training"), op == "TRAIN")
