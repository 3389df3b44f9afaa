"""A simulated board behind a pseudo-terminal: for a program, a board at a serial port."""

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from fpga.host.noise import Noise, Spoiler
from fpga.host.simulated_board import SimulatedBoard
from golden.lib.errors import UserError
from sim.runner import ROOT

#: Clock cycles between two looks at the host's end, and how many without a byte make a line idle.
_MOMENT, _IDLE = 1000, 200_000
#: How long one look at an idle line takes, s: the board's clock then goes slower.
_LOOK = 0.002


@dataclass(frozen=True)
class Trouble:
    """What shall go wrong.

    Attributes
    ----------
    seed : int
        Of the noise.
    rate : float
        Chance per byte, in either direction, of a flipped bit, of being lost, and of another one behind it.
    pull : int
        Bytes from the host after which the cable is pulled; 0 for never.
    pause : float
        How long it stays so, s.
    """

    seed: int = 1
    rate: float = 0.0
    pull: int = 0
    pause: float = 0.0


class Terminal:
    """A board whose serial port has a name for programs, until its cable is pulled.

    Parameters
    ----------
    board : SimulatedBoard
        The board.
    name : Path
        Name of the port, a link to the pseudo-terminal.
    trouble : Trouble
        What shall go wrong.

    Attributes
    ----------
    inward, outward : Spoiler
        What noise has done in both directions.
    """

    def __init__(self, board: SimulatedBoard, name: Path, trouble: Trouble) -> None:
        self._board, self._name, self._trouble = board, name, trouble
        noise = Noise(trouble.rate, trouble.rate, trouble.rate)
        self.inward, self.outward = (
            Spoiler(noise, np.random.default_rng([trouble.seed, direction])) for direction in range(2)
        )
        self._ends: list[int] = []
        self._quiet = 0
        self._plug()

    def _plug(self) -> None:
        """Give the port its name."""
        self._ends = list(pty.openpty())
        tty.setraw(self._ends[1])
        os.set_blocking(self._ends[0], False)
        new = self._name.with_name(f".{self._name.name}.{os.getpid()}")
        new.symlink_to(os.ttyname(self._ends[1]))
        new.replace(self._name)

    def unplug(self) -> None:
        """Take the port away."""
        self._name.unlink(missing_ok=True)
        for end in self._ends:
            os.close(end)
        self._ends = []

    def turn(self) -> None:
        """Let the board run for a moment, and bytes pass."""
        board, trouble = self._board, self._trouble
        wait = _LOOK if self._quiet > _IDLE else 0
        readable, _, _ = select.select(self._ends[:1], [], [], wait)
        data = os.read(self._ends[0], 4096) if readable else b""
        board.send(self.inward(data))
        given = self.outward(board.run(_MOMENT))
        # like a line without handshake: what nobody takes is lost
        with suppress(BlockingIOError):
            os.write(self._ends[0], given)
        self._quiet = 0 if data or given else self._quiet + _MOMENT
        if self.inward.passed - len(data) < trouble.pull <= self.inward.passed:
            self.unplug()
            until = time.monotonic() + trouble.pause
            while time.monotonic() < until:
                board.run(_MOMENT)
            self._plug()

    def counts(self) -> dict[str, int]:
        """Say what has passed and what noise has done."""
        both = (self.inward, self.outward)
        names = ("passed", "flipped", "lost", "added")
        return {name: sum(getattr(one, name) for one in both) for name in names} | {
            "cycles": self._board.cycles,
            "violations": self._board.violations,
        }


@dataclass
class Simulated:
    """A simulated board in another process.

    Attributes
    ----------
    port : str
        Name of its serial port.
    counts : dict of str to int
        What its `Terminal` counted, when it has ended.
    """

    port: str
    counts: dict[str, int] = field(default_factory=dict)


@contextmanager
def simulated(folder: Path, trouble: Trouble, *, quick: bool = False) -> Iterator[Simulated]:
    """Simulate a board in another process, at a port of its own; end it afterwards.

    Parameters
    ----------
    folder : Path
        Output of `fpga.gateware.verilog.write`.
    trouble : Trouble
        What goes wrong.
    quick : bool
        Compile quickly instead of for speed.

    Raises
    ------
    UserError
        If it does not start.
    """
    with tempfile.TemporaryDirectory() as place:
        name = Path(place) / "board"
        settings = {"folder": str(folder), "name": str(name), "trouble": asdict(trouble), "quick": quick}
        command = [sys.executable, "-c", "from fpga.host.pty_board import attached; attached()", json.dumps(settings)]
        found = Simulated(str(name))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        # Ctrl-C is for the program that uses the board
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0, env=environment
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if not process.stdout.readline():
                raise UserError(f"the simulated board has not started: exit status {process.wait()}")
            try:
                yield found
            finally:
                process.stdin.close()
                rest = process.stdout.read()
                if rest:
                    found.counts = json.loads(rest)


def attached() -> None:
    """Be the other process of `simulated`: serve a board until standard input ends."""
    settings = json.loads(sys.argv[1])
    try:
        board = SimulatedBoard(Path(settings["folder"]), quick=settings["quick"])
        counts = serve(board, Path(settings["name"]), Trouble(**settings["trouble"]), until=[sys.stdin])
    except UserError as error:
        sys.exit(f"error: {error}")
    print(json.dumps(counts))


def serve(board: SimulatedBoard, name: Path, trouble: Trouble, *, until: Sequence[TextIO] = ()) -> dict[str, int]:
    """Serve a board until Ctrl-C; return what was counted.

    Parameters
    ----------
    board : SimulatedBoard
        The board.
    name : Path
        Name of its port.
    trouble : Trouble
        What shall go wrong.
    until : sequence of file
        Streams on which nothing but their end comes; it ends the board too.
    """
    terminal = Terminal(board, name, trouble)
    print(f"board at {name}", flush=True)
    with suppress(KeyboardInterrupt):
        while not select.select(until, [], [], 0)[0]:
            terminal.turn()
    terminal.unplug()
    counts = terminal.counts()
    board.close()
    return counts
