"""The array, compiled: sums of rows and columns, and pulses (golden/array/synapse_array.py)."""

import numpy as np
from numpy.typing import NDArray

from golden.fast import converter, lfsr
from golden.fast.memory import Constants, Event, Memory, Write
from golden.sequencer import Op
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL

#: Rows that are turned together.
_TILE = 64


def weigh(program: NDArray[np.void], c: Constants, m: Memory) -> None:
    """Compute the weights of all synapses, and how many of every row are not zero; turn what is sensed."""
    for row in range(len(m.weights)):
        nonzero = 0
        for lane in range(c.lanes):
            r1, r2 = np.int8(m.r1[row, lane]), np.int8(m.r2[row, lane])
            w = np.int8(2 * r1 - 1) if c.binary else np.int8(r1 - r2)
            m.weights[row, lane] = w
            nonzero += w != 0
        m.nonzero[row] = nonzero
    for index in range(len(program)):
        i = program[index]
        if i.op == Op.SENSE_ROWS:
            turn(c, m, i.row, i.rows, m.lane_nonzero[index])
        elif i.op == Op.SENSE_SEGMENTS:
            turn_segments(c, m, i.row, i.rows)


def turn(c: Constants, m: Memory, first: int, rows: int, nonzero: NDArray[np.int64]) -> None:
    """Lay the weights of rows side by side for every lane, and count those of a lane that are not zero.

    A sum of rows then costs as many steps as lanes are driven, each over all rows at once.
    """
    nonzero[:] = 0
    for row in range(first, first + rows):
        for lane in range(c.lanes):
            nonzero[lane] += m.weights[row, lane] != 0
    # in tiles that stay in a cache
    for start in range(first, first + rows, _TILE):
        for lane in range(c.lanes):
            for row in range(start, min(start + _TILE, first + rows)):
                m.turned[lane, row] = m.weights[row, lane]


def turn_segments(c: Constants, m: Memory, first: int, rows: int) -> None:
    """Lay the weights of all segments side by side for every lane of a segment, likewise."""
    for row in range(rows):
        for tap in range(c.segment):
            m.tap_nonzero[row, tap] = 0
            for element in range(c.group):
                w = m.weights[first + row, element * c.segment + tap]
                m.taps[row, tap, element] = w
                m.tap_nonzero[row, tap] += w != 0


def drive_rows(c: Constants, m: Memory, first: int, length: int, count: NDArray[np.int64]) -> None:
    """Drive rows, from `first` on, with the elements of the vector that are not zero."""
    for element in range(length):
        coefficient = np.int32(m.vector[element])
        if coefficient == 0:
            continue
        row = first + element
        if coefficient == 1:
            for lane in range(c.lanes):
                m.columns[lane] += m.weights[row, lane]
        else:
            for lane in range(c.lanes):
                m.columns[lane] += np.int32(coefficient * m.weights[row, lane])
        count[Event.ROWS_DRIVEN] += 1
        count[Event.PRODUCTS] += m.nonzero[row]


def sense_columns(c: Constants, m: Memory, count: NDArray[np.int64]) -> None:
    """Read out all column sums, group by group, and clear them."""
    for lane in range(c.lanes):
        m.sensed[lane] = m.columns[lane]
        m.columns[lane] = 0
    converter.convert(c, c.column_converters, m, m.column_streams, m.sensed[: c.lanes])
    count[Event.GROUPS_SENSED] += c.lanes // c.group


