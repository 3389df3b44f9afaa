"""A board at the pins of its serial line: a short training run of netlist or bitstream beside the golden machine."""

from pathlib import Path
from typing import Any

import numpy as np

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.kit.random_data import random_samples
from fpga.host.driver import Driver
from fpga.host.link import Link
from fpga.host.simulated_board import SimulatedBoard
from golden.config import MachineConfig
from golden.machine import Machine
from golden.run.comparison import compare

#: Bits on the line that the board has time for, in one look of the host.
_LOOK = 2000
#: Seconds that the host waits: simulated gates are slow, and nothing is lost here that it would have to repeat.
_PATIENCE = 3600.0


class PinsLine:
    """The pins of a simulated board as a line.

    Parameters
    ----------
    board : SimulatedBoard
        The board.
    bit_cycles : int
        Clock cycles of a bit.
    """

    def __init__(self, board: SimulatedBoard, bit_cycles: int) -> None:
        self._board, self._cycles = board, _LOOK * bit_cycles

    def read(self, timeout: float) -> bytes:
        """Let the board run until bytes have come, or for a while."""
        return self._board.run(self._cycles)

    def write(self, data: bytes) -> None:
        """Put bytes on the line."""
        self._board.send(data)

    def close(self) -> None:
        """Nothing to give back."""


def train(folder: Path, manifest: dict[str, Any], config: MachineConfig, samples: int) -> int:
    """Form, train, test and dump the board in a folder, and compare everything that a host can see.

    Parameters
    ----------
    folder : Path
        Verilog, as of `fpga.flow.gate_level.simulation`.
    manifest : dict
        Its manifest.
    config : MachineConfig
        The machine.
    samples : int
        Training samples, and as many tests.

    Returns
    -------
    int
        Clock cycles that it took.

    Raises
    ------
    golden.run.comparison.Mismatch
        If a value differs.
    """
    board, golden = SimulatedBoard(folder, quick=True), Machine(config)
    line = PinsLine(board, manifest["line"]["bit_cycles"])
    # the board comes out of its own reset first
    board.run(1 << 12)
    driver = Driver(Link(lambda: line, repeat=_PATIENCE, timeout=_PATIENCE), manifest, timeout=_PATIENCE)
    shown, update_shifts = random_samples(config, samples, random(samples)), config.update_shifts(0)
    driver.initialise()
    golden.initialise()
    found, expected = (
        driver.train(shown, config.training.batch, update_shifts),
        golden.train(shown, config.training.batch, update_shifts),
    )
    compare("training", {"predictions": found}, {"predictions": expected})
    found, expected = driver.infer(shown), golden.test(shown)
    compare("testing", {"predictions": found}, {"predictions": expected})
    for name, parts, whole in (
        ("weights", driver.dump_weights(), golden.dump_weights()),
        ("neurons", driver.dump_neurons(), (golden.neurons.offset, golden.neurons.scale)),
    ):
        for number, (part, other) in enumerate(zip(parts, whole, strict=True)):
            quantity = f"{name}[{number}]"
            compare("the end", {quantity: part.astype(np.int64)}, {quantity: other.astype(np.int64)})
    assert driver.counters() | {"cycles_wait": 0} == golden.counters
    assert board.violations == 0
    cycles = board.cycles
    board.close()
    return cycles
