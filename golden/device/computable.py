"""Physics with numbers that are finite but out of all proportion, 1e300 K: one line in the place of an overflow."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def computable(fields: Mapping[str, Any], prefix: str = "") -> Iterator[None]:
    """Compute something of fields that users have given.

    Parameters
    ----------
    fields : mapping
        Name -> number, or a mapping of the same form; what is neither takes no part.
    prefix : str
        Of the names, with a point at its end.

    Raises
    ------
    ValueError
        If an operation overflows, is none of numbers, or divides by zero; the message names the field whose number is
        farthest from 1.
    """
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except ArithmeticError as error:
        numbers = _numbers(fields, prefix)
        name = max(numbers, key=lambda name: abs(math.log10(abs(numbers[name]))))
        raise ValueError(f"{name} = {numbers[name]} is too far from the other numbers to compute with") from error


def _numbers(fields: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Numbers by dotted name, zeros left out."""
    found: dict[str, float] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found |= _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and value and not isinstance(value, bool):
            found[f"{prefix}{name}"] = value
    return found