def sense_rows(
    c: Constants, m: Memory, first: int, rows: int, nonzero: NDArray[np.int64], count: NDArray[np.int64]
) -> None:
    """Sense rows with all columns driven."""
    m.totals[:rows] = 0
    driven = 0
    for lane in range(c.lanes):
        if m.drive[lane] != 0:
            m.driven[driven] = lane
            count[Event.PRODUCTS] += nonzero[lane]
            driven += 1
    # in fours, so that a total is loaded and stored once for four lanes; a fourth that is missing is driven with 0
    m.driven[driven : driven + 3] = 0
    last = first + rows
    for at in range(0, driven, 4):
        lanes = m.driven[at : at + 4]
        one, two, three, four = (
            np.int32(m.drive[lanes[0]]),
            np.int32(m.drive[lanes[1]] if driven - at > 1 else 0),
            np.int32(m.drive[lanes[2]] if driven - at > 2 else 0),
            np.int32(m.drive[lanes[3]] if driven - at > 3 else 0),
        )
        w, x = m.turned[lanes[0], first:last], m.turned[lanes[1], first:last]
        y, z = m.turned[lanes[2], first:last], m.turned[lanes[3], first:last]
        for index in range(rows):
            m.totals[index] += np.int32(one * w[index] + two * x[index] + three * y[index] + four * z[index])
    for index in range(rows):
        m.sensed[index] = m.totals[index]
    converter.convert(c, c.row_converter, m, m.row_streams, m.sensed[:rows])
    count[Event.ROWS_SENSED] += rows


def sense_segments(c: Constants, m: Memory, first: int, rows: int, count: NDArray[np.int64]) -> None:
    """Sense rows with all columns driven, every segment with the same, segment by segment."""
    m.totals[: rows * c.group] = 0
    for tap in range(c.segment):
        d = np.int32(m.drive[tap])
        if d == 0:
            continue
        for row in range(rows):
            for element in range(c.group):
                m.totals[row * c.group + element] += np.int32(d * m.taps[row, tap, element])
            count[Event.PRODUCTS] += m.tap_nonzero[row, tap]
    for index in range(rows * c.group):
        m.sensed[index] = m.totals[index]
    converter.convert(c, c.column_converters, m, m.column_streams, m.sensed[: rows * c.group])
    count[Event.ROWS_SENSED] += rows


def draw(c: Constants, m: Memory) -> None:
    """Draw the words of all lanes, slice by slice, for every device that a single pulse can reach."""
    for first in range(0, c.lanes, c.slice_lanes):
        for bank in range(len(m.words)):
            streams = m.streams[bank * c.slice_lanes : (bank + 1) * c.slice_lanes]
            lfsr.draw(c, c.word_mask, streams, m.words[bank, first : first + c.slice_lanes])


def pulse(
    c: Constants,
    m: Memory,
    row: int,
    lanes: NDArray[np.int64],
    increase: NDArray[np.bool_],
    codes: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> None:
    """Apply one write pulse to lanes of a row; where a device switches the sum may return to 0.

    At once, ahead of CLEAR_SWITCHED: the row's pulses are known, and nothing else reads its sums before.
    """
    draw(c, m)
    second = len(c.stuck) - 1
    words_1, words_2 = m.words[0], m.words[len(m.words) - 1]
    for k in range(len(lanes)):
        lane, code, up = lanes[k], codes[k], increase[k]
        if code == 0:
            continue
        r1, r2 = m.r1[row, lane] != 0, m.r2[row, lane] != 0
        if c.blind:
            pulsed_1, pulsed_2 = True, not c.binary
        elif c.binary:
            pulsed_1, pulsed_2 = r1 != up, False
        else:
            # prefer the device that can go antiparallel: the step then ends in the weak zero, which conducts least
            pulsed_1 = not r2 and not r1 if up else r1
            pulsed_2 = r2 if up else not r1 and not r2
        flip_1 = flip_2 = False
        if pulsed_1 and r1 != up and not c.stuck[0, row, lane]:
            direction = TO_PARALLEL if up else TO_ANTIPARALLEL
            flip_1 = words_1[lane] < m.thresholds[c.device_bins[0, row, lane], direction, code]
        if pulsed_2 and r2 == up and not c.stuck[second, row, lane]:
            direction = TO_ANTIPARALLEL if up else TO_PARALLEL
            flip_2 = words_2[lane] < m.thresholds[c.device_bins[second, row, lane], direction, code]
        if flip_1:
            m.r1[row, lane] ^= 1
        if flip_2:
            m.r2[row, lane] ^= 1
        if c.reset_on_switch and (flip_1 or flip_2):
            m.sums[row, lane] = 0
        pulsed = int(pulsed_1) + int(pulsed_2)
        counts[Write.PULSES] += pulsed
        counts[Write.PULSE_WIDTH] += pulsed * code
        counts[Write.SWITCHES] += int(flip_1) + int(flip_2)
