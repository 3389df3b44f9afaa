"""The host of a simulated machine: commands, samples, and a view of its whole state."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.handle import HierarchyObject
from cocotb.triggers import Timer, ValueChange
from numpy.typing import NDArray

from cocotb_tests.manifest import from_planes, pack, unpack
from golden.input_buffer import beats
from golden.machine import Machine, Sample


class Host:
    """Drives a machine in the harness.

    Parameters
    ----------
    dut : HierarchyObject
        The harness.
    manifest : dict
        Manifest of the machine in it.
    samples_file : Path
        The file from which the harness plays samples.
    """

    def __init__(self, dut: HierarchyObject, manifest: dict[str, Any], samples_file: Path) -> None:
        self.dut = dut
        self.manifest = manifest
        self.ports = manifest["modules"][manifest["top"]]["ports"]
        self.samples_file = samples_file
        self.state = MachineState(dut.dut, manifest)
        self._play = 0

    async def _go(self) -> int:
        """Let the clock run until the machine is ready; return the number of clock cycles."""
        before = int(self.dut.clocks.value)
        self.dut.go.value = 1
        await ValueChange(self.dut.done)
        return (int(self.dut.clocks.value) - before) % (1 << 32)

    async def reset(self) -> None:
        """Reset the machine."""
        self.dut.rst.value = 1
        await self._go()
        self.dut.rst.value = 0
        await Timer(1, "ns")

    async def command(self, op: str, samples: int = 0, batch: int = 1, rates: tuple[int, ...] = ()) -> int:
        """Give one command and wait until it is done; return the number of clock cycles."""
        shape = self.ports["command__payload"]
        number = shape["fields"]["op"]["values"][op]
        self.dut.command__payload.value = pack(shape, {"op": number, "samples": samples, "batch": batch})
        if rates:
            nu_bits = self.manifest["config"]["pulse"]["nu_bits"]
            self.dut.rates.value = pack(self.ports["rates"], [rate - nu_bits for rate in rates])
        return await self._go()

    def play(self, samples: list[Sample]) -> None:
        """Put samples where the harness plays them from, in place of what is left there."""
        group = self.manifest["config"]["array"]["group"]
        size = (2 * group + 7) // 8
        words = b"".join(
            word.to_bytes(size, "big") for sample in samples for word in beats(sample.trits, sample.label, group)
        )
        self.samples_file.write_bytes(words)
        self._play ^= 1
        self.dut.play.value = self._play

    def counters(self) -> dict[str, int]:
        """Read the event counters."""
        return unpack(self.ports["counters"], int(self.dut.counters.value))


class MachineState:
    """The whole state of a machine, read through the probe paths of its manifest.

    Parameters
    ----------
    dut : HierarchyObject
        The machine.
    manifest : dict
        Its manifest.
    """

    def __init__(self, dut: HierarchyObject, manifest: dict[str, Any]) -> None:
        self.config = manifest["config"]
        self.derived = manifest["derived"]
        self._depth = {name: probe["depth"] for name, probe in manifest["probes"].items()}
        self._handles: dict[str, list[Any]] = {}
        for quantity, probe in manifest["probes"].items():
            handle: Any = dut
            for part in probe["path"].split("."):
                handle = getattr(handle, part)
            self._handles[quantity] = [handle[i] for i in range(probe["depth"])] if probe["depth"] else [handle]

    def words(self, quantity: str) -> list[int]:
        """Read all words of a quantity."""
        return [int(handle.value) for handle in self._handles[quantity]]

    def deposit(self, quantity: str, words: list[int]) -> None:
        """Write all words of a quantity."""
        for handle, word in zip(self._handles[quantity], words, strict=True):
            handle.value = word

    def read(self) -> dict[str, NDArray[np.int64]]:
        """Read the whole state, in the form of `golden_state`."""
        lanes, group = self.config["array"]["lanes"], self.config["array"]["group"]
        devices = 2 if self.config["array"]["synapse"] == "ternary" else 1
        bits = self.config["gradient"]["bits"]
        state: dict[str, NDArray[np.int64]] = {}
        rows = [from_planes(word, lanes, devices, signed=False) for word in self.words("device_states")]
        state["r1"] = np.array(rows) & 1
        state["r2"] = np.array(rows) >> 1
        state["gradient"] = np.array([from_planes(w, lanes, bits, signed=True) for w in self.words("gradient_sums")])
        width = self.config["random"]["width"]
        streams = []
        for stream in range(sum(1 for name in self._handles if name.startswith("random_")) // width):
            planes = sum(self.words(f"random_{stream}_{bit}")[0] << (bit * lanes) for bit in range(width))
            streams.append(from_planes(planes, lanes, width, signed=False))
        state["random"] = np.concatenate(streams)
        offset_bits = spread_bits = self.derived["sum_bits"] + self.config["neuron"]["fraction"]
        state["offset"] = _elements(self.words("neuron_states"), group, offset_bits + spread_bits, 0, offset_bits, True)
        state["spread"] = _elements(
            self.words("neuron_states"), group, offset_bits + spread_bits, offset_bits, spread_bits, False
        )
        state["activations"] = _elements(self.words("activations"), group, 2, 0, 2, True)
        state["windows"] = _elements(self.words("windows"), group, 1, 0, 1, False)
        error_bits = self.config["error"]["bits"]
        state["errors"] = _elements(self.words("errors"), group, error_bits, 0, error_bits, True)
        return state


def _elements(
    words: list[int], count: int, stride: int, offset: int, width: int, signed: bool
) -> NDArray[np.int64]:
    """Cut elements out of words: `count` per word, every `stride` bits, `width` bits from `offset` on."""
    values = []
    for word in words:
        for at in range(count):
            value = word >> (at * stride + offset) & ((1 << width) - 1)
            values.append(value - (1 << width) if signed and value >> (width - 1) else value)
    return np.array(values, np.int64)


def golden_state(machine: Machine) -> dict[str, NDArray[np.int64]]:
    """The whole state of a golden machine.

    Returns
    -------
    dict of str to ndarray of int64
        Quantity -> values: ``r1``, ``r2``, ``gradient`` (rows, lanes), ``random`` (streams,), ``offset``, ``spread``,
        ``activations``, ``windows``, ``errors`` (elements,).
    """
    return {
        "r1": machine.array.r1.astype(np.int64),
        "r2": machine.array.r2.astype(np.int64),
        "gradient": machine.gradient.sums.astype(np.int64),
        "random": machine.array.lfsr.states.astype(np.int64),
        "offset": machine.neurons.offset,
        "spread": machine.neurons.spread,
        "activations": machine.vectors.activations.reshape(-1).astype(np.int64),
        "windows": machine.vectors.windows.reshape(-1).astype(np.int64),
        "errors": machine.vectors.errors.reshape(-1),
    }


def working_folder() -> Path:
    """Folder of the running simulation."""
    return Path(os.environ["MTJ_WORK"])
