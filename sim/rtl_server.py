"""Inside the simulation: does what the session's process asks, until that is gone (cocotb module of `sim.rtl`)."""

import os
import signal
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject
from numpy.typing import NDArray

from golden.run.comparison import State
from golden.run.run import Step
from golden.samples import Samples
from sim import harness, manifest_reader
from sim.host import Hang, Host
from sim.rtl import DESIGN, SOCKET, WORK, RtlAnswer


class RtlServer:
    """Answers the requests of `sim.rtl.RtlBackend`, by name.

    Parameters
    ----------
    host : Host
        The machine.
    work : Path
        Folder that the harness's files are in.
    """

    def __init__(self, host: Host, work: Path) -> None:
        self._host, self._results = host, work / harness.FILES["results"]
        self._config = manifest_reader.config(host.manifest)
        self._log = 0
        self._cycles = 0

    async def answer(self, name: str, arguments: tuple[Any, ...]) -> RtlAnswer:
        """Answer one request."""
        self._cycles, started = 0, time.process_time()
        try:
            value = await getattr(self, name)(*arguments)
        except Hang as hang:
            return RtlAnswer(error=str(hang))
        return RtlAnswer(value, self._cycles, time.process_time() - started)

    async def reset(self) -> None:
        """Reset the machine."""
        await self._host.reset()

    async def initialise(self) -> None:
        """Initialise the machine."""
        self._cycles += await self._host.command("INIT_RANDOM")

    async def resume(self, state: State, counters: dict[str, int]) -> None:
        """Put the machine, just reset, into a state."""
        await self._host.resume(state, counters)

    async def step(self, step: Step, samples: Samples) -> NDArray[np.int64]:
        """Present samples; return predictions and labels, shape (samples, 2)."""
        self._host.play(samples)
        shifts = self._config.update_shifts(step.epoch)
        self._cycles += await self._host.command("TRAIN" if step.training else "TEST", step.count, step.count, shifts)
        with self._results.open() as log:
            log.seek(self._log)
            lines = log.read()
            self._log += len(lines)
        return np.array([line.split() for line in lines.splitlines()], np.int64).reshape(-1, 2)

    async def counters(self) -> dict[str, int]:
        """Read the event counters."""
        return self._host.counters()

    async def state(self) -> State:
        """Read the whole state."""
        return await self._host.read()


@cocotb.test()
async def serve(dut: HierarchyObject) -> None:
    """Answer until the other end is gone."""
    # Ctrl-C is for the session, which ends this process by closing the connection
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work = Path(os.environ[WORK])
    server = RtlServer(Host(dut, manifest_reader.read(Path(os.environ[DESIGN])), work), work)
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(os.environ[SOCKET])
        connection = Connection(way.detach())
    with connection:
        while True:
            try:
                name, arguments = connection.recv()
            except EOFError:
                return
            connection.send(await server.answer(name, arguments))
