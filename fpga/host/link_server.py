"""The machine's end of the link of docs/link.md in Python: a line reaches a transport through it."""

import select
import socket
from contextlib import suppress

from fpga.host.byte_line import Line, SocketLine
from golden.bus.link_frames import ANSWER, LIMIT, VERSION, Decoder, Frame, FrameKind, FrameResult, Status, segments
from golden.bus.register_map import ADDRESS_BITS, WORD
from golden.bus.transport import BusError, LinkError, Transport, TransportTimeout

#: How long to look at the connections before looking whether to stop, s.
_LOOK = 0.1


class LinkServerEnd:
    """Answers requests. Outlives the lines on which they come, and so do session and last answer.

    Parameters
    ----------
    transport : Transport
        The way from here to the machine.
    word : int
        Bytes of a stream word.
    capacity : int
        Bytes that it takes in advance of the machine, `LIMIT` .. 65535.
    """

    def __init__(self, transport: Transport, word: int, capacity: int = 4096) -> None:
        self._transport, self._word, self._capacity = transport, word, capacity
        # what has come of a packet; a transport takes whole ones
        self._partial = bytearray()
        self._interrupt = False
        self._session: int | None = None
        self._sequence = 0
        self._kept: tuple[FrameResult, bytes] = FrameResult.OK, b""

    def answer(self, request: Frame) -> Frame | None:
        """Do a request, unless it has been done before, and give the answer; None where there is none to give."""
        if request.kind & ANSWER:
            return None
        if request.kind == FrameKind.OPEN:
            return self._open(request)
        if request.session != self._session:
            return self._frame(request, FrameResult.CLOSED)
        if request.sequence == (self._sequence + 1) % 256:
            self._sequence, self._kept = request.sequence, self._do(request)
        elif request.sequence != self._sequence:
            return None
        return self._frame(request, *self._kept)

    def _frame(self, request: Frame, result: FrameResult, data: bytes = b"") -> Frame:
        status = Status(result, self._interrupt, self._word, self._room())
        return Frame(request.session, request.sequence, request.kind + ANSWER, status.encode() + data)

    def _room(self) -> int:
        # a packet goes to the transport whole and may be larger than the buffer
        return max(0, self._capacity - self._transport.unsent())

    def _open(self, request: Frame) -> Frame:
        if request.body != bytes([VERSION]):
            return self._frame(request, FrameResult.MALFORMED)
        self._session, self._sequence = request.session, request.sequence
        self._kept = self._do(Frame(request.session, request.sequence, FrameKind.FLUSH))
        return self._frame(request, *self._kept)

    def _do(self, request: Frame) -> tuple[FrameResult, bytes]:
        """Do a request; return its result and what its answer holds."""
        body = request.body
        try:
            if request.kind == FrameKind.READ and len(body) == 2:
                value = self._transport.read(_address(body))
                return FrameResult.OK, value.to_bytes(4, "little")
            if request.kind == FrameKind.WRITE and len(body) == 7:
                self._transport.write(_address(body[:2]), int.from_bytes(body[3:], "little"), body[2] % (1 << WORD))
                return FrameResult.OK, b""
            if request.kind == FrameKind.STREAM:
                return self._stream(body)
            if request.kind == FrameKind.FLUSH and not body:
                self._partial.clear()
                self._transport.discard()
                return FrameResult.OK, b""
        except BusError:
            return FrameResult.SLVERR, bytes(4) if request.kind == FrameKind.READ else b""
        except (LinkError, TransportTimeout) as error:
            return FrameResult.FAILED, str(error).encode()[:LIMIT]
        return FrameResult.MALFORMED, b""

    def _stream(self, body: bytes) -> tuple[FrameResult, bytes]:
        try:
            parts = list(segments(body, self._word))
        except ValueError:
            return FrameResult.MALFORMED, b""
        if sum(len(data) for data, _ in parts) > self._room():
            return FrameResult.FULL, b""
        for data, last in parts:
            self._partial += data
            if last:
                self._transport.send([bytes(self._partial)])
                self._partial.clear()
        self._interrupt = self._transport.wait(0)
        size = min(self._transport.received(), LIMIT // self._word * self._word)
        return FrameResult.OK, self._transport.receive(size, 0)


def _address(data: bytes) -> int:
    return int.from_bytes(data, "little") % (1 << ADDRESS_BITS)


class LinkServer:
    """Lets hosts reach a machine over TCP, one at a time: who comes later takes over.

    Parameters
    ----------
    end : LinkServerEnd
        What they reach.
    host : str
        Address to listen at; only programs of this computer reach the default.
    port : int
        Port to listen at, 0 for a free one.

    Attributes
    ----------
    address : tuple of str and int
        Where it listens: host and port.
    """

    def __init__(self, end: LinkServerEnd, host: str = "127.0.0.1", port: int = 0) -> None:
        self._end = end
        self._listener = socket.create_server((host, port))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._stopped = False

    def run(self) -> None:
        """Serve until `stop`."""
        line: SocketLine | None = None
        with self._listener:
            decoder = Decoder()
            while not self._stopped:
                readable, _, _ = select.select([self._listener, *([line] if line else [])], [], [], _LOOK)
                if self._listener in readable:
                    if line:
                        line.close()
                    line, decoder = SocketLine(self._listener.accept()[0]), Decoder()
                elif line and readable:
                    try:
                        serve(self._end, line, decoder)
                    except OSError:
                        line.close()
                        line = None
            if line:
                line.close()

    def stop(self) -> None:
        """Make `run` return soon; it can be called from another thread."""
        self._stopped = True


def serve(end: LinkServerEnd, line: Line, decoder: Decoder, wait: float = 0) -> None:
    """Answer the requests that have come over a line.

    Parameters
    ----------
    end : LinkServerEnd
        What answers.
    line : Line
        The line.
    decoder : Decoder
        What the line has brought before.
    wait : float
        How long to wait for the first byte, s.
    """
    for request in decoder.feed(line.read(wait)):
        answer = end.answer(request)
        if answer is not None:
            line.write(answer.encode())


def serve_line(end: LinkServerEnd, line: Line) -> None:
    """Answer the requests that come over a line until it is cut."""
    decoder = Decoder()
    with suppress(OSError):
        while True:
            serve(end, line, decoder, _LOOK)
