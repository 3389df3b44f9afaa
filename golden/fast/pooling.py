"""Pooling, compiled (golden/pooling.py)."""

from typing import Any

from golden.fast.memory import Constants, Memory, Place
from golden.sequencer import Op


def pool(i: Any, c: Constants, m: Memory) -> None:
    """Pool activations and windows, or give the errors of pooled positions to those that won."""
    place = c.layers[i.layer]
    groups = place[Place.CHANNEL_GROUPS]
    width = groups * c.group
    first, pooled = place[Place.TARGET] * c.group, i.group * c.group
    for position in range(i.groups // groups):
        corners = c.corners[place[Place.CORNERS] + 4 * position :]
        for channel in range(width):
            won, best = 0, -3
            for corner in range(4):
                at = first + corners[corner] * width + channel
                rank = 2 * m.activations[at] + m.windows[at]
                if rank > best:
                    won, best = corner, rank
            there = first + corners[won] * width + channel
            here = pooled + position * width + channel
            if i.op == Op.POOL:
                m.activations[here] = m.activations[there]
                m.windows[here] = m.windows[there]
            else:
                for corner in range(4):
                    m.errors[first + corners[corner] * width + channel] = 0
                m.errors[there] = m.errors[here]
