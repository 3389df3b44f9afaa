"""The host's end of the link of docs/link.md: a transport over a line of bytes."""

import secrets
import struct
import time
from collections import deque
from collections.abc import Sequence

from fpga.host.byte_line import Connect, Line
from golden.bus.link_frames import (
    ANSWER,
    LIMIT,
    VERSION,
    Decoder,
    Frame,
    FrameKind,
    FrameResult,
    Status,
    cut_segment,
    split_answer,
)
from golden.bus.transport import BusError, LinkError, TransportTimeout

#: How long to wait before asking once more where nothing moves, s.
_PAUSE = 0.002

#: What may have gone wrong, by result.
_REFUSALS = {
    FrameResult.FULL: "has no room for words although it said so",
    FrameResult.MALFORMED: "does not understand the request: another version of the link?",
    FrameResult.CLOSED: "no longer knows this host: it was reset, or another host has taken it over",
}


class Link:
    """A transport over a line of bytes.

    Noise costs time and nothing else. When the line is cut it is opened once more and the request without an answer
    repeated; the session goes on.

    Parameters
    ----------
    connect : Connect
        Opens the line: `fpga.host.byte_line.tcp`, `fpga.host.byte_line.serial_port`.
    repeat : float
        How long to wait for an answer before repeating a request, s.
    timeout : float
        How long to try before a call raises `LinkError`, s. The request stays and is done before the next one.

    Attributes
    ----------
    word : int
        Bytes of a stream word.
    repeats, cuts : int
        Requests sent once more so far, and how often the line was opened once more.
    sent, got : int
        Bytes over the line so far.
    """

    def __init__(self, connect: Connect, *, repeat: float = 0.2, timeout: float = 10.0) -> None:
        self._connect, self._repeat, self._timeout = connect, repeat, timeout
        self._line: Line | None = None
        self._decoder = Decoder()
        self._input: deque[memoryview] = deque()
        self._output = bytearray()
        self._pending: Frame | None = None
        self._status = Status(FrameResult.OK, False, 0, 0)
        self.repeats = self.cuts = self.sent = self.got = 0
        self._session, self._sequence = secrets.randbelow(0xFFFF) + 1, 255
        self._request(FrameKind.OPEN, bytes([VERSION]))
        self.word, self._capacity = self._status.word, self._status.room

    def read(self, address: int) -> int:
        """Read a register word."""
        result, data = self._request(FrameKind.READ, struct.pack("<H", address))
        if result == FrameResult.SLVERR:
            raise BusError("read", address)
        return int.from_bytes(data, "little")

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word."""
        result, _ = self._request(FrameKind.WRITE, struct.pack("<HBI", address, strobes, value))
        if result == FrameResult.SLVERR:
            raise BusError("write", address)

    def send(self, packets: Sequence[bytes]) -> None:
        """Put packets into the buffer."""
        for packet in packets:
            if not packet or len(packet) % self.word:
                raise ValueError(f"a packet of {len(packet)} bytes is not one of whole words of {self.word} bytes")
        self._input += map(memoryview, packets)

    def receive(self, size: int, timeout: float) -> bytes:
        """Take output words."""
        until = time.monotonic() + timeout
        while len(self._output) < size:
            if not self._exchange():
                if time.monotonic() >= until:
                    raise TransportTimeout(f"{len(self._output)} of {size} bytes of output after {timeout:g} s")
                time.sleep(_PAUSE)
        data = bytes(self._output[:size])
        del self._output[:size]
        return data

    def wait(self, timeout: float) -> bool:
        """Wait until the interrupt is high."""
        until = time.monotonic() + timeout
        while True:
            moved = self._exchange()
            if self._status.interrupt:
                return True
            if time.monotonic() >= until:
                return False
            if not moved:
                time.sleep(_PAUSE)

    def unsent(self) -> int:
        """Bytes that the machine has not taken."""
        return sum(map(len, self._input)) + self._capacity - self._status.room

    def received(self) -> int:
        """Bytes of output that are here."""
        return len(self._output)

    def discard(self) -> None:
        """Empty the buffers, those of the other end too."""
        self._resume()
        self._input.clear()
        self._request(FrameKind.FLUSH)
        self._output.clear()

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _exchange(self) -> bool:
        """Send as many words as there is room for, fetch as many as there are; say whether any moved."""
        self._resume()  # may change what there is to send and the room for it
        body, room, before = b"", self._status.room, len(self._output)
        while self._input:
            # the room counts words, the limit the first bytes of segments too
            most = min(room + 1, LIMIT - len(body))
            segment, rest = cut_segment(self._input[0], self.word, most)
            if not segment:
                break
            body, room = body + segment, room - (len(segment) - 1)
            self._input.popleft()
            if len(rest):
                self._input.appendleft(rest)
        self._request(FrameKind.STREAM, body)
        return bool(body) or len(self._output) > before

    def _request(self, kind: FrameKind, body: bytes = b"") -> tuple[int, bytes]:
        """Have a request done; return its result and what the answer holds."""
        self._resume()
        self._pending = Frame(self._session, (self._sequence + 1) % 256, kind, body)
        return self._finish(self._pending)

    def _resume(self) -> None:
        """Finish a request that was left without an answer."""
        if self._pending is not None:
            self._finish(self._pending)

    def _finish(self, request: Frame) -> tuple[int, bytes]:
        """Repeat a request until its answer comes, and take over what that says."""
        answer = self._ask(request)
        self._pending, self._sequence = None, request.sequence
        try:
            self._status, data = split_answer(answer.body)
        except struct.error:
            raise LinkError("the other end gives answers without a status: another version of the link?") from None
        result = self._status.result
        if self._status.version != VERSION:
            raise LinkError(f"the other end has version {self._status.version} of the link, this one {VERSION}")
        if request.kind == FrameKind.STREAM:
            self._output += data
        if result in _REFUSALS:
            raise LinkError(f"the other end {_REFUSALS[FrameResult(result)]}")
        if result == FrameResult.FAILED:
            raise LinkError(f"the other end does not reach the machine: {data.decode(errors='replace')}")
        if (nonsense := self._nonsense(request, data)) is not None:
            raise LinkError(f"the other end does not keep to the link: {nonsense}")
        return result, data

    def _nonsense(self, request: Frame, data: bytes) -> str | None:
        """Say what cannot be in an answer that has arrived whole."""
        status, opening = self._status, request.kind == FrameKind.OPEN
        word, capacity = (status.word, status.room) if opening else (self.word, self._capacity)
        if status.result not in (FrameResult.OK, FrameResult.SLVERR):
            return f"there is no result {status.result}"
        if not 1 <= status.word <= capacity:
            return f"words of {status.word} bytes, and room for {capacity}"
        if status.word != word:
            return f"words of {status.word} bytes, and of {word} before"
        if status.room > capacity:
            return f"room for {status.room} bytes, and for {capacity} at most before"
        if request.kind == FrameKind.READ and status.result == FrameResult.OK and len(data) != 4:
            return f"a register of {len(data)} bytes"
        return None

    def _ask(self, request: Frame) -> Frame:
        """Send a request until its answer comes."""
        frame, until = request.encode(), time.monotonic() + self._timeout
        while True:
            problem = "nothing but silence"
            try:
                if self._line is None:
                    self._line, self._decoder = self._connect(), Decoder()
                self._line.write(frame)
                self.sent += len(frame)
                answer = self._listen(self._line, request)
                if answer is not None:
                    return answer
            except OSError as error:
                problem = str(error)
                if self._line is not None:
                    self.cuts += 1
                self.close()
                time.sleep(min(self._repeat, self._timeout))
            if time.monotonic() >= until:
                name = FrameKind(request.kind).name
                raise LinkError(f"no answer to {name} from the other end for {self._timeout:g} s: {problem}")
            self.repeats += 1

    def _listen(self, line: Line, request: Frame) -> Frame | None:
        """Wait for the answer to a request until it is time to repeat it."""
        until = time.monotonic() + self._repeat
        while (left := until - time.monotonic()) > 0:
            data = line.read(left)
            self.got += len(data)
            for frame in self._decoder.feed(data):
                if (frame.session, frame.sequence, frame.kind) == (
                    request.session,
                    request.sequence,
                    request.kind + ANSWER,
                ):
                    return frame
        return None
