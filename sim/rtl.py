"""The RTL in a simulator, as a session trains it: a process of its own that does what this one asks."""

import json
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.lib.errors import UserError
from golden.run.comparison import State, compare
from golden.run.run import Run, Step
from golden.samples import Samples
from sim import harness, runner

#: Variables that tell the simulation's process its work.
DESIGN, WORK, SOCKET = "MTJ_DESIGN", "MTJ_WORK", "MTJ_SOCKET"
#: cocotb says nothing of itself where a user trains.
_QUIET = {"COCOTB_LOG_LEVEL": "WARNING", "GPI_LOG_LEVEL": "WARNING"}
#: How often a look is taken whether the simulation still lives before it has connected, s.
_LOOK = 0.2


class SimulationError(UserError):
    """The simulation ended or failed; the message says where its log is."""


@dataclass(frozen=True)
class RtlAnswer:
    """What the simulation's process answers.

    Attributes
    ----------
    value : Any
        What was asked for.
    cycles : int
        Clock cycles that it took.
    seconds : float
        Processor time that it took, s.
    error : str
        What went wrong, empty for nothing.
    """

    value: Any = None
    cycles: int = 0
    seconds: float = 0.0
    error: str = ""


def simulation(files: dict[str, str], simulator: str, *, waves: bool = False, quick: bool = False) -> runner.Simulation:
    """Put a generated machine into the harness.

    Parameters
    ----------
    files : dict of str to str
        Output of `gen.verilog.machine_files`.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        Whether a waveform is recorded.
    quick : bool
        Compile quickly instead of for speed.

    Returns
    -------
    runner.Simulation
        Ready to build.
    """
    manifest = json.loads(files["manifest.json"])
    sources = {file: files[file] for file in files["files.f"].split()}
    public = [("harness", name, True) for name in harness.WRITTEN]
    public += [("harness", name, False) for name in harness.READ]
    # a waveform needs time to pass, and only Verilator has a main program of ours
    clock_inside = simulator != "verilator" or waves or runner.waves_wanted()
    sources["harness.sv"] = harness.write(manifest, clock_inside=clock_inside)
    header = "" if clock_inside else harness.BURST
    return runner.Simulation("harness", sources, simulator, tuple(public), waves, quick, header)


class RtlBackend:
    """The backend of a simulated machine (`golden.run.session.Backend`); `simulated` makes it.

    Parameters
    ----------
    connection : Connection
        To the simulation's process, `sim.rtl_server`.
    log : Path
        Where the simulation writes what goes wrong, for messages.
    """

    transparent = True
    counts_every_step = True

    def __init__(self, connection: Connection, log: Path) -> None:
        self._connection, self._log = connection, log
        self._cycles, self._seconds = 0, 0.0

    def _ask(self, name: str, *arguments: Any) -> Any:
        """Let the simulation do something; count cycles and time."""
        try:
            self._connection.send((name, arguments))
            answer: RtlAnswer = self._connection.recv()
        except (EOFError, OSError):
            raise SimulationError(f"the simulation has ended without an answer: see {self._log}") from None
        self._cycles += answer.cycles
        self._seconds += answer.seconds
        if answer.error:
            raise SimulationError(answer.error)
        return answer.value

    def begin(self) -> None:
        """Reset and initialise the machine."""
        self._ask("reset")
        self._ask("initialise")

    def resume(self, run: Run) -> None:
        """Give the machine the golden machine's state."""
        self._ask("reset")
        self._ask("resume", run.machine.state(), run.machine.counters)

    def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Do a step; the machine gives the labels back with the predictions."""
        found = self._ask("step", step, samples)
        compare(str(step), {"labels": found[:, 1]}, {"labels": samples.labels.astype(np.int64)})
        return found[:, 0]

    def counters(self) -> dict[str, int]:
        """Read the event counters."""
        return self._ask("counters")

    def state(self) -> State:
        """Read the whole state."""
        return self._ask("state")

    def figures(self) -> dict[str, float]:
        """Say what the simulation took."""
        return {"rtl_cycles": self._cycles, "rtl_seconds": self._seconds}


@contextmanager
def simulated(
    files: dict[str, str], design: Path, work: Path, simulator: str, *, waves: bool = False, quick: bool = False
) -> Iterator[RtlBackend]:
    """Build a machine's simulation, unless it is there, and run it in a process of its own.

    Parameters
    ----------
    files : dict of str to str
        The generated machine.
    design : Path
        Folder where its manifest is.
    work : Path
        Folder for samples, results and states of this simulation; its name is that of the waveform.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        Whether a waveform is recorded.
    quick : bool
        Compile quickly instead of for speed: right for short runs.

    Raises
    ------
    sim.runner.SimulatorError, sim.build.BuildError
        If there is no simulator, or it cannot build the machine.
    SimulationError
        If the simulation fails.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        address = str(Path(folder) / "rtl")
        listener.bind(address)
        listener.listen(1)
        listener.settimeout(_LOOK)
        running = pool.submit(
            runner.run,
            simulation(files, simulator, waves=waves, quick=quick),
            "sim.rtl_server",
            environment={DESIGN: str(design), WORK: str(work), SOCKET: address, **_QUIET},
            plusargs=[f"+{name}={work}/{file}" for name, file in harness.FILES.items()],
            name=work.name,
        )
        connection = _accept(listener, running)
        try:
            yield RtlBackend(connection, runner.BUILDS)
        finally:
            # the process ends when nobody is there any more
            connection.close()
            problem = running.exception()
        if problem is not None:
            raise SimulationError(str(problem)) from problem


def _accept(listener: socket.socket, running: Future[None]) -> Connection:
    """Wait until the simulation connects, or has failed."""
    while True:
        try:
            return Connection(listener.accept()[0].detach())
        except TimeoutError:
            if running.done():
                if (problem := running.exception()) is not None and isinstance(problem, UserError):
                    raise problem from None
                raise SimulationError(f"the simulation has not started: {problem}") from problem
