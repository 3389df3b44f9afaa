"""The sample section of the microprogram, compiled: forward, error, backward, gradient for samples one after another.

Plain Python that Numba compiles; terms and order are those of `golden/machine.py` and the blocks it calls.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import cycles
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
    weigh(c, m)
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
                accumulate(i, c, m, length, count)
                done = cycles.walk(m.vector[:length], c.group, c.latency)
            elif i.op == Op.SENSE_COLUMNS:
                for lane in range(c.lanes):
                    m.collected[lane] = m.columns[lane]
                    m.columns[lane] = 0
                count[Event.GROUPS_SENSED] += i.groups
                learn |= finish(i, c, m, i.groups * c.group, labels[sample], training)
            elif i.op == Op.SENSE_ROWS:
                collect(i, c, m, count)
                if i.last:
                    learn |= finish(i, c, m, i.groups * c.group, labels[sample], training)
            elif i.op == Op.BRANCH:
                stay = training and learn
                done = int(stay)
            elif i.op == Op.GRADIENT:
                length = fetch(i, c, m, trits[sample])
                outer(i, c, m, length, count)
                done = cycles.walk(m.vector[:length], c.group, cycles.GRADIENT)
            count[Event.CYCLES] += done + 1
            if not stay:
                break
        predictions[sample] = m.outputs.argmax()
    return predictions


def weigh(c: Constants, m: Memory) -> None:
    """Compute the weights of all synapses, and how many of every row are not zero."""
    for row in range(len(m.weights)):
        nonzero = 0
        for lane in range(c.lanes):
            r1, r2 = np.int8(m.r1[row, lane]), np.int8(m.r2[row, lane])
            w = np.int8(2 * r1 - 1) if c.binary else np.int8(r1 - r2)
            m.weights[row, lane] = w
            nonzero += w != 0
        m.nonzero[row] = nonzero


def fetch(i: Any, c: Constants, m: Memory, trits: NDArray[np.int8]) -> int:
    """Read the vector that an instruction names; return its length, whole groups."""
    length = i.groups * c.group
    base = i.group * c.group
    if i.source == Source.INPUT:
        m.vector[: len(trits)] = trits
        m.vector[len(trits) : length] = 0
    elif i.source == Source.ACTIVATION:
        m.vector[:length] = m.activations[base : base + length]
    else:
        m.vector[:length] = m.errors[base : base + length]
    return length


def accumulate(i: Any, c: Constants, m: Memory, length: int, count: NDArray[np.int64]) -> None:
    """Drive rows with the elements of the vector that are not zero."""
    for element in range(length):
        coefficient = np.int32(m.vector[element])
        if coefficient == 0:
            continue
        row = i.row + element
        if coefficient == 1:
            for lane in range(c.lanes):
                m.columns[lane] += m.weights[row, lane]
        else:
            for lane in range(c.lanes):
                m.columns[lane] += np.int32(coefficient * m.weights[row, lane])
        count[Event.ROWS_DRIVEN] += 1
        count[Event.PRODUCTS] += m.nonzero[row]


def collect(i: Any, c: Constants, m: Memory, count: NDArray[np.int64]) -> None:
    """Sense rows with all columns driven; the sums of column blocks add up."""
    if i.first:
        m.collected[: i.groups * c.group] = 0
    for index in range(i.rows):
        row = i.row + index
        total = np.int32(0)
        products = np.int32(0)
        for lane in range(c.lanes):
            w, d = m.weights[row, lane], m.drive[lane]
            total += np.int32(w) * np.int32(d)
            products += np.int32((w != 0) & (d != 0))
        m.collected[index] += total
        count[Event.PRODUCTS] += products
    count[Event.ROWS_SENSED] += i.rows


def outer(i: Any, c: Constants, m: Memory, length: int, count: NDArray[np.int64]) -> None:
    """Add the outer product of vector and drive to the gradient sums, saturating."""
    number = m.sums.dtype.type
    high = number(c.gradient_limit - 1)
    low = number(-c.gradient_limit)
    for element in range(length):
        if m.vector[element] == 0:
            continue
        count[Event.ROWS_DRIVEN] += 1
        coefficient = number(m.vector[element])
        row = i.row + element
        for lane in range(c.lanes):
            total = number(m.sums[row, lane] + number(coefficient * m.drive[lane]))
            m.sums[row, lane] = min(max(total, low), high)


def finish(i: Any, c: Constants, m: Memory, length: int, label: int, training: bool) -> bool:
    """Send complete sums through a unit into vector memory; return whether an output has an error."""
    base = i.group * c.group
    if i.unit == Unit.NEURON:
        for element in range(length):
            fire(c, m, m.collected[element], base + element, element < i.elements, training)
        return False
    learn = False
    for element in range(length):
        at = base + element
        error = 0
        if element < i.elements:
            total = m.collected[element]
            if i.unit == Unit.OUTPUT:
                total -= m.offset[at] >> c.fraction
                number = at - c.output_base
                m.outputs[number] = total
                target = 1 if number == label else -1
                error = target * min(max(c.margin - target * total, 0) >> c.shift, c.error_limit)
                learn |= error != 0
            elif m.windows[at]:
                half = (1 << c.backward_shift) >> 1
                error = min(max((total + half) >> c.backward_shift, -c.error_limit), c.error_limit)
        m.errors[at] = error
        if training and (i.unit == Unit.OUTPUT or c.offset_learned):
            move(c, m, -(error << c.train_shift), at)
    return learn


def fire(c: Constants, m: Memory, total: int, at: int, valid: bool, training: bool) -> None:
    """Turn the sum of one neuron into its activation and derivative window; in training its state follows."""
    scale = m.scale[at]
    centred = total - (m.offset[at] >> c.fraction)
    size = abs(centred)
    threshold = max((c.threshold_eighths * scale) >> (3 + c.fraction), 1)
    sign = (1 if centred > 0 else -1) if size >= threshold else 0
    m.activations[at] = sign if valid else 0
    m.windows[at] = valid and abs(size - threshold) <= (c.window_eighths * scale) >> (3 + c.fraction)
    if training:
        m.scale[at] += ((size << c.fraction) - scale) >> c.ema_shift
        if c.offset_tracks_mean:
            move(c, m, ((total << c.fraction) - m.offset[at]) >> c.ema_shift, at)


def move(c: Constants, m: Memory, step: int, at: int) -> None:
    """Move an offset, saturating."""
    m.offset[at] = min(max(m.offset[at] + step, -c.offset_limit), c.offset_limit - 1)
