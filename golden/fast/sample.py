"""The sample section of the microprogram, compiled: forward, error, backward, gradient for samples one after another.

Plain Python that Numba compiles; terms and order are those of `golden/machine.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import cycles
from golden.fast import drivers, error_unit, gradient_memory, neuron, pooling, synapse_array
from golden.fast.memory import Constants, Event, Memory, Place
from golden.sequencer import Op, Phase, Unit


def present(
    program: NDArray[np.void],
    c: Constants,
    m: Memory,
    trits: NDArray[np.int8],
    labels: NDArray[np.uint8],
    training: bool,
    counts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Run the sample section on samples.

    Parameters
    ----------
    program : ndarray of records
        Output of `golden.fast.memory.program`.
    c, m : Constants, Memory
        The machine.
    trits : ndarray of int8, shape (n, inputs)
        Input vectors.
    labels : ndarray of uint8, shape (n,)
        Classes.
    training : bool
        Whether the machine learns.
    counts : ndarray of int64, shape (phases, events)
        To which counts are added.

    Returns
    -------
    ndarray of int64, shape (n,)
        Predictions.
    """
    predictions = np.empty(len(labels), np.int64)
    synapse_array.weigh(program, c, m)
    for sample in range(len(labels)):
        learn = False
        at = position = 0
        while program[at].op != Op.END:
            i = program[at]
            count = counts[i.phase]
            at += 1
            if i.op == Op.BRANCH:
                count[Event.CYCLES] += int(training and learn) + 1
                if not (training and learn):
                    break
            elif i.op == Op.NEXT:
                left = c.layers[i.layer, Place.POSITIONS] - 1 - position
                count[Event.CYCLES] += cycles.next_position(left, i.overlap) + 1
                position = position + 1 if left else 0
                at -= i.body + 1 if left else 0
            elif i.phase == Phase.GRADIENT:
                count[Event.CYCLES] += learn_from(i, c, m, trits[sample], position, count) + 1
            else:
                done, error = read(i, at - 1, c, m, trits[sample], labels[sample], position, training, count)
                count[Event.CYCLES] += done + 1
                learn |= error
        predictions[sample] = m.outputs.argmax()
    return predictions


def read(
    i: Any,
    at: int,
    c: Constants,
    m: Memory,
    trits: NDArray[np.int8],
    label: int,
    position: int,
    training: bool,
    count: NDArray[np.int64],
) -> tuple[int, bool]:
    """Execute an operation, forward or backward; return its last cycle, and whether an output has an error."""
    done, learn = i.done, False
    if i.op == Op.DRIVE:
        done = drivers.drive(i, c, m, trits, position)
    elif i.op == Op.ACCUMULATE:
        length = drivers.fetch(i, c, m, trits, position)
        synapse_array.drive_rows(c, m, i.row, length, count)
        done = cycles.walk(m.vector[:length], c.group, c.latency)
    elif i.op == Op.SENSE_COLUMNS:
        synapse_array.sense_columns(c, m, count)
        if i.unit == Unit.MAP:
            add_to_map(i, c, m, position)
        else:
            learn = finish(i, c, m, m.sensed[: c.lanes], label, position, training)
    elif i.op == Op.SENSE_SEGMENTS:
        synapse_array.sense_segments(c, m, i.row, i.rows, count)
        learn = finish(i, c, m, m.sensed[: i.groups * c.group], label, position, training)
    elif i.op == Op.SENSE_ROWS:
        synapse_array.sense_rows(c, m, i.row, i.rows, m.lane_nonzero[at], count)
        collect(i, c, m)
        if i.last:
            learn = finish(i, c, m, m.collected[: i.groups * c.group], label, position, training)
    elif i.op == Op.MAP_ERRORS:
        finish(i, c, m, m.map[: i.groups * c.group], label, position, training)
        m.map[: i.groups * c.group] = 0
    else:
        pooling.pool(i, c, m)
    return done, learn


def learn_from(
    i: Any, c: Constants, m: Memory, trits: NDArray[np.int8], position: int, count: NDArray[np.int64]
) -> int:
    """Execute an operation of the gradient; return its last cycle."""
    if i.op == Op.DRIVE:
        return drivers.drive(i, c, m, trits, position)
    length = drivers.fetch(i, c, m, trits, position)
    if i.op == Op.GRADIENT_SEGMENTS:
        gradient_memory.accumulate_segments(c, m, i.row, length, count)
        return cycles.walk(m.walked[: i.groups], 1, cycles.GRADIENT)
    gradient_memory.accumulate(c, m, i.row, length, count)
    return cycles.walk(m.vector[:length], c.group, cycles.GRADIENT)


def collect(i: Any, c: Constants, m: Memory) -> None:
    """Take the row sums of one column block, which add up (golden/collector.py)."""
    if i.first:
        m.collected[: i.groups * c.group] = 0
    for index in range(i.rows):
        m.collected[index] += m.sensed[index]


def add_to_map(i: Any, c: Constants, m: Memory, position: int) -> None:
    """Add the column sums of one position to the error map (golden/error_map.py)."""
    place = c.layers[i.layer]
    patch = c.patches[place[Place.PATCHES] + position * place[Place.PATCH] + i.group :]
    for group in range(i.elements // c.group):
        if patch[group] >= 0:
            for element in range(c.group):
                m.map[patch[group] * c.group + element] += m.sensed[group * c.group + element]


def finish(i: Any, c: Constants, m: Memory, sums: NDArray[np.int64], label: int, position: int, training: bool) -> bool:
    """Send complete sums through a unit into vector memory; return whether an output has an error."""
    base = (i.group + position * i.step) * c.group
    neurons = i.neuron_group * c.group
    if i.unit == Unit.NEURON:
        for element in range(len(sums)):
            size = neuron.fire(c, m, sums[element], neurons + element, base + element, element < i.elements)
            if training:
                neuron.follow(c, m, sums[element], size, neurons + element, position, i.neuron_layer)
        return False
    first = base - c.layers[len(c.layers) - 1, Place.TARGET] * c.group
    learn = False
    for element in range(len(sums)):
        at = base + element
        error = 0
        if element < i.elements:
            if i.unit == Unit.OUTPUT:
                number = first + element
                total = neuron.centre(c, m, sums[element], neurons + element)
                m.outputs[number] = total
                error = error_unit.output(c, total, 1 if number == label else -1)
                learn |= error != 0
            elif m.windows[at]:
                error = error_unit.hidden(c, sums[element], i.neuron_layer)
        m.errors[at] = error
        if training and (i.unit == Unit.OUTPUT or c.offset_learned):
            neuron.train(c, m, error, neurons + element)
    return learn
