"""The cycle model: how long every operation of the microprogram takes on the emulated array.

An operation starts in cycle 0; the functions return the number of the cycle in which everything is done, from which
follows the operation's length, one cycle more. docs/contract.md derives the constants from the blocks' latencies.
"""

import numpy as np
from numpy.typing import NDArray

#: Cycles from a command's acceptance by the array until its answer has been counted.
ARRAY = 5
#: Cycles that converters of the array add to that.
CONVERSION = 2
#: Cycles that a command waits for one before it that changes the same row, beyond those that every command waits.
SAME_ROW = 2
#: Cycle in which the first row of an UPDATE is at the update unit.
ROW = 3
#: Cycles from the last answer of the array until its sums are through collector, neurons and error unit.
SUMS = 5
#: Cycles from a command's acceptance by the gradient memory until it is idle.
GRADIENT = 4
#: First event of the row driver.
ROW_DRIVER = 3


def array_latency(stages: int, *, converting: bool) -> int:
    """Cycles from a command's acceptance by the array until its answer has been counted, beyond those of a write."""
    return ARRAY + stages - 1 + (CONVERSION if converting else 0)


def array_writing(slices: int, stages: int) -> int:
    """Cycles in which a command that changes or reads states keeps others from the array, its own included."""
    return slices + stages - 1


def _walk(vector: NDArray[np.int64], group: int) -> tuple[int, int]:
    """Cycles of the row driver's walk, and the cycle of the last event, 0 if there is none, counted from the start."""
    length, last_event = 0, 0
    for first in range(0, len(vector), group):
        events = int(np.count_nonzero(vector[first : first + group]))
        length += max(events, 1)
        if events:
            last_event = ROW_DRIVER - 1 + length
    return length, last_event


def walk(vector: NDArray[np.int64], group: int, latency: int) -> int:
    """ACCUMULATE or GRADIENT: one event per cycle, one cycle for a group without events.

    Parameters
    ----------
    vector : ndarray of int64, shape (n,)
        The vector walked through.
    group : int
        Elements per memory word.
    latency : int
        Of whichever block takes the events: `GRADIENT`, or the array's, as below.
    """
    length, last_event = _walk(vector, group)
    return max(length + 2, last_event + latency if last_event else 0)


def drive(groups: int) -> int:
    """DRIVE: one group per cycle, two cycles of memory and shift."""
    return groups + 2


def drive_input(lines: int, column: int) -> int:
    """DRIVE of a patch of the input: its lines move on by a position, or are read where a row of positions begins.

    Parameters
    ----------
    lines : int
        Groups of the image's rows under the kernel.
    column : int
        The position's place in its row.
    """
    return 2 if column else lines + 3


def next_position(left: int, overlap: int) -> int:
    """NEXT: back to the loop's first instruction, or on when everything under way is done.

    Parameters
    ----------
    left : int
        Positions that follow.
    overlap : int
        1 behind an overlapped operation, else 0.
    """
    if left:
        return 0
    return SUMS - 1 if overlap else 1


def map_errors(groups: int) -> int:
    """MAP_ERRORS: one group per cycle, a cycle of memory, then collector, neurons and error unit."""
    return groups + 2 + SUMS


def pool(groups: int) -> int:
    """POOL: four groups are read for every pooled one."""
    return 4 * groups + 3


def unpool(groups: int) -> int:
    """UNPOOL: five groups are read for every pooled one, while four of the one before are written."""
    return 5 * groups + 7


def initialise(rows: int, latency: int = ARRAY, writing: int = 1) -> int:
    """INIT_RANDOM: a row in `writing` cycles, those of `array_writing`; `latency` is the array's, `array_latency`."""
    return rows * writing + latency


def reset(groups: int) -> int:
    """RESET: one group per cycle."""
    return groups + 4


def clear_switched(rows: int) -> int:
    """CLEAR_SWITCHED: one row per cycle, then the gradient memory."""
    return rows + GRADIENT


def sense_columns(groups: int, latency: int = ARRAY, *, overlap: bool = False) -> int:
    """SENSE_COLUMNS, or SENSE_SEGMENTS of as many rows: one group per cycle, then collector and neurons.

    `latency` is as of `initialise`; an overlapped operation ends with the array's last answer.
    """
    return groups + latency + (0 if overlap else SUMS)


def sense_rows(rows: int, latency: int = ARRAY, *, last: bool, overlap: bool = False) -> int:
    """SENSE_ROWS: one row per cycle, then the collector, and the neurons when the sums are complete."""
    if overlap:
        return rows + latency
    return rows + latency + (SUMS if last else 2)


def update(pulses: NDArray[np.int64], latency: int = ARRAY, writing: int = 1) -> int:
    """UPDATE: one row per cycle as long as the array keeps up.

    A pulse takes `writing` cycles, and waits two more inside the array for one before it on the same row. The next row
    is taken when the last pulse of a row is, with `writing` above 1 a cycle later.

    Parameters
    ----------
    pulses : ndarray of int64, shape (rows,)
        Pulses issued to every row.
    latency, writing : int
        As of `initialise`.
    """
    # the cycles in which the update unit takes the present row, and the array the last pulse; when that begins its way
    taken, accepted, begun = ROW - 1, 0, -latency - writing
    for count in pulses:
        # the last pulse of a row leaves its place to the next row, without haste where a pulse takes long
        taken = max(taken + 1, accepted + (writing > 1))
        for pulse in range(count):
            accepted = max(taken + 1, begun + writing)
            begun = max(accepted, begun + writing + (SAME_ROW if pulse else 0))
    return max(taken + 2, begun + latency + writing - 1)
