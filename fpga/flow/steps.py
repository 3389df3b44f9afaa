"""The steps of a build: how long each takes, and where it is meanwhile."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

#: Columns of what is shown.
_WIDTH = 100


class Steps:
    """Times the steps of a build and shows where it is.

    Parameters
    ----------
    name : str
        What is built.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.seconds: dict[str, float] = {}

    def run(self, step: str, call: Callable[[Callable[[], None]], bool], log: Path) -> bool:
        """Do a step; `call` is given what it calls now and then."""
        started = time.monotonic()
        tty = sys.stderr.isatty()

        def show() -> None:
            if tty:
                text = f"{self._name}: {step}, {time.monotonic() - started:.0f} s, {_last(log)}"
                print(f"\r\033[K{text[:_WIDTH]}", end="", file=sys.stderr, flush=True)

        print(f"{self._name}: {step} ...", end="" if tty else "\n", file=sys.stderr, flush=True)
        try:
            good = call(show)
        finally:
            taken = self.seconds[step] = time.monotonic() - started
            clear = "\r\033[K" if tty else ""
            print(f"{clear}{self._name}: {step}, {taken:.0f} s", file=sys.stderr, flush=True)
        return good


def _last(log: Path) -> str:
    """Last line of a log that is being written."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 500))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
