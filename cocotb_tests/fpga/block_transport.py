"""The golden model of the block on a bus as a transport, and what a driver needs to know of it."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gen import manifest, register_map
from golden.bus.axi import BusBlock
from golden.bus.transport import BusError, TransportTimeout
from golden.config import MachineConfig
from golden.input_buffer import word_bytes

#: What the register DESIGN says.
DESIGN = 0xFEDC_BA98_7654_3210


def described(config: MachineConfig) -> dict[str, Any]:
    """Write the parts of a manifest that a driver reads."""
    content = {
        "config": asdict(config),
        "registers": manifest.registers(register_map.register_map(config)),
        "design": f"{DESIGN:#x}",
    }
    return json.loads(json.dumps(content))


class BlockTransport:
    """A transport to a golden block.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    block : BusBlock
        The block.
    writes : int
        Register writes so far.
    packets : int
        Packets sent so far.
    """

    def __init__(self, config: MachineConfig) -> None:
        self.block = BusBlock(config, register_map.register_map(config), DESIGN)
        self._word = word_bytes(config.array.group)
        self._input: deque[tuple[int, bool]] = deque()
        self._output = bytearray()
        self.writes = self.packets = 0

    def read(self, address: int) -> int:
        """Read a register word."""
        answer = self.block.read(address)
        if answer.refusal:
            raise BusError("read", address)
        return answer.data

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word."""
        self.writes += 1
        if self.block.write(address, value, strobes).refusal:
            raise BusError("write", address)

    def send(self, packets: Sequence[bytes]) -> None:
        """Put packets into the buffer."""
        self.packets += len(packets)
        for packet in packets:
            starts = range(0, len(packet), self._word)
            words = [int.from_bytes(packet[at : at + self._word], "little") for at in starts]
            self._input += [(word, at == len(words) - 1) for at, word in enumerate(words)]

    def receive(self, size: int, timeout: float) -> bytes:
        """Take output words."""
        self._move()
        if len(self._output) < size:
            raise TransportTimeout(f"{len(self._output)} of {size} bytes of output after {timeout:g} s")
        data = bytes(self._output[:size])
        del self._output[:size]
        return data

    def wait(self, timeout: float) -> bool:
        """Do what there is to do; waiting longer would change nothing."""
        self._move()
        return self.block.interrupt

    def _move(self) -> None:
        """Offer one word after the other as long as they are taken."""
        while self._input and not self.block.waiting:
            self.block.send(*self._input.popleft())
        self._output += b"".join(word.to_bytes(self._word, "little") for word, _ in self.block.output)
        self.block.output.clear()

    def unsent(self) -> int:
        """Bytes that the block has not taken."""
        return self._word * (len(self._input) + self.block.waiting)

    def received(self) -> int:
        """Bytes of output that are here."""
        return len(self._output)

    def discard(self) -> None:
        """Empty both buffers; a word that is offered stays."""
        self._input.clear()
        self.block.output.clear()
        self._output.clear()

    def close(self) -> None:
        """Nothing to give back."""
