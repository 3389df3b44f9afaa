"""Random streams, compiled (golden/lfsr.py)."""

import numpy as np
from numpy.typing import NDArray

from golden.fast.memory import Constants


def draw(c: Constants, mask: np.uint64, states: NDArray[np.uint64], words: NDArray[np.uint64]) -> None:
    """Draw one word per stream, the bits of the mask, and advance every stream."""
    one = np.uint64(1)
    whole = (one << c.width) - one
    for stream in range(len(states)):
        words[stream] = states[stream] & mask
    for steps in c.strides:
        fresh = (one << steps) - one
        top = c.width - steps
        for stream in range(len(states)):
            state = states[stream]
            new = (state ^ (state >> c.tap)) & fresh
            states[stream] = ((state >> steps) | (new << top)) & whole
