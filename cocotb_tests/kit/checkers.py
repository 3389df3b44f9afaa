"""One way to compare: exact, index by index, both sides converted to plain integers."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def _items(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Parts of a composite value, or None for a number."""
    if isinstance(value, Mapping):
        return value.items()
    if (isinstance(value, np.ndarray) and value.ndim) or isinstance(value, list | tuple | range):
        return enumerate(value)
    return None


def _plainly_equal(hardware: Any, golden: Any) -> bool:
    """Whether two values are equal, as far as that is seen quickly: most are."""
    if isinstance(hardware, int | np.integer) and isinstance(golden, int | np.integer):
        return int(hardware) == int(golden)
    if isinstance(golden, np.ndarray) and golden.ndim and isinstance(hardware, list | np.ndarray):
        return golden.dtype != object and np.array_equal(hardware, golden)
    return False


def differences(hardware: Any, golden: Any, index: tuple[Any, ...] = ()) -> list[str]:
    """List where two values differ; numbers, sequences and mappings, nested as deep as they are."""
    theirs, ours = _items(hardware), _items(golden)
    if theirs is None and ours is None:
        got, want = int(hardware), int(golden)
        at = "".join(f"[{part}]" for part in index)
        return [] if got == want else [f"{at}: hardware {got}, golden {want}"]
    if theirs is None or ours is None:
        return [f"{list(index)}: hardware {hardware!r}, golden {golden!r}: not of one shape"]
    left, right = dict(theirs), dict(ours)
    if left.keys() != right.keys():
        return [f"{list(index)}: hardware has {len(left)} parts {list(left)}, golden {len(right)} {list(right)}"]
    return [line for key in left for line in differences(left[key], right[key], (*index, key))]


def equal(quantity: str, hardware: Any, golden: Any) -> None:
    """Assert that hardware and golden agree exactly.

    Parameters
    ----------
    quantity : str
        What is compared, for the message.
    hardware, golden : int, sequence or mapping
        Both values; every leaf is converted with ``int``.

    Raises
    ------
    AssertionError
        With quantity, index and both values of the first differences.
    """
    found = [] if _plainly_equal(hardware, golden) else differences(hardware, golden)
    if found:
        more = f" ({len(found)} differences in all)" if len(found) > 5 else ""
        raise AssertionError("; ".join(f"{quantity}{line}" for line in found[:5]) + more)
