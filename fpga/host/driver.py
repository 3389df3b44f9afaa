"""The driver: a machine on a bus as an object that trains."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpga.host.packets import Packets
from fpga.host.register_access import MachineError, Registers
from golden.bus.transport import Transport, TransportTimeout
from golden.lib.errors import UserError
from golden.samples import Samples
from sim import manifest_reader

#: How long to wait for the interrupt before looking whether anything still moves, s.
_LOOK = 1.0
#: What the names of counters begin with.
_COUNTER = "COUNTER_"


class DesignError(UserError):
    """What is at the other end is not the machine that the manifest describes; the message is one line."""


class Driver:
    """A machine on a bus.

    A command that fails raises an exception: `MachineError` with the machine's own words, after which the machine is
    ready for the next command; `TransportTimeout` or `golden.bus.transport.LinkError`, after which `recover` makes it
    so. Weights are what the whole samples and rows before have made of them.

    Parameters
    ----------
    transport : Transport
        The way to the machine.
    manifest : dict
        ``manifest.json`` of the design.
    timeout : float
        How long nothing may move before a command counts as stuck, s.

    Attributes
    ----------
    config : MachineConfig
        The machine.

    Raises
    ------
    DesignError
        If the machine is not that of the manifest.
    """

    def __init__(self, transport: Transport, manifest: dict[str, Any], *, timeout: float = 60.0) -> None:
        self._transport, self._timeout = transport, timeout
        self._registers = Registers(transport, manifest["registers"])
        self.config = manifest_reader.config(manifest)
        self._packets = Packets(self.config, self._registers.error)
        self._identify(int(manifest["design"], 16))
        self._enable()

    def _identify(self, design: int) -> None:
        """Check that the machine is the one of the manifest."""
        known = self._registers.registers
        found, wanted = self.read("ID"), known["ID"].fields["VALUE"].reset
        if found != wanted:
            raise DesignError(f"there is no such machine: ID is {found:#x}, not {wanted:#x}")
        version = {name: field.reset for name, field in known["VERSION"].fields.items()}
        major, minor = self.read("VERSION.MAJOR"), self.read("VERSION.MINOR")
        if major != version["MAJOR"] or minor < version["MINOR"]:
            raise DesignError(
                f"the machine has version {major}.{minor} of the registers, the manifest {version['MAJOR']}."
                f"{version['MINOR']}"
            )
        if (found := self.read("DESIGN")) != design:
            raise DesignError(f"the machine is another design: DESIGN is {found:#x}, that of the manifest {design:#x}")

    def _enable(self) -> None:
        """Let both reasons raise the interrupt."""
        self.write("ENABLE.DONE", 1)
        self.write("ENABLE.ERROR", 1)

    def read(self, name: str) -> int:
        """Read a register or a field, see `Registers.read`."""
        return self._registers.read(name)

    def write(self, name: str, value: int | str) -> None:
        """Write a register or a field, see `Registers.write`."""
        self._registers.write(name, value)

    # commands

    def initialise(self) -> None:
        """Put all devices into random states, clear gradient sums, reset neurons."""
        self._command("INIT_RANDOM")

    def train(
        self, samples: Samples | Iterable[Samples], batch: int, update_shifts: Sequence[int]
    ) -> NDArray[np.int64]:
        """Train. Ctrl-C stops the machine after the present sample.

        Parameters
        ----------
        samples : Samples or iterable of Samples
            In the order of the stream. Every item of an iterable is a command of its own, whose last mini-batch may
            be shorter.
        batch : int
            Samples per mini-batch.
        update_shifts : sequence of int
            Per layer, log2 of the gradient sum that stands for one weight step.

        Returns
        -------
        ndarray of int64, shape (n,)
            Predictions, made before the sample was learned from.
        """
        offered, layers = self.config.offered_shifts, len(self.config.geometry.layers)
        if len(update_shifts) != layers:
            raise ValueError(f"update shifts must be one per layer, {layers}, not {len(update_shifts)}")
        if not all(update_shift in offered for update_shift in update_shifts):
            raise self._registers.error(
                "UPDATE_SHIFT", detail=f"update shifts {list(update_shifts)} are not {offered[0]} .. {offered[-1]}"
            )
        if batch < 1:
            raise self._registers.error("BATCH", detail=f"batch is {batch}")
        predictions = []
        for part in [samples] if isinstance(samples, Samples) else samples:
            packets = self._packets.samples(part)
            self.write("BATCH", batch)
            for layer, update_shift in enumerate(update_shifts):
                self.write(f"UPDATE_SHIFT[{layer}]", int(update_shift))
            predictions.append(self._present("TRAIN", packets))
        return np.concatenate(predictions) if predictions else np.zeros(0, np.int64)

    def infer(self, samples: Samples) -> NDArray[np.int64]:
        """Predict the classes of samples, shape (n,); nothing is learned. Labels only enter the counter `correct`."""
        return self._present("TEST", self._packets.samples(samples))

    def load_weights(self, r1: NDArray[np.integer], r2: NDArray[np.integer]) -> None:
        """Load device states R1 and R2, shape (rows, lanes), R2 0 for binary synapses; gradient sums become 0."""
        self._command("LOAD_WEIGHTS", [self._packets.weights(r1, r2)])

    def dump_weights(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Dump device states R1 and R2, shape (rows, lanes)."""
        return self._packets.unpack_weights(self._command("DUMP_WEIGHTS", size=self._packets.weights_size))

    def load_neurons(self, offset: NDArray[np.integer], scale: NDArray[np.integer]) -> None:
        """Load offsets and scales of all elements of neuron memory, shape (elements,), in units of 2^-fraction."""
        self._command("LOAD_NEURONS", [self._packets.neurons(offset, scale)])

    def dump_neurons(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Dump offsets and scales, shape (elements,)."""
        return self._packets.unpack_neurons(self._command("DUMP_NEURONS", size=self._packets.neurons_size))

    def load_seeds(self, banks: Mapping[int, NDArray[np.unsignedinteger]]) -> None:
        """Load the states of all random streams.

        Parameters
        ----------
        banks : mapping of int to ndarray of unsigned integers, shape (streams,)
            Every bank of `MachineConfig.seed_banks` -> states of its streams, none 0. If this fails, `reset` before
            the next try.
        """
        self._command("LOAD_SEEDS", [self._packets.seeds(banks)])

    def load_pulses(self, codes: NDArray[np.integer]) -> None:
        """Load the pulse table: width codes of all |nu|, shape (2^nu_bits,)."""
        self._command("LOAD_PULSES", [self._packets.pulses(codes)])

    def load_switching(self, thresholds: NDArray[np.integer]) -> None:
        """Load the switching table: thresholds as of `SwitchingParameters.bin_thresholds`, shape (kinds, 2, codes)."""
        self._command("LOAD_SWITCHING", [self._packets.switching(thresholds)])

    def counters(self) -> dict[str, int]:
        """Read the event counters, each of one moment; of the same moment all of them between commands."""
        names = [name for name in self._registers.registers if name.startswith(_COUNTER)]
        return {name.removeprefix(_COUNTER).lower(): self.read(name) for name in names}

    # out of the ordinary

    def stop(self) -> None:
        """End the command under way after the present sample, and forget samples that wait.

        Training ends with a write pass, as if the present sample were the last of the command.
        """
        self.write("CONTROL.STOP", 1)
        until = time.monotonic() + self._timeout
        while self.read("STATUS.BUSY"):
            self._transport.discard()  # no further sample goes in, and a dump comes to its end
            if time.monotonic() >= until:
                raise TransportTimeout(f"the machine has not stopped for {self._timeout:g} s: reset it")
        self._transport.discard()
        self.write("CONTROL.STOP", 0)

    def recover(self) -> None:
        """Make the machine ready for a command, whatever was before: nothing under way, no error, empty streams."""
        self.stop()
        self.write("ERROR", self.read("ERROR"))

    def abandon(self) -> None:
        """End the command under way as a fault in its stream does, and make the machine ready for the next one.

        Samples that it has are still worked on, but no write pass is made for those of an unfinished mini-batch:
        gradient sums keep them. For a host that does not know what was sent before it; after `stop` they count as a
        mini-batch.
        """
        if self.read("STATUS.BUSY"):
            # too early for the end of a packet, and where a label belongs it is no class
            self._transport.send([b"\xff" * self._packets.predictions_size(1)])
            until = time.monotonic() + self._timeout
            while self.read("STATUS.BUSY"):
                self._transport.wait(0)
                if time.monotonic() >= until:
                    raise TransportTimeout(f"the machine has not stopped for {self._timeout:g} s: reset it")
        self.recover()

    def reset(self) -> None:
        """Reset the machine; its memories keep their contents, but have to be loaded before it works on."""
        self._transport.discard()
        self.write("CONTROL.RESET", 1)
        self._enable()
        # what either side had offered before has not been withdrawn
        self.stop()

    def close(self) -> None:
        """Give the way to the machine back."""
        self._transport.close()

    def _present(self, operation: str, packets: list[bytes]) -> NDArray[np.int64]:
        """Present samples; return predictions."""
        if not packets:
            raise self._registers.error("SAMPLES")
        self.write("SAMPLES", len(packets))
        return self._packets.predictions(
            self._command(operation, packets, self._packets.predictions_size(len(packets)))
        )

    def _command(self, operation: str, packets: Sequence[bytes] = (), size: int = 0) -> bytes:
        """Run a command; return its output."""
        if self.read("STATUS.BUSY"):
            raise self._registers.error("BUSY", detail="stop it, or wait for it")
        self.write("INTERRUPT.DONE", 1)
        self.write("COMMAND.OPERATION", operation)
        try:
            self.write("CONTROL.START", 1)
            self._transport.send(packets)
            self._wait(operation)
            if self.read("INTERRUPT.ERROR"):
                raise self._failed()
            return self._transport.receive(size, self._timeout)
        except KeyboardInterrupt:
            self.stop()
            raise

    def _wait(self, operation: str) -> None:
        """Wait for the interrupt as long as anything moves."""
        moved, since = (-1, -1), 0.0
        while not self._transport.wait(min(_LOOK, self._timeout)):
            now = self._transport.unsent(), self._transport.received()
            if now != moved:
                moved, since = now, time.monotonic()
            elif time.monotonic() - since >= self._timeout:
                state = "waits for input" if self.read("STATUS.WAITING") else "works"
                raise TransportTimeout(f"{operation}: nothing has moved for {self._timeout:g} s, the machine {state}")

    def _failed(self) -> MachineError:
        """Make the exception for the errors that the machine shows, and make it ready for the next command."""
        names = self._registers.errors()
        self.recover()
        return self._registers.error(*names)
