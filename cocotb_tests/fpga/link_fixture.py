"""Far ends of links that run beside a test."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fpga.host.byte_line import Line, SocketLine
from fpga.host.link_server import LinkServer, LinkServerEnd, serve_line
from golden.bus.transport import Transport


@contextmanager
def beside(target: Callable[[], None]) -> Iterator[None]:
    """Run a function beside the test; it must have ended when the test's part has."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def paired(transport: Transport, word: int, capacity: int = 4096) -> Iterator[Line]:
    """Serve a transport at one end of a pair of sockets; give the other."""
    near, far = (SocketLine(end) for end in socket.socketpair())
    with beside(lambda: serve_line(LinkServerEnd(transport, word, capacity), far)):
        try:
            yield near
        finally:
            near.close()
    far.close()


@contextmanager
def served(transport: Transport, word: int, capacity: int = 4096) -> Iterator[int]:
    """Serve a transport over TCP; give the port."""
    server = LinkServer(LinkServerEnd(transport, word, capacity))
    with beside(server.run):
        try:
            yield server.address[1]
        finally:
            server.stop()
