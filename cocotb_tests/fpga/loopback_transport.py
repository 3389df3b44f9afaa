"""A machine that is none: registers that remember, a stream that comes back. It notes what is done to it."""

from collections.abc import Sequence

from golden.bus.transport import BusError, TransportTimeout

#: First address without a register.
END = 0x200


class Echo:
    """A transport to registers and a stream that comes back.

    Parameters
    ----------
    speed : int
        Bytes of the stream that go through in every call of `wait`.

    Attributes
    ----------
    interrupt : bool
        What `wait` says.
    writes : list of (address, value, strobes)
        Writes so far.
    packets : list of bytes
        Packets so far.
    discards : int
        How often the buffers were emptied.
    """

    def __init__(self, speed: int = 1 << 20) -> None:
        self._speed = speed
        self._registers: dict[int, int] = {}
        self._input, self._output = bytearray(), bytearray()
        self.interrupt = False
        self.writes: list[tuple[int, int, int]] = []
        self.packets: list[bytes] = []
        self.discards = 0

    def read(self, address: int) -> int:
        """Read a register word."""
        if address >= END:
            raise BusError("read", address)
        return self._registers.get(address, 0)

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word."""
        if address >= END:
            raise BusError("write", address)
        self.writes.append((address, value, strobes))
        self._registers[address] = value

    def send(self, packets: Sequence[bytes]) -> None:
        """Note packets and let them in."""
        self.packets += packets
        self._input += b"".join(packets)

    def receive(self, size: int, timeout: float) -> bytes:
        """Take output words."""
        if len(self._output) < size:
            raise TransportTimeout(f"{len(self._output)} of {size} bytes of output after {timeout:g} s")
        data = bytes(self._output[:size])
        del self._output[:size]
        return data

    def wait(self, timeout: float) -> bool:
        """Let some of the stream through."""
        self._output += self._input[: self._speed]
        del self._input[: self._speed]
        return self.interrupt

    def unsent(self) -> int:
        """Bytes that have not gone through."""
        return len(self._input)

    def received(self) -> int:
        """Bytes that have gone through."""
        return len(self._output)

    def discard(self) -> None:
        """Empty both buffers."""
        self.discards += 1
        self._input.clear()
        self._output.clear()

    def close(self) -> None:
        """Nothing to give back."""
