"""Training over a serial line: a board at a port, or a simulated one."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpga.gateware import verilog
from fpga.host.driver import Driver
from fpga.host.driver_backend import DriverBackend
from fpga.host.link import Link
from fpga.host.ports import open_port
from fpga.host.pty_board import Simulated, Trouble, simulated
from golden.bus.transport import LinkError, TransportTimeout
from golden.config import MachineConfig
from golden.run.comparison import State
from golden.run.run import Run, Step
from golden.run.session import LostError
from golden.samples import Samples

#: Name of the port of a board that is simulated for one training.
SIM = "sim"


@dataclass(frozen=True)
class SerialBoard:
    """The way to a board.

    Attributes
    ----------
    port : str
        As for `open_port`, or `SIM`.
    baud : int
        Of a serial port.
    clock_hz : float
        Clock of a simulated board.
    patience : float
        How long the line may be gone, s.
    repeat : float
        How long to wait for an answer before a request is repeated, s.
    trouble : Trouble
        What goes wrong on the line of a simulated board.
    quick : bool
        Compile a simulated board quickly instead of for speed.
    """

    port: str
    baud: int
    clock_hz: float = 24e6
    patience: float = 30.0
    repeat: float = 0.2
    trouble: Trouble = field(default_factory=Trouble)
    quick: bool = False

    @contextmanager
    def open(self, folder: Path) -> Iterator[tuple[Link, Simulated | None]]:
        """Connect to a board; start it if it is a simulated one, whose Verilog is in a folder."""
        if self.port != SIM:
            yield from self._connected(self.port, None)
            return
        with simulated(folder, self.trouble, quick=self.quick) as board:
            yield from self._connected(board.port, board)

    def _connected(self, port: str, board: Simulated | None) -> Iterator[tuple[Link, Simulated | None]]:
        link = Link(open_port(port, self.baud), repeat=self.repeat, timeout=self.patience)
        try:
            yield link, board
        finally:
            link.close()


def speed(baud: int, manifest: Mapping[str, Any]) -> int:
    """Give the speed of a line: `baud`, or for 0 what the manifest of a design has; 1000000 if it has no line."""
    return baud or manifest.get("line", {}).get("baud", 1_000_000)


def design(config: MachineConfig, title: str, line: SerialBoard, folder: Path) -> dict[str, Any]:
    """Generate a board for a simulation into a folder; return its manifest."""
    verilog.write(config, title, line.clock_hz, line.baud, folder)
    return json.loads((folder / "manifest.json").read_text())


class SerialBackend(DriverBackend):
    """The backend of a board at the end of a line.

    Parameters
    ----------
    link : Link
        The line.
    manifest : dict
        Manifest of the board's design.
    run : Run
        What it trains.
    reload : bool
        Resume with a board that has lost its state: it gets the golden machine's.
    """

    def __init__(self, link: Link, manifest: dict[str, Any], run: Run, *, reload: bool = False) -> None:
        super().__init__(Driver(link, manifest), run)
        self._link, self._reload = link, reload

    def resume(self, run: Run) -> None:
        """Go on where the board stands, or give it the golden machine's state."""
        if self._reload:
            self.reload()
        else:
            super().resume(run)

    def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Do a step, or what the board has not done of it."""
        with _lost():
            return super().step(step, samples)

    def counters(self) -> dict[str, int]:
        """Read the event counters that can be compared."""
        with _lost():
            return super().counters()

    def state(self) -> State:
        """Dump weights and neurons."""
        with _lost():
            return super().state()

    def figures(self) -> dict[str, float]:
        """Say what has gone over the line."""
        link = self._link
        counts = {"bytes_sent": link.sent, "bytes_received": link.got, "retries": link.repeats, "cuts": link.cuts}
        return super().figures() | counts | {"reloads": int(self._reload)}


@contextmanager
def _lost() -> Iterator[None]:
    """Tell a session that the line is gone, and what to do."""
    try:
        yield
    except (LinkError, TransportTimeout) as error:
        raise LostError(f"({error}): connect it again without taking its power") from None
