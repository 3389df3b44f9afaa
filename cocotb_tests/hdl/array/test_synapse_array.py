"""Synapse array against its golden twin: states, sums, events and the cycle of every answer."""

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.array_pair import ArrayPair, initialised
from cocotb_tests.kit.array_timing import HAZARD
from cocotb_tests.kit.checkers import equal
from golden import cycles
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime

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


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def random_commands(dut: HierarchyObject, regime: Regime) -> None:
    """All commands in random order, with hazards; one command per cycle but for those, done 4 cycles later."""
    pair = await initialised(dut, regime)
    equal("cycle model", pair.bench.config.array_latency, pair.latency + 1)
    equal("cycle model of hazards", cycles.SAME_ROW, HAZARD)
    weights = {"DRIVE_ROW": 0.25, "SENSE_ROW": 0.15, "PULSE": 0.25, "INIT_RANDOM": 0.08}
    weights |= {"SENSE_COLUMNS": 0.07, "WRITE": 0.08, "READ": 0.12}
    for segment in range(12):
        # few rows: many hazards
        pair.send_random(60, pair.bench.rng.integers(0, pair.rows, 2 if segment % 2 else 6).tolist(), weights)
        await pair.finish(regime)


@cocotb.test()
async def hazard_costs_two_cycles(dut: HierarchyObject) -> None:
    """Changes of one row follow each other in 3 cycles, of different rows in one; reads wait as well."""
    pair = await initialised(dut)
    bench = pair.bench
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
    pair = await initialised(dut)
    bench = pair.bench
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
    pair = ArrayPair(bench, Regime.FLOWING)
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
        pair = ArrayPair(bench, Regime.FLOWING)
        pair.golden.r1[:], pair.golden.r2[:] = golden.r1, golden.r2
        pair.send("SENSE_COLUMNS")
        pair.send("DRIVE_ROW", 0, 1)
        pair.send("SENSE_COLUMNS")
        await pair.finish()


@cocotb.test()
async def other_tables(dut: HierarchyObject) -> None:
    """Tables that a host has loaded, word by word, take the place of the one after reset, entry by entry."""
    pair = await initialised(dut)
    bench, shape = pair.bench, pair.golden.thresholds.shape
    if not bench.config.switching.loadable:
        return

    async def pulses() -> None:
        for turn in range(40):
            code = bench.integers(0, bench.config.switching.codes - 1, pair.lanes)
            pair.send("PULSE" if turn % 5 else "INIT_RANDOM", turn % pair.rows, codes=code)
        await pair.finish()

    await pulses()
    highest = 1 << bench.config.switching.threshold_bits
    # the least likely and the certain
    tables = [np.full(shape, 1), np.full(shape, highest), *bench.rng.integers(1, highest + 1, (3, *shape))]
    for table in tables:
        await pair.load_table(table)
        await pulses()
    await pair.reset()
    await pair.initialise()
    await pulses()


@cocotb.test()
async def every_pulse(dut: HierarchyObject) -> None:
    """All state pairs x both polarities x all width codes, with words that switch and words that do not."""
    pair = await initialised(dut)
    bench = pair.bench
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
        if pair.pending > 100:
            await pair.finish()
    if pair.pending:
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
