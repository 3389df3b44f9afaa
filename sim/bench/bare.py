"""The Verilated harness in a bare C++ loop: no cocotb, no Python, no VPI."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.counters import COUNTERS
from golden.input_buffer import stream
from sim import harness, manifest_reader, verilate
from sim.build import BuildError
from sim.manifest_reader import pack
from sim.rtl import simulation

#: Phases whose time is measured, in the order of their cycle counters.
PHASES = ("wait", "init", "forward", "backward", "gradient", "update")


def _call(command: list[str], folder: Path) -> tuple[str, int]:
    """Run a program; return what it prints, and its memory, bytes."""
    memory = 0

    def watch() -> None:
        """Read the program's high-water mark as long as it runs; rusage would count the memory of this process."""
        nonlocal memory
        status = Path(f"/proc/{program.pid}/status")
        while program.returncode is None:
            try:
                found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
            except OSError:
                return
            memory = max([memory, *(1024 * int(line.split()[1]) for line in found)])
            time.sleep(0.02)

    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        assert program.stdout is not None
        watcher = threading.Thread(target=watch)
        watcher.start()
        output = program.stdout.read()
        program.wait()
        watcher.join()
    if program.returncode:
        raise BuildError(f"{command[0]} failed in {folder}: {output.strip()[-2000:]}")
    return output, memory


@dataclass(frozen=True)
class Timing:
    """How long a command took.

    Attributes
    ----------
    cycles : int
        Clock cycles.
    seconds : float
        Processor time.
    phases : dict of str to (int, float)
        Phase -> cycles and seconds; all zero when not profiled.
    """

    cycles: int
    seconds: float
    phases: dict[str, tuple[int, float]]


class Bare:
    """The harness of a machine as a program.

    Parameters
    ----------
    files : dict of str to str
        Output of `gen.verilog.machine_files`.
    manifest : dict
        Its manifest.
    folder : Path
        Where it is built, and where the samples go.

    Attributes
    ----------
    program : Path
        The program.
    build_seconds : float
        Processor time of the build.
    memory : int
        Most memory that its last run held, bytes.
    """

    def __init__(self, files: dict[str, str], manifest: dict[str, Any], folder: Path) -> None:
        assert tuple(COUNTERS)[: len(PHASES)] == tuple(f"cycles_{phase}" for phase in PHASES)
        self._manifest = manifest
        self.memory = 0
        source = (Path(__file__).parent / "bare.cpp").read_text()
        built = simulation(files, "verilator")
        sources = built.files | {"public.vlt": built.control_file()}
        self.program = verilate.build(verilate.Model(built.top, sources, source, "bare", options=("--timing",)), folder)
        self._folder = self.program.parent
        self.build_seconds = json.loads((self._folder / verilate.COST).read_text())["processor_seconds"]

    def run(
        self,
        trits: NDArray[np.int8],
        labels: NDArray[np.integer],
        commands: list[tuple[str, int, int, tuple[int, ...]]],
        *,
        profile: bool = False,
    ) -> list[Timing]:
        """Form the machine, then run commands on samples.

        Parameters
        ----------
        trits : ndarray of int8, shape (samples, inputs)
            The samples, in the order of the stream.
        labels : ndarray of integers, shape (samples,)
            Their classes.
        commands : list of (op, samples, batch, update shifts)
            As for `sim.host.Host.command`.
        profile : bool
            Whether the time of every phase is measured too; it costs a few per cent.

        Returns
        -------
        list of Timing
            One per command.
        """
        config = self._manifest["config"]
        (self._folder / harness.FILES["samples"]).write_bytes(stream(trits, labels, config["array"]["group"]))
        arguments = [f"+{name}={file}" for name, file in harness.FILES.items()] + ["profile"] * profile
        ports = self._manifest["modules"][self._manifest["top"]]["ports"]
        shape = ports["command__payload"]
        lowest = manifest_reader.config(self._manifest).offered_shifts[0]
        for op, samples, batch, update_shifts in [("INIT_RANDOM", 0, 1, ()), *commands]:
            number = shape["fields"]["op"]["values"][op]
            payload = pack(shape, {"op": number, "samples": samples, "batch": batch})
            update_shift = (
                pack(ports["update_shifts"], [update_shift - lowest for update_shift in update_shifts])
                if update_shifts
                else 0
            )
            arguments += [f"{payload:x}:{update_shift:x}"] + ["play"] * (op == "INIT_RANDOM")
        output, self.memory = _call([str(self.program), *arguments], self._folder)
        timings = []
        for line in output.splitlines()[2:]:
            cycles, seconds, *rest = line.split()
            pairs = [(int(rest[at]), float(rest[at + 1])) for at in range(0, len(rest), 2)]
            timings.append(Timing(int(cycles), float(seconds), dict(zip(PHASES, pairs, strict=True))))
        return timings
