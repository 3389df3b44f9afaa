"""Errors, compiled (golden/error_unit.py)."""

from golden.fast.memory import Constants


def output(c: Constants, total: int, target: int) -> int:
    """Error of an output whose target is 1 or -1."""
    return target * min(max(c.margin - target * total, 0) >> c.shift, c.error_limit)


def hidden(c: Constants, total: int) -> int:
    """Error of a hidden neuron inside its window."""
    half = (1 << c.backward_shift) >> 1
    return min(max((total + half) >> c.backward_shift, -c.error_limit), c.error_limit)
