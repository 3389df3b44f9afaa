"""What every report says of itself."""

import datetime
import platform
import shlex
import sys
from importlib.metadata import version
from typing import Any

from gen.manifest import versions


def stamp(**others: str) -> dict[str, Any]:
    """Say how a report was made: command, versions (more of them may be given by name) and date."""
    return {
        "command": shlex.join(sys.orig_argv),
        "versions": {**versions(), "cocotb": version("cocotb"), **others, "python": platform.python_version()},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
