"""The cycle model of operations with writes against the same pipeline, walked through cycle by cycle."""

import numpy as np
import pytest

from cocotb_tests.kit.array_timing import ArrayTiming
from golden import cycles
from golden.array.synapse_array import ArrayParameters


def _walked(pulses: list[int], latency: int, array: ArrayParameters) -> int:
    """Walk UPDATE cycle by cycle: the update unit's row, which offers its pulses, and an array that takes one ahead."""
    rows, timing, writing = (
        list(enumerate(pulses)),
        ArrayTiming(array),
        cycles.array_writing(array.slices, array.stages),
    )
    row, pending, last_done, last_taken, cycle = -1, 0, 0, 0, cycles.ROW
    while rows or pending:
        # what is true in this cycle, before its end
        ready = cycle >= timing.free
        takes = bool(rows) and (not pending or (pending == 1 and ready and writing == 1))
        if pending and ready:
            last_done = timing.take(cycle, "PULSE", row) + timing.latency("PULSE", latency)
            pending -= 1
        if takes:
            row, pending = rows.pop(0)
            last_taken = cycle
        cycle += 1
    # the gradient memory is idle this long after its last row has left
    return max(last_taken + 2, last_done)


@pytest.mark.parametrize("latency", [cycles.ARRAY, cycles.ARRAY + 4])
@pytest.mark.parametrize(("slices", "stages"), [(1, 1), (2, 1), (1, 3), (4, 1), (4, 2), (8, 3)])
def test_update(latency: int, slices: int, stages: int) -> None:
    """Rows without pulses, with one and with several, in every mixture."""
    array = ArrayParameters(lanes=8, group=2, slices=slices, stages=stages)
    writing, rng = cycles.array_writing(slices, stages), np.random.default_rng(7)
    for trial in range(300):
        most = trial % 4
        pulses = (rng.integers(0, most + 1, rng.integers(1, 30)) * (rng.random() < 0.9)).astype(np.int64)
        pulses[rng.random(len(pulses)) < rng.choice([0.0, 0.3, 0.9])] = 0
        assert cycles.update(pulses, latency, writing) == _walked(pulses.tolist(), latency, array), pulses


def test_update_that_keeps_up() -> None:
    """With an array of one slice and stage a row takes a cycle, and every further pulse of a row three."""
    rng = np.random.default_rng(8)
    for _ in range(100):
        pulses = rng.integers(1, 4, rng.integers(1, 30))
        assert cycles.update(pulses) == cycles.ROW + int((3 * pulses - 2).sum()) + cycles.ARRAY


@pytest.mark.parametrize(("slices", "stages", "writing"), [(1, 1, 1), (4, 1, 4), (1, 3, 3), (8, 3, 10)])
def test_array(slices: int, stages: int, writing: int) -> None:
    """Slices and stages lengthen writes, stages alone the latency, converters by two cycles more."""
    assert cycles.array_writing(slices, stages) == writing
    assert cycles.array_latency(stages, converting=False) == 4 + stages
    assert cycles.array_latency(stages, converting=True) == 6 + stages
    assert cycles.initialise(20, cycles.array_latency(stages, converting=False), writing) == 20 * writing + 4 + stages


def test_loops() -> None:
    """What a position costs, and that an overlapped operation and the NEXT that leaves together take what one takes."""
    assert [cycles.next_position(left, overlap) for left, overlap in ((3, 0), (3, 1), (0, 0), (0, 1))] == [0, 0, 1, 4]
    for latency in (5, 7):
        rows = cycles.sense_rows(9, latency, last=True, overlap=True) + 1 + cycles.next_position(0, 1)
        assert rows == cycles.sense_rows(9, latency, last=True)
        groups = cycles.sense_columns(9, latency, overlap=True) + 1 + cycles.next_position(0, 1)
        assert groups == cycles.sense_columns(9, latency)
    assert (cycles.drive_input(10, 0), cycles.drive_input(10, 3)) == (13, 2)
    assert (cycles.map_errors(4), cycles.pool(4), cycles.unpool(4)) == (11, 19, 27)
