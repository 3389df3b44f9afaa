"""Ports by name: serial ports, and link servers at TCP ports."""

import errno
from pathlib import Path

from fpga.host.byte_line import Connect, serial_port, tcp
from golden.lib.errors import UserError


class PortError(UserError):
    """A port cannot be opened; the message is one line and says what to do."""


def open_port(name: str, baud: int) -> Connect:
    """Give the way to open a port, after a try.

    Parameters
    ----------
    name : str
        ``/dev/ttyUSB0`` or the like, or ``tcp:HOST:PORT``.
    baud : int
        Of a serial port.

    Raises
    ------
    PortError
        If it does not open.
    """
    kind, _, place = name.partition(":")
    if kind == "tcp":
        host, _, number = place.rpartition(":")
        if not host or not number.isdecimal():
            raise PortError(f"port {name} is none: give tcp:HOST:PORT, or a serial port like /dev/ttyUSB0")
        connect = tcp(host, int(number))
    else:
        if not Path(name).exists():
            raise PortError(f"there is no port {name}: is the board plugged in and powered, and is that its name?")
        connect = serial_port(name, baud)
    try:
        connect().close()
    except OSError as error:
        raise PortError(f"port {name} does not open: {_reason(error)}") from None
    return connect


def _reason(error: OSError) -> str:
    """Say what to do about an error."""
    if error.errno in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return "another program uses it: end that one first"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied: join the group that owns it, dialout on many systems"
    return str(error)
