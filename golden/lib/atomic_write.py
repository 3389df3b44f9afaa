"""Files that appear whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an error of the system that names no file, as a full disk's, the name of what is written."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside `path` to write to; rename it when all went well, remove it otherwise.

    Parameters
    ----------
    path : Path
        The file; its folder is made if needed.

    Yields
    ------
    Path
        Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with naming(path):
            yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def keep(path: Path) -> None:
    """Copy a file that something new will replace, if it is there, to ``NAME-before`` beside it."""
    if path.is_file():
        with whole(path.with_stem(f"{path.stem}-before")) as copy:
            shutil.copyfile(path, copy)


def write_json(path: Path, content: Any) -> None:
    """Write a report as JSON, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
