"""Pulse table and switching table, entry by entry, as the blocks around them show them."""

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.array_pair import initialised
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL
from sim import block_bench
from sim.drivers import Regime
from sim.manifest_reader import from_planes, to_planes

#: A device whose directions differ.
_DEVICE = {
    "device": "perpendicular_50nm",
    "current_to_antiparallel": 45e-6,
    "current_to_parallel": 55e-6,
    "width_max": 25e-9,
    "shared_widths": True,
}
#: Pulse tables of different shapes: fields of (pulse, switching).
_PULSE_TABLES = {
    "fine": ({"nu_bits": 8, "dead_zone": 0}, {"code_bits": 6}),
    "coarse": ({"nu_bits": 1, "dead_zone": 0}, {"code_bits": 1}),
    "dead": (
        {"nu_bits": 6, "dead_zone": 20, "slope": 2.0},
        {"code_bits": 3, "model": "erf", **_DEVICE},
    ),
}
#: Switching tables: small enough that every entry's last switching word and first idle word occur.
_SWITCHING_TABLES = {
    "ideal": {"model": "ideal", "code_bits": 3, "threshold_bits": 5},
    "erf": {"model": "erf", "code_bits": 4, "threshold_bits": 6, **_DEVICE},
}


def _variant(**blocks: dict[str, object]) -> MachineConfig:
    from golden.config import variant

    return variant(configs.tiny(), **blocks)


@pytest.mark.parametrize("table", _PULSE_TABLES)
def test_pulse_table(table: str) -> None:
    """Every index of the pulse table, both signs, at every update shift."""
    pulse, switching = _PULSE_TABLES[table]
    config = _variant(pulse=pulse, switching=switching, gradient={"bits": 12})
    block_bench.run("update_unit", config, __name__, tests="pulse_table")


@pytest.mark.parametrize("scheme", ["blind", "verified"])
@pytest.mark.parametrize("table", _SWITCHING_TABLES)
def test_switching_table(table: str, scheme: str) -> None:
    """Every entry of the switching table at its exact threshold."""
    config = _variant(
        switching=_SWITCHING_TABLES[table],
        array={"scheme": scheme, "lanes": 8},
        random={"width": 11, "tap": 2, "leap": 7, "seed": 77},
    )
    block_bench.run("synapse_array", config, __name__, public=("states",), tests="switching_table")


@cocotb.test()
async def pulse_table(dut: HierarchyObject) -> None:
    """A sum of nu alone gives the width code that the golden table has for it."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    config = bench.config
    lanes, bits, nu_bits = config.array.lanes, config.gradient.bits, config.pulse.nu_bits
    table = config.pulse.codes(config.switching)
    source, _ = bench.source("row", Regime.FLOWING, beside=("row_sums",))
    pulses = bench.sink("pulse", Regime.FLOWING)
    for update_shift in range(bits - nu_bits):
        bench.ports.write("update_shift", update_shift)
        for sign in (1, -1):
            pulses.clear()
            # one index in all lanes: each lane has its own copy of the table
            for nu in range(1 << nu_bits):
                magnitude = (nu << update_shift) + int(bench.rng.integers(0, 1 << update_shift))
                value = magnitude if sign == 1 else -1 - magnitude
                source.send(0, row_sums=to_planes(np.full(lanes, value), bits))
            await bench.clock.until(lambda: source.empty and bool(bench.ports.read("idle")))
            expected = [(int(code), sign == 1) for code in table if code]
            equal("pulses", len(pulses.values), len(expected))
            for at, (pulse, (code, increase)) in enumerate(zip(pulses.values, expected, strict=True)):
                word = sum(plane << (bit * lanes) for bit, plane in enumerate(pulse["codes"]))
                found = from_planes(word, lanes, config.switching.code_bits, signed=False)
                equal(f"pulse {at} code", found, [code] * lanes)
                equal(f"pulse {at} polarity", pulse["increase"], (1 << lanes) - 1 if increase else 0)


@cocotb.test()
async def switching_table(dut: HierarchyObject) -> None:
    """For every code and direction: the word threshold - 1 switches, the word threshold does not."""
    pair = await initialised(dut)
    bench = pair.bench
    golden, switching, lanes = pair.golden, bench.config.switching, pair.lanes
    thresholds, mask = switching.thresholds, (1 << switching.threshold_bits) - 1
    blind = bench.config.array.scheme == "blind"
    missing = {
        (direction, code, word)
        for direction in (TO_ANTIPARALLEL, TO_PARALLEL)
        for code in range(1, switching.codes)
        for word in (int(thresholds[direction, code]) - 1, int(thresholds[direction, code]))
        if word <= mask
    }
    for trial in range(6000):
        if not missing:
            break
        row = trial % pair.rows
        words = golden.lfsr.states.astype(np.int64) & mask  # what the next draw will give
        r1 = golden.r1[row]
        increase = bench.rng.integers(0, 2, lanes) == 1
        codes = bench.rng.integers(0, switching.codes, lanes)
        for lane in range(lanes):
            # R1 at P can go to AP, and R1 at AP to P where the scheme would choose R1
            direction = TO_ANTIPARALLEL if r1[lane] else TO_PARALLEL
            if not r1[lane] and golden.r2[row, lane] and not blind:
                continue
            hits = [code for d, code, word in sorted(missing) if d == direction and word == words[lane]]
            if hits:
                increase[lane], codes[lane] = direction == TO_PARALLEL, hits[0]
                missing.discard((direction, hits[0], int(words[lane])))
        before = golden.r1[row].copy()
        pair.send("PULSE", row, 0, increase, codes)
        for lane in np.flatnonzero(golden.r1[row] != before):
            goal = TO_PARALLEL if increase[lane] else TO_ANTIPARALLEL
            assert words[lane] < thresholds[goal, codes[lane]], "the golden model is wrong about its own threshold"
        if trial % 200 == 199:
            await pair.finish()
    if pair.pending:
        await pair.finish()
    assert not missing, f"{len(missing)} entries were not tried, such as {sorted(missing)[:3]}"
