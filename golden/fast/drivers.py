"""How vectors reach rows and columns, compiled (golden/drivers.py, and the machine's DRIVE)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import cycles
from golden.fast.memory import Constants, Memory, Place
from golden.sequencer import Source


def fetch(i: Any, c: Constants, m: Memory, trits: NDArray[np.int8], position: int) -> int:
    """Read the vector that an instruction names; return its length, whole groups."""
    length = i.groups * c.group
    base = (i.group + position * i.step) * c.group
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


def drive(i: Any, c: Constants, m: Memory, trits: NDArray[np.int8], position: int) -> int:
    """Load the column drive; return the operation's last cycle."""
    if not i.patch:
        length = fetch(i, c, m, trits, position)
        for lane in range(length):
            m.drive[lane] = m.vector[lane]
        m.drive[length:] = 0
        return i.done
    place = c.layers[i.layer]
    patch = c.patches[place[Place.PATCHES] + position * place[Place.PATCH] :][: place[Place.PATCH]]
    m.drive[:] = 0
    if i.source == Source.INPUT:
        segments = place[Place.SEGMENTS]
        for tap in range(len(patch)):
            trit = trits[patch[tap]] if patch[tap] >= 0 else 0
            if trit:
                for segment in range(segments):
                    m.drive[segment * c.segment + tap] = trit
        return cycles.drive_input(place[Place.LINES], position % place[Place.WIDTH])
    for group in range(i.groups):
        at = patch[i.group + group]
        if at >= 0:
            base = (place[Place.SOURCE] + at) * c.group
            for element in range(c.group):
                m.drive[group * c.group + element] = m.activations[base + element]
    return i.done
