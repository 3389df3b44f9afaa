"""Compilation with Numba, on first use and once for all configurations."""

import hashlib
import importlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from golden import cycles
from golden.fast import (
    converter,
    drivers,
    error_unit,
    gradient_memory,
    lfsr,
    neuron,
    pooling,
    sample,
    synapse_array,
    update_unit,
    write,
)
from golden.lib.errors import UserError

#: Modules whose functions call one another, the cycle model's among them: its formulas stand in golden/cycles.py alone.
_MODULES = (
    *(cycles, lfsr, converter, drivers, pooling, synapse_array, neuron, error_unit, gradient_memory),
    *(update_unit, sample, write),
)


class MissingError(UserError):
    """Numba is not installed; the message is one line."""


class Compiled(NamedTuple):
    """The compiled functions, called like those they were made from."""

    present: Callable[..., Any]
    write: Callable[..., Any]


def _digest() -> str:
    """Digest of the golden model's source: compiled code is kept apart by it, since Numba looks at one file alone."""
    sha = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


@cache
def compiled() -> Compiled:
    """Compile the functions, or load what was compiled before.

    Raises
    ------
    MissingError
        If Numba is not installed.
    """
    try:
        numba: Any = importlib.import_module("numba")
        extending: Any = importlib.import_module("numba.extending")
    except ImportError as error:
        raise MissingError(f"the fast golden model needs Numba ({error}): pip install 'numba>=0.64'") from error
    for module in _MODULES:
        for function in vars(module).values():
            if inspect.isfunction(function):
                # a call counts the references to every array of the machine, unless no function makes an array
                extending.register_jitable(_nrt=module is cycles, forceinline=module is not cycles)(function)
    kept, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(Path(__file__).parent / "__pycache__" / _digest())
    try:
        compile_ = numba.njit(cache=True, boundscheck=False)
        return Compiled(compile_(sample.present), compile_(write.write))
    finally:
        numba.config.CACHE_DIR = kept
