"""Errors, compiled (golden/error_unit.py)."""

from golden.fast.memory import Constants


def output(c: Constants, total: int, target: int) -> int:
    """Error of an output whose target is 1 or -1."""
    return target * min(max(c.margin - target * total, 0) >> c.shift, c.error_limit)


def hidden(c: Constants, total: int, layer: int) -> int:
    """Error of a neuron of a hidden layer inside its window."""
    shift = c.backward_shifts[layer]
    half = (1 << shift) >> 1
    return min(max((total + half) >> shift, -c.error_limit), c.error_limit)
