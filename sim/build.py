"""Builds once per content: a folder appears under its name only when it is complete."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from golden.lib.errors import UserError

#: File that the output of a build's tools goes to.
LOG = "build.log"

_Made = TypeVar("_Made")


class BuildError(UserError):
    """Something cannot be built; the message has the tool's first complaint, and says where the others are."""


def build_once(builds: Path, name: str, content: object, make: Callable[[Path], None]) -> Path:
    """Build something, unless the same content is there already.

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
    BuildError
        If `make` raises it; what it has left is then in ``FOLDER.failed``.
    """
    built = builds.resolve() / f"{name}-{hashlib.sha256(repr(content).encode()).hexdigest()[:16]}"
    if not built.is_dir():
        whole_folder(built, make, keep=True)
    return built


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


def complaint(text: str) -> str:
    """Pick the first error out of what a tool says, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no log was written"]
    return next((line for line in lines if re.search(r"%Error|\berror\b", line, re.IGNORECASE)), lines[-1])


def failure(name: str, folder: Path) -> BuildError:
    """Say that something cannot be built, with the first error in the log of its folder."""
    log = folder / LOG
    return BuildError(f"{name} cannot be built: {complaint(log.read_text(errors='replace') if log.is_file() else '')}")


def call(name: str, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a tool in the folder of a build, its output at the end of the folder's `LOG`.

    Raises
    ------
    BuildError
        If it fails.
    """
    with (folder / LOG).open("a") as log:
        code = subprocess.run(
            command, cwd=folder, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        raise failure(name, folder)
