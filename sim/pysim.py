"""The machine in Amaranth's own simulator: for comparison of speed, and for whoever has no other simulator."""

import sys
import time
from typing import Any

import numpy as np
from amaranth.sim import (
    Simulator,
    SimulatorContext,  # pyright: ignore[reportAttributeAccessIssue]  missing from the stubs
)
from numpy.typing import NDArray

from golden.config import MachineConfig
from golden.input_buffer import beats
from golden.sequencer import HostOp
from hdl.machine import Machine

#: Nesting of expressions that Python is allowed to compile.
_DEPTH = 100_000


def train(config: MachineConfig, trits: NDArray[np.int8], labels: NDArray[np.integer], cycles: int) -> float:
    """Begin to train a machine that was not formed, all weights zero.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    trits : ndarray of int8, shape (samples, inputs)
        Samples.
    labels : ndarray of integers, shape (samples,)
        Their classes.
    cycles : int
        Clock cycles after which to stop.

    Returns
    -------
    float
        Processor time of these cycles, s; making the simulator is not included.
    """
    machine: Any = Machine(config)  # its ports come from a signature that is computed at run time
    words = [
        word
        for sample, label in zip(trits, labels, strict=True)
        for word in beats(sample, int(label), config.array.group)
    ]
    seconds = 0.0

    async def host(context: SimulatorContext) -> None:
        nonlocal seconds
        context.set(machine.results.ready, 1)
        context.set(machine.command.payload, {"op": HostOp.TRAIN, "samples": len(trits), "batch": len(trits)})
        context.set(machine.command.valid, 1)
        context.set(machine.samples.valid, 1)
        started = time.process_time()
        at = 0
        for _ in range(cycles):
            context.set(machine.samples.payload, words[at])
            taken = context.get(machine.samples.ready)
            await context.tick()
            at = (at + taken) % len(words)
            context.set(machine.command.valid, 0)
        seconds = time.process_time() - started

    # Amaranth turns every block into Python text: deeper expressions and longer numbers than Python takes by default
    depth, digits = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    sys.setrecursionlimit(_DEPTH)
    sys.set_int_max_str_digits(0)
    try:
        simulator = Simulator(machine)
    finally:
        sys.setrecursionlimit(depth)
        sys.set_int_max_str_digits(digits)
    simulator.add_clock(1e-8)
    simulator.add_testbench(host)
    simulator.run()
    return seconds
