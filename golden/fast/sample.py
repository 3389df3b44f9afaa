"""The sample section of the microprogram, compiled: forward, error, backward, gradient for samples one after another.

Plain Python that Numba compiles; terms and order are those of `golden/machine.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import cycles
from golden.fast import error_unit, gradient_memory, neuron, synapse_array
from golden.fast.memory import Constants, Event, Memory
from golden.sequencer import Op, Source, Unit


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
    synapse_array.weigh(c, m)
    for sample in range(len(labels)):
        learn = False
        for index in range(len(program)):
            i = program[index]
            count = counts[i.phase]
            done = i.done
            stay = True
            if i.op == Op.END:
                break
            if i.op == Op.DRIVE:
                fetch(i, c, m, trits[sample])
                for lane in range(c.lanes):
                    m.drive[lane] = m.vector[lane]
            elif i.op == Op.ACCUMULATE:
                length = fetch(i, c, m, trits[sample])
                synapse_array.drive_rows(c, m, i.row, length, count)
                done = cycles.walk(m.vector[:length], c.group, c.latency)
            elif i.op == Op.SENSE_COLUMNS:
                synapse_array.sense_columns(c, m, count)
                learn |= finish(i, c, m, m.sensed[: c.lanes], labels[sample], training)
            elif i.op == Op.SENSE_ROWS:
                synapse_array.sense_rows(c, m, i.row, i.rows, count)
                collect(i, c, m)
                if i.last:
                    learn |= finish(i, c, m, m.collected[: i.groups * c.group], labels[sample], training)
            elif i.op == Op.BRANCH:
                stay = training and learn
                done = int(stay)
            elif i.op == Op.GRADIENT:
                length = fetch(i, c, m, trits[sample])
                gradient_memory.accumulate(c, m, i.row, length, count)
                done = cycles.walk(m.vector[:length], c.group, cycles.GRADIENT)
            count[Event.CYCLES] += done + 1
            if not stay:
                break
        predictions[sample] = m.outputs.argmax()
    return predictions


def fetch(i: Any, c: Constants, m: Memory, trits: NDArray[np.int8]) -> int:
    """Read the vector that an instruction names; return its length, whole groups."""
    length = i.groups * c.group
    base = i.group * c.group
    if i.source == Source.INPUT:
        for element in range(length):
            m.vector[element] = trits[element] if element < len(trits) else 0
    elif i.source == Source.ACTIVATION:
        for element in range(length):
            m.vector[element] = m.activations[base + element]
    else:
        for element in range(length):
            m.vector[element] = m.errors[base + element]
    return length


def collect(i: Any, c: Constants, m: Memory) -> None:
    """Take the row sums of one column block, which add up (golden/collector.py)."""
    if i.first:
        m.collected[: i.groups * c.group] = 0
    for index in range(i.rows):
        m.collected[index] += m.sensed[index]


def finish(i: Any, c: Constants, m: Memory, sums: NDArray[np.int64], label: int, training: bool) -> bool:
    """Send complete sums through a unit into vector memory; return whether an output has an error."""
    base = i.group * c.group
    if i.unit == Unit.NEURON:
        for element in range(len(sums)):
            neuron.fire(c, m, sums[element], base + element, element < i.elements, training)
        return False
    learn = False
    for element in range(len(sums)):
        at = base + element
        error = 0
        if element < i.elements:
            if i.unit == Unit.OUTPUT:
                number = at - c.output_base
                total = neuron.centre(c, m, sums[element], at)
                m.outputs[number] = total
                error = error_unit.output(c, total, 1 if number == label else -1)
                learn |= error != 0
            elif m.windows[at]:
                error = error_unit.hidden(c, sums[element])
        m.errors[at] = error
        if training and (i.unit == Unit.OUTPUT or c.offset_learned):
            neuron.train(c, m, error, at)
    return learn
