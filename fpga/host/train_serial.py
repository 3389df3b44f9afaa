"""Training over a wire: a board at a port, or a simulated one, and what came of it."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fpga.gateware import verilog
from fpga.host.driver import Driver
from fpga.host.link import Link
from fpga.host.ports import open_port
from fpga.host.pty_board import Simulated, simulated
from fpga.host.register_access import MachineError
from fpga.host.training import Training
from gen.provenance import stamp
from golden.bus.transport import LinkError, TransportTimeout
from golden.config import MachineConfig
from golden.run.comparison import Mismatch
from golden.run.progress import Progress
from golden.run.run import CHECKPOINT_SECONDS, Run

#: Name of the port of a board that is simulated for one training.
SIM = "sim"


class CutError(RuntimeError):
    """The way to the board is lost, the checkpoint is written; the message is one line."""


@dataclass(frozen=True)
class Wire:
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
    trouble : tuple of str
        Options of a simulated board.
    """

    port: str
    baud: int
    clock_hz: float = 24e6
    patience: float = 30.0
    repeat: float = 0.2
    trouble: tuple[str, ...] = ()

    @contextmanager
    def open(self, folder: Path) -> Iterator[tuple[Link, Simulated | None]]:
        """Connect to a board; start it if it is a simulated one, whose Verilog is in a folder."""
        if self.port != SIM:
            yield from self._connected(self.port, None)
            return
        with simulated(folder, *self.trouble) as board:
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


def design(config: MachineConfig, title: str, wire: Wire, folder: Path) -> dict[str, Any]:
    """Generate a board for a simulation into a folder; return its manifest."""
    verilog.write(config, title, wire.clock_hz, wire.baud, folder)
    return json.loads((folder / "manifest.json").read_text())


@contextmanager
def _unhurried() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C wait for the end of a step, as a machine that is stopped in a mini-batch has ended it; say if it came.

    A second one does not wait.
    """
    came = False

    def note(number: int, frame: object) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)


def train(
    run: Run, manifest: dict[str, Any], wire: Wire, folder: Path, checkpoint: Path, *, resume: bool, reload: bool
) -> dict[str, Any]:
    """Train a board to the end.

    Parameters
    ----------
    run : Run
        The golden machine, formed, and what is presented.
    manifest : dict
        Manifest of the board's design.
    wire : Wire
        The way to it.
    folder : Path
        Folder of a simulated board's Verilog.
    checkpoint : Path
        Where to keep how far it came.
    resume : bool
        Go on from the checkpoint with a board that has kept its state.
    reload : bool
        Go on from the checkpoint with a board that has not.

    Returns
    -------
    dict
        Outcome.

    Raises
    ------
    CutError
        If the board is lost, or the training was interrupted; the checkpoint is written.
    StateError, LinkError, PortError, CheckpointError
        If it cannot begin.
    """
    seconds, reloads = 0.0, 0
    if resume or reload:
        extra = run.resume(checkpoint)
        seconds, reloads = extra["seconds"], extra["reloads"]
    else:
        checkpoint.unlink(missing_ok=True)
    outcome: dict[str, Any] = {"bit_exact": True}
    with wire.open(folder) as (link, board), _unhurried() as interrupted:
        # a simulated board has been built by now
        started = saved = time.monotonic()

        def save() -> None:
            run.save(checkpoint, {"seconds": seconds + time.monotonic() - started, "reloads": reloads})

        training = Training(Driver(link, manifest), run)
        if reload:
            training.reload()
            reloads += 1
        elif resume:
            training.rejoin()
        else:
            training.begin()
        save()
        try:
            with Progress(run) as progress:
                for step in training.steps():
                    progress.show(step)
                    if interrupted():
                        save()
                        raise CutError("interrupted: the same command with --resume goes on")
                    if time.monotonic() - saved > CHECKPOINT_SECONDS:
                        save()
                        saved = time.monotonic()
        except Mismatch as mismatch:
            outcome |= {"bit_exact": False, "mismatch": str(mismatch)}
        except (LinkError, TransportTimeout) as error:
            save()
            epoch = min(len(run.curve), run.epochs) or 1
            raise CutError(
                f"the board is lost in epoch {epoch} ({error}): connect it again without taking its power, then the "
                f"same command with --resume goes on"
            ) from None
        except MachineError:
            save()
            raise
        outcome |= {
            "compared_values": training.compared,
            "wall_seconds": seconds + time.monotonic() - started,
            "reloads": reloads,
            "bytes_sent": link.sent,
            "bytes_received": link.got,
            "retries": link.repeats,
            "cuts": link.cuts,
            "word_bytes": link.word,
        }
    return outcome | ({"board": board.counts} if board else {})


def report(run: Run, wire: Wire, title: str, outcome: dict[str, Any]) -> dict[str, Any]:
    """Write what a report says of a training."""
    tested = [epoch for epoch in run.curve if epoch.test_samples]
    return {
        "config": title,
        "port": wire.port,
        "baud": wire.baud,
        **({"clock_hz": wire.clock_hz, "noise": " ".join(wire.trouble)} if wire.port == SIM else {}),
        "epochs": run.epochs,
        "samples": run.samples,
        "presented": sum(epoch.train_samples + epoch.test_samples for epoch in run.curve),
        "test_accuracy": tested[-1].test_correct / tested[-1].test_samples if tested else 0.0,
        **outcome,
        "weights_sha256": run.weights_sha256(),
        "seed": {"random": run.config.random.seed, "shuffle": run.config.training.shuffle_seed},
        **stamp(),
    }


def seeded(config: MachineConfig, seed: int) -> MachineConfig:
    """Give a configuration another seed for its random streams and its sample order; 0 leaves it as it is."""
    if not seed:
        return config
    random, training = replace(config.random, seed=seed), replace(config.training, shuffle_seed=seed)
    return replace(config, random=random, training=training)
