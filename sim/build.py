"""Tools that build something: their log, and what went wrong in one line."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from golden.lib.errors import UserError

#: File that the output of a build's tools goes to.
LOG = "build.log"


class BuildError(UserError):
    """Something cannot be built; the message has the tool's first complaint, and says where the others are."""


def complaint(text: str) -> str:
    """Pick the first error out of what a tool says, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no log was written"]
    return next((line for line in lines if re.search(r"%Error|\berror\b", line, re.IGNORECASE)), lines[-1])


def failure(name: str, folder: Path) -> BuildError:
    """Say that something cannot be built, with the first error in the log of its folder."""
    log = folder / LOG
    return BuildError(f"{name} cannot be built: {complaint(log.read_text(errors='replace') if log.is_file() else '')}")


def call(
    name: str, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None, at: str = "."
) -> None:
    """Run a tool in the folder of a build, or in its subfolder `at`, its output at the end of the folder's `LOG`.

    Raises
    ------
    BuildError
        If it fails.
    """
    with (folder / LOG).open("a") as log:
        code = subprocess.run(
            command,
            cwd=folder / at,
            env=os.environ | (environment or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        raise failure(name, folder)
