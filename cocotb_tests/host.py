"""The host of a simulated machine: commands, samples, and a view of its whole state."""

from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import Timer, ValueChange
from numpy.typing import NDArray

from cocotb_tests.manifest import config, from_planes, pack, to_planes, unpack
from golden.input_buffer import beats
from golden.samples import Samples

#: Probes of memories that the first samples write, not FORM.
_WRITTEN_LATE = ("activations", "windows", "errors")


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

    def __init__(self, dut: Any, manifest: dict[str, Any], samples_file: Path) -> None:
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

    async def reset(self, stalls: int = 0) -> None:
        """Reset the machine, and choose whether the harness's streams never pause (0), randomly (1), or long (2)."""
        await Timer(1, "ns")  # in a four-state simulator the harness has no values before time has begun
        self.dut.stalls.value = stalls
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

    def play(self, samples: Samples) -> None:
        """Put samples where the harness plays them from, in place of what is left there."""
        group = self.manifest["config"]["array"]["group"]
        size = (2 * group + 7) // 8
        words = b"".join(
            word.to_bytes(size, "big") for sample in samples for word in beats(sample.trits, sample.label, group)
        )
        self.samples_file.write_bytes(words)
        self._play ^= 1
        self.dut.play.value = self._play

    async def resume(self, state: dict[str, NDArray[np.int64]], counters: dict[str, int]) -> None:
        """Put the machine, just reset, into a state."""
        self.state.write(state, pack(self.ports["counters"], counters))
        await Timer(1, "ns")  # the writes take effect at the end of the time step

    def counters(self) -> dict[str, int]:
        """Read the event counters."""
        return unpack(self.ports["counters"], int(self.dut.counters.value))


class MachineState:
    """The whole state of a machine, read and written through the probe paths of its manifest.

    The form of a state is that of `golden.machine.Machine.state`.

    Parameters
    ----------
    dut : HierarchyObject
        The machine.
    manifest : dict
        Its manifest.
    """

    def __init__(self, dut: Any, manifest: dict[str, Any]) -> None:
        self.config = config(manifest)
        self._handles: dict[str, list[Any]] = {}
        # an array other than the emulated one may have no random states to show
        for quantity, probe in manifest["probes"].items():
            handle: Any = dut
            for part in probe["path"].split("."):
                handle = getattr(handle, part)
            self._handles[quantity] = [handle[i] for i in range(probe["depth"])] if probe["depth"] else [handle]
        c = self.config
        bits = c.geometry.sum_bits
        offset, spread = c.neuron.offset_bits(bits), c.neuron.spread_bits(bits)
        # quantity of the state -> probe, bits between elements, first bit, bits, signed
        self._elements = {
            "offset": ("neuron_states", offset + spread, 0, offset, True),
            "spread": ("neuron_states", offset + spread, offset, spread, False),
            "activations": ("activations", 2, 0, 2, True),
            "windows": ("windows", 1, 0, 1, False),
            "errors": ("errors", c.error.bits, 0, c.error.bits, True),
        }

    def _read(self, probe: str) -> list[int]:
        values = [handle.value for handle in self._handles[probe]]
        if probe in _WRITTEN_LATE:
            # in a four-state simulator a word never written is X throughout; the golden model has 0 there
            values = [0 if str(value).strip("xX") == "" else value for value in values]
        return [int(value) for value in values]

    def _write(self, probe: str, words: list[int]) -> None:
        for handle, word in zip(self._handles[probe], words, strict=True):
            handle.value = word

    def read(self) -> dict[str, NDArray[np.int64]]:
        """Read the whole state; only while the clock stands still."""
        c, lanes = self.config, self.config.array.lanes
        devices = np.array([from_planes(w, lanes, c.array.devices, signed=False) for w in self._read("device_states")])
        sums = [from_planes(w, lanes, c.gradient.bits, signed=True) for w in self._read("gradient_sums")]
        random = []
        for stream in range(c.array.streams_per_lane if "random_0" in self._handles else 0):
            random.append(from_planes(self._read(f"random_{stream}")[0], lanes, c.random.width, signed=False))
        state = {
            "r1": devices & 1,
            "r2": devices >> 1,
            "gradient": np.array(sums),
        }
        if random:
            state["random"] = np.concatenate(random)
        for quantity, (probe, stride, offset, width, signed) in self._elements.items():
            values = [
                word >> (at * stride + offset) & ((1 << width) - 1)
                for word in self._read(probe)
                for at in range(c.array.group)
            ]
            unsigned = np.array(values, np.int64)
            state[quantity] = unsigned - (unsigned >> (width - 1) << width) if signed else unsigned
        return state

    def write(self, state: dict[str, NDArray[np.int64]], counters: int) -> None:
        """Put the machine into a state; only while the clock stands still.

        Parameters
        ----------
        state : dict of str to ndarray of int64
            The state.
        counters : int
            Packed counters.
        """
        c, lanes, group = self.config, self.config.array.lanes, self.config.array.group

        def planes(numbers: NDArray[np.int64], bits: int) -> int:
            return sum(plane << (bit * lanes) for bit, plane in enumerate(to_planes(numbers, bits)))

        devices = state["r1"] | state["r2"] << 1
        self._write("device_states", [planes(row, c.array.devices) for row in devices])
        self._write("gradient_sums", [planes(row, c.gradient.bits) for row in state["gradient"]])
        for stream in range(c.array.streams_per_lane):
            streams = state["random"][stream * lanes : (stream + 1) * lanes]
            self._write(f"random_{stream}", [planes(streams, c.random.width)])
        words: dict[str, list[int]] = {}
        for quantity, (probe, stride, offset, width, _) in self._elements.items():
            parts = words.setdefault(probe, [0] * len(self._handles[probe]))
            for index, value in enumerate(state[quantity].tolist()):
                parts[index // group] |= (value & ((1 << width) - 1)) << (index % group * stride + offset)
        for probe, parts in words.items():
            self._write(probe, parts)
        self._write("counters", [counters])
