"""Builds once per content: a folder appears under its name only when it is complete."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from golden.lib.atomic_write import naming
from golden.lib.errors import UserError

_Made = TypeVar("_Made")


def build_once(builds: Path, name: str, content: object, make: Callable[[Path], None]) -> Path:
    """Build something, unless the same content is there already; of two at once, one builds and the other waits.

    Parameters
    ----------
    builds : Path
        Folder under which builds are kept.
    name : str
        What is built; the folder's name begins with it.
    content : object
        Everything that decides what comes out, tools and their options included; its `repr` tells contents apart.
    make : callable
        Builds into a folder.

    Returns
    -------
    Path
        Folder of the build, absolute.

    Raises
    ------
    golden.lib.errors.UserError
        If `make` raises it; what it has left is then in ``FOLDER.failed``.
    """
    built = builds.resolve() / f"{name}-{hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"
    if not built.is_dir():
        with _alone(built):
            if not built.is_dir():
                whole_folder(built, make, keep=True)
    return built


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the right to build a folder; a process that dies gives it back."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # who waits for this file sees the folder then; if there is none, two may build it, which does no harm
            lock.unlink(missing_ok=True)


def whole_folder(folder: Path, make: Callable[[Path], _Made], *, keep: bool = False) -> _Made:
    """Let something be made in a folder that gets its name when it is complete.

    Parameters
    ----------
    folder : Path
        The folder; one that is there is replaced.
    make : callable
        Makes what is in it; when it raises a `UserError`, what it has left goes to ``FOLDER.failed``.
    keep : bool
        Keep a folder that another process has made meanwhile, which may be in use: it has the same content.

    Returns
    -------
    object
        What `make` returns.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    # mkdtemp makes it for its owner alone
    partial.chmod(0o755)
    try:
        with naming(folder):
            made = make(partial)
        if not (keep and folder.is_dir()):
            _rename(partial, folder)
    except UserError as error:
        failed = folder.with_name(f"{folder.name}.failed")
        _rename(partial, failed)
        raise type(error)(f"{error} (logs in {failed})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return made


def _rename(partial: Path, folder: Path) -> None:
    """Put a folder in the place of another one, which goes."""
    old = partial.with_name(f"{partial.name}.old")
    if folder.exists():
        folder.rename(old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
