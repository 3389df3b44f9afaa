"""What a driver needs of a way to the machine: registers, packets, the interrupt."""

from collections.abc import Sequence
from typing import Protocol

from golden.lib.errors import UserError


class BusError(RuntimeError):
    """The bus has answered SLVERR; the message is one line.

    Attributes
    ----------
    address : int
        Of the access.
    """

    def __init__(self, access: str, address: int) -> None:
        super().__init__(f"the bus answers SLVERR to a {access} of address {address:#x}")
        self.address = address


class LinkError(UserError):
    """The way to the machine is cut, or its other end cannot be understood; the message is one line."""


class TransportTimeout(TimeoutError):
    """What was asked for has not come in time; the message is one line."""


class Transport(Protocol):
    """A way to the ports of `mtj_gxnor_axi`.

    Both streams have a buffer without limit here: packets wait in one until the machine takes them, the other takes
    output words whenever the machine offers them. Both move during every call, so neither can hold up the other. Any
    call may raise `LinkError`; what the buffers hold is not lost by it.
    """

    def read(self, address: int) -> int:
        """Read a register word.

        Raises
        ------
        BusError
            If the bus answers SLVERR.
        """
        ...

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word, or those of its bytes whose strobe is 1, the lowest byte's strobe in bit 0.

        A write that raises `LinkError` may be done, or be done later.

        Raises
        ------
        BusError
            If the bus answers SLVERR.
        """
        ...

    def send(self, packets: Sequence[bytes]) -> None:
        """Put packets of whole stream words into the buffer; every packet ends with tlast. Waits for nothing."""
        ...

    def receive(self, size: int, timeout: float) -> bytes:
        """Take `size` bytes of output words.

        Raises
        ------
        TransportTimeout
            If fewer have come after `timeout` seconds; they stay.
        """
        ...

    def wait(self, timeout: float) -> bool:
        """Wait until the interrupt is high, or for `timeout` seconds; say whether it is.

        The streams get time to move in any case, also with a timeout of 0 or an interrupt that is high already.
        """
        ...

    def unsent(self) -> int:
        """Bytes given to `send` that the machine has not taken, as far as is known here."""
        ...

    def received(self) -> int:
        """Bytes of output that are here to be taken."""
        ...

    def discard(self) -> None:
        """Empty both buffers. A word that a side already offers to the other may be left."""
        ...

    def close(self) -> None:
        """Give the way back; nothing else may be called afterwards."""
        ...
