"""One process at a time in a folder."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from golden.lib.lock import LockedError, locked
from sim.runner import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from golden.lib.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process(tmp_path: Path) -> None:
    """A second process is refused at once; one that was killed holds nothing."""
    folder = tmp_path / "new" / "work"
    with subprocess.Popen([sys.executable, "-c", _HOLD, folder], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        says = f"^another run works in {re.escape(str(folder))}: wait for its end, or give this one another folder"
        with pytest.raises(LockedError, match=says), locked(folder):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait(20)
    with locked(folder):
        pass


def test_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path), locked(tmp_path / "within"):
        pass
