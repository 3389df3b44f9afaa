"""The host of a simulated machine: commands, samples, and a view of its whole state."""

from pathlib import Path
from typing import Any

import numpy as np
from cocotb.triggers import Timer, ValueChange
from numpy.typing import NDArray

from golden.counters import COUNTER_BITS, COUNTERS
from golden.input_buffer import stream
from golden.samples import Samples
from sim.manifest_reader import config, numbers_of, pack, planes_of, weights

#: Most clock cycles between two commands of a host that named no limit of its own.
_FOREVER = (1 << 32) - 1


class Hang(RuntimeError):
    """The machine has not finished a command in the cycles it was given."""


class Host:
    """Drives a machine in the harness.

    Parameters
    ----------
    dut : HierarchyObject
        The harness.
    manifest : dict
        Manifest of the machine in it.
    work : Path
        Folder that the harness's files are in: ``samples.bin``, ``state.bin``.
    limit : int
        Clock cycles after which a command counts as hanging.
    """

    def __init__(self, dut: Any, manifest: dict[str, Any], work: Path, limit: int = _FOREVER) -> None:
        self.dut = dut
        self.manifest = manifest
        self.ports = manifest["modules"][manifest["top"]]["ports"]
        self.state = StateFile(work / "state.bin", manifest)
        self._samples = work / "samples.bin"
        self._limit = limit
        self._go = self._play = 0

    async def _run(self) -> int:
        """Let the clock run until the machine is ready; return the number of clock cycles."""
        before = int(self.dut.clocks.value)
        if self._limit != _FOREVER:
            self.dut.limit.value = before + self._limit
        self._go ^= 1
        self.dut.go.value = self._go
        await ValueChange(self.dut.done)
        cycles = (int(self.dut.clocks.value) - before) % (1 << 32)
        if int(self.dut.gone.value) != self._go:
            raise Hang(f"a command has not ended after {cycles} cycles")
        return cycles

    async def reset(self, stalls: int = 0) -> None:
        """Reset the machine, and choose whether the harness's streams never pause (0), randomly (1), or long (2)."""
        await Timer(1, "ns")  # in a four-state simulator the harness has no values before time has begun
        self.dut.stalls.value = stalls
        self.dut.rst.value = 1
        await self._run()
        self.dut.rst.value = 0
        await Timer(1, "ns")

    async def command(self, op: str, samples: int = 0, batch: int = 1, update_shifts: tuple[int, ...] = ()) -> int:
        """Give one command and wait until it is done; return the number of clock cycles."""
        shape = self.ports["command__payload"]
        number = shape["fields"]["op"]["values"][op]
        self.dut.command__payload.value = pack(shape, {"op": number, "samples": samples, "batch": batch})
        if update_shifts:
            lowest = config(self.manifest).offered_shifts[0]
            self.dut.update_shifts.value = pack(
                self.ports["update_shifts"], [update_shift - lowest for update_shift in update_shifts]
            )
        return await self._run()

    def play(self, samples: Samples) -> None:
        """Put samples where the harness plays them from, in place of what is left there."""
        words = stream(samples.trits, samples.labels, self.manifest["config"]["array"]["group"])
        self._samples.write_bytes(words)
        self._play ^= 1
        self.dut.play.value = self._play

    async def resume(self, state: dict[str, NDArray[np.int64]], counters: dict[str, int]) -> None:
        """Put the machine, just reset, into a state."""
        self.state.write(state, counters)
        await self._strobe(self.dut.load)

    async def read(self) -> dict[str, NDArray[np.int64]]:
        """Read the whole state."""
        await self._strobe(self.dut.dump)
        return self.state.read()

    async def _strobe(self, signal: Any) -> None:
        for value in (1, 0):
            signal.value = value
            await Timer(1, "ns")

    def counters(self) -> dict[str, int]:
        """Read the event counters."""
        shown = int(self.dut.counters.value)
        return {name: shown >> COUNTER_BITS * at & (1 << COUNTER_BITS) - 1 for at, name in enumerate(COUNTERS)}


