"""An array with all that may be wrong with it against its golden twin, and the loading of its streams and tables."""

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.array_pair import initialised
from cocotb_tests.kit.checkers import equal
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime

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


@cocotb.test()
@cocotb.parametrize(regime=(Regime.FLOWING, Regime.RANDOM))
async def commands(dut: HierarchyObject, regime: Regime) -> None:
    """All commands in random order, most of them pulses and sums."""
    pair = await initialised(dut, regime)
    weights = {"DRIVE_ROW": 0.23, "SENSE_COLUMNS": 0.1, "SENSE_ROW": 0.15, "PULSE": 0.3}
    weights |= {"INIT_RANDOM": 0.05, "SEED": 0.02, "WRITE": 0.05, "READ": 0.1}
    for _ in range(6):
        pair.send_random(80, range(pair.rows), weights)
        await pair.finish(regime)


@cocotb.test()
async def load(dut: HierarchyObject) -> None:
    """Every bank is loaded, then drawn from; states that were to be zero are repaired, and the draws show it."""
    pair = await initialised(dut)
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
    pair = await initialised(dut)
    thresholds = 1 << pair.bench.config.switching.threshold_bits
    for _ in range(3):
        await pair.load_table(pair.bench.rng.integers(1, thresholds + 1, pair.golden.thresholds.shape))
        for row in range(pair.rows):
            pair.send("PULSE", row)
            pair.send("PULSE", row)
        await pair.finish()
        for row in range(pair.rows):
            pair.send("INIT_RANDOM", row)
        await pair.finish()
