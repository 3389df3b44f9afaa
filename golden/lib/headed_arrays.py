"""Files of arrays of integers under a header of JSON: written whole or not at all, read without trust."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.lib.atomic_write import whole

#: Name of the header among the arrays.
_HEADER = "header"


class DamagedError(ValueError):
    """A file is no such file; the message is the reason alone, in one line."""


def write(path: Path, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Write a file.

    Parameters
    ----------
    path : Path
        The file; its folder is made if needed.
    header : dict
        As JSON.
    arrays : dict of str to ndarray
        Name -> values.
    """
    members: dict[str, Any] = {_HEADER: json.dumps(header), **arrays}
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **members)


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write` wrote.

    Returns
    -------
    header : dict
        Numbers in it are finite.
    arrays : dict of str to ndarray
        Name -> values, all integers.

    Raises
    ------
    DamagedError
        If the file is another, or has not arrived whole.
    OSError
        If it cannot be opened.
    """
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise DamagedError("it is no archive of NumPy, or only a part of one")
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = json.loads(str(arrays.pop(_HEADER, "")), parse_constant=_refuse)
        # the libraries below do not say which exceptions a file can cause; their texts are for programmers
        except Exception as error:
            raise DamagedError("its content is damaged") from error
    if not isinstance(header, dict):
        raise DamagedError("its header is no table")
    for name, values in arrays.items():
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
            raise DamagedError(f"{name} is no array of integers")
    return header, arrays


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