class StateFile:
    """The whole state of a machine in the file that the harness writes and reads: probe after probe.

    Written by the harness, a word is padded to 32-bit words, the lowest first; read by it, to bytes, the highest first.
    The form of a state is that of `golden.machine.Machine.state`.

    Parameters
    ----------
    path : Path
        The file.
    manifest : dict
        Manifest of the machine.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self._path, self._probes = path, manifest["probes"]
        c = self.config = config(manifest)
        bits = c.geometry.sum_bits
        offset, scale = c.neuron.offset_bits(bits), c.neuron.scale_bits(bits)
        # quantity of the state -> probe, bits between elements, first bit, bits, signed
        self._elements = {
            "offset": ("neuron_states", offset + scale, 0, offset, True),
            "scale": ("neuron_states", offset + scale, offset, scale, False),
            "windows": ("windows", 1, 0, 1, False),
        }
        # quantity of the state -> probe, bits, signed: numbers as planes
        self._planes = {
            "gradient": ("gradient_sums", c.gradient.bits, True),
            "activations": ("activations", 2, True),
            "errors": ("errors", c.error.bits, True),
        }

    def read(self) -> dict[str, NDArray[np.int64]]:
        """Read a state that the harness has written.

        Returns
        -------
        dict of str to ndarray of int64
            As `golden.machine.Machine.state`; without ``random`` where the array does not show its random states.
        """
        raw = np.fromfile(self._path, np.uint8)
        bits: dict[str, NDArray[np.uint8]] = {}
        at = 0
        for name, probe in self._probes.items():
            words, size = max(probe["depth"], 1), 4 * -(-probe["width"] // 32)
            part = raw[at : at + words * size].reshape(words, size)
            bits[name] = np.unpackbits(part, axis=1, bitorder="little")[:, : probe["width"]]
            at += words * size
        if at != len(raw):
            raise ValueError(f"{self._path} holds {len(raw)} bytes, {at} were expected")

        c = self.config
        devices = numbers_of(bits["device_states"], c.array.devices, signed=False)
        state = {"r1": devices & 1, "r2": devices >> 1}
        for quantity, (probe, width, signed) in self._planes.items():
            state[quantity] = numbers_of(bits[probe], width, signed=signed)
        random = [
            numbers_of(bits[f"random_{n}"], c.random.width, signed=False)
            for n in range(c.array.streams_per_lane)
            if f"random_{n}" in bits
        ]
        if random:
            state["random"] = np.concatenate(random, axis=None)
        for name in ("random_columns", "random_rows"):
            if name in bits:
                state[name] = numbers_of(bits[name], c.random.width, signed=False).reshape(-1)
        for quantity, (probe, stride, first, width, signed) in self._elements.items():
            elements = bits[probe].reshape(-1, c.array.group, stride)[:, :, first : first + width]
            state[quantity] = elements @ weights(width, signed=signed)
        for quantity in ("activations", "windows", "errors", "offset", "scale"):
            state[quantity] = state[quantity].reshape(-1)
        return state

    def write(self, state: dict[str, NDArray[np.int64]], counters: dict[str, int]) -> None:
        """Write a state and counters for the harness to read."""
        c = self.config
        groups = (-1, c.array.group)
        bits = {"device_states": planes_of(state["r1"] | state["r2"] << 1, c.array.devices)}
        for quantity, (probe, width, _) in self._planes.items():
            numbers = state[quantity] if quantity == "gradient" else state[quantity].reshape(groups)
            bits[probe] = planes_of(numbers, width)
        for stream_, part in enumerate(np.split(state["random"], c.array.streams_per_lane)):
            bits[f"random_{stream_}"] = planes_of(part[None], c.random.width)
        for name in ("random_columns", "random_rows"):
            if name in state:
                bits[name] = planes_of(state[name][None], c.random.width)
        for quantity, (probe, stride, first, width, _) in self._elements.items():
            words = bits.setdefault(
                probe, np.zeros((len(state[quantity]) // c.array.group, c.array.group * stride), np.uint8)
            )
            elements = words.reshape(-1, c.array.group, stride)
            elements[:, :, first : first + width] = state[quantity].reshape(*groups, 1) >> np.arange(width) & 1
        counts = np.array([counters[name] for name in COUNTERS])
        bits["counters"] = (counts[:, None] >> np.arange(COUNTER_BITS) & 1).astype(np.uint8)
        bits["counters_kept"] = np.ones((1, 1), np.uint8)
        with self._path.open("wb") as file:
            for name, probe in self._probes.items():
                pad = -probe["width"] % 8
                file.write(np.packbits(np.pad(bits[name], ((0, 0), (0, pad)))[:, ::-1], axis=1).tobytes())
