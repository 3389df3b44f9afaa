"""Lines of bytes under the link: sockets and serial ports."""

import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

#: How long a line may refuse to take bytes, s.
_STUCK = 5.0
#: How long one look at a serial port takes where nothing comes, s.
_LOOK = 0.005


class Line(Protocol):
    """A line of bytes; every method raises `OSError` when it is cut."""

    def read(self, timeout: float) -> bytes:
        """Take what has come; wait up to `timeout` seconds for the first byte, and give nothing if none comes."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


#: Opens a line, also once more after a cut.
Connect = Callable[[], Line]


class SocketLine:
    """A connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(_STUCK)
        if connected.family in (socket.AF_INET, socket.AF_INET6):
            # small frames must not wait for larger ones
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected

    def fileno(self) -> int:
        """Handle for `select`."""
        return self._socket.fileno()

    def read(self, timeout: float) -> bytes:
        """Take what has come."""
        readable, _, _ = select.select([self._socket], [], [], max(timeout, 0))
        if not readable:
            return b""
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the other side has hung up")
        return data

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class SerialLine:
    """A serial port, 8N1 without handshake."""

    def __init__(self, port: str, baud: int) -> None:
        import serial  # a host that reaches its machine otherwise does without it

        self._port = serial.Serial(port, baud, timeout=_LOOK, write_timeout=_STUCK, exclusive=True)

    def read(self, timeout: float) -> bytes:
        """Take what has come."""
        until = time.monotonic() + timeout
        while not (data := self._port.read(max(1, self._port.in_waiting))) and time.monotonic() < until:
            pass
        return data

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._port.write(data)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


def tcp(host: str, port: int) -> Connect:
    """Way to open a TCP connection."""
    return lambda: SocketLine(socket.create_connection((host, port), timeout=_STUCK))


def serial_port(port: str, baud: int = 1_000_000) -> Connect:
    """Way to open a serial port, for example ``/dev/ttyUSB0``; needs pyserial."""
    return lambda: SerialLine(port, baud)
