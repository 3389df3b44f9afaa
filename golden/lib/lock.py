"""Folders that one process at a time works in."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golden.lib.errors import UserError


class LockedError(UserError):
    """Another process works in a folder; the message is one line."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the right to work in a folder; a process that dies gives it back.

    Parameters
    ----------
    folder : Path
        The folder; made if needed.

    Raises
    ------
    LockedError
        If another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # the file stays: whoever removed it could take it from one who has just opened it
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"another run works in {folder}: wait for its end, or give this one another folder with --build"
            ) from None
        yield
