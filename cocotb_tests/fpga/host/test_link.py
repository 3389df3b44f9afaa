"""The host's end of the link, on lines whose behaviour the test sets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cocotb_tests.fpga.driver_fixture import random
from fpga.host.link import Link
from golden.bus.link_frames import ANSWER, LIMIT, VERSION, Decoder, Frame, FrameKind, FrameResult, Status, segments
from golden.bus.transport import BusError, LinkError, TransportTimeout

Answer = Callable[[Frame], Iterator[Frame]]


class Script:
    """The other end of a link, which does what a function says: a line, and the way to open it."""

    def __init__(self, answer: Answer, word: int = 4, room: int = 600) -> None:
        self._answer, self._word, self._room = answer, word, room
        self._decoder, self._waiting = Decoder(), b""
        self.requests: list[Frame] = []
        self.opened = 0

    def __call__(self) -> "Script":
        """Open the line."""
        self.opened += 1
        return self

    def write(self, data: bytes) -> None:
        """Answer what the function answers; OPEN is answered here."""
        for request in self._decoder.feed(data):
            self.requests.append(request)
            if request.kind == FrameKind.OPEN:
                self._waiting += answered(request, word=self._word, room=self._room).encode()
            else:
                self._waiting += b"".join(frame.encode() for frame in self._answer(request))

    def read(self, timeout: float) -> bytes:
        """Take the answers."""
        data, self._waiting = self._waiting, b""
        return data

    def close(self) -> None:
        """Lose what is on its way."""
        self._waiting = b""


def answered(request: Frame, data: bytes = b"", result: int = FrameResult.OK, word: int = 4, room: int = 600) -> Frame:
    """Answer a request."""
    body = Status(result, False, word, room).encode() + data
    return Frame(request.session, request.sequence, request.kind + ANSWER, body)


def _link(script: Script) -> Link:
    return Link(script, repeat=0.01, timeout=0.1)


@pytest.mark.parametrize(
    ("opened", "later", "says"),
    [
        ({"word": 0}, {}, "words of 0 bytes, and room for 600"),
        ({"room": 3}, {}, "words of 4 bytes, and room for 3"),
        ({}, {"word": 0}, "words of 0 bytes, and room for 600"),
        ({}, {"word": 8}, "words of 8 bytes, and of 4 before"),
        ({}, {"room": 601}, "room for 601 bytes, and for 600 at most before"),
        ({}, {"result": 6}, "there is no result 6"),
        ({}, {"data": b"12345"}, "a register of 5 bytes"),
        ({}, {"data": b""}, "a register of 0 bytes"),
    ],
)
def test_nonsense(opened: dict[str, int], later: dict[str, Any], says: str) -> None:
    """Whole answers that no machine's end may give are refused, in one line."""

    def answer(request: Frame) -> Iterator[Frame]:
        yield answered(request, **{"data": b"1234", **later})

    with pytest.raises(LinkError, match=f"^the other end does not keep to the link: {says}$"):
        _link(Script(answer, **opened)).read(0)


def test_requests() -> None:
    """What goes over the line, in one session, one sequence number after another."""

    def answer(request: Frame) -> Iterator[Frame]:
        yield answered(request, b"\x78\x56\x34\x12" if request.kind == FrameKind.READ else b"")

    script = Script(answer)
    link = _link(script)
    assert link.word == 4
    assert link.read(0x104) == 0x12345678
    link.write(0x3F8, 0xABCDEF01, 0b0110)
    link.discard()
    session = script.requests[0].session
    assert session
    assert script.requests == [
        Frame(session, 0, FrameKind.OPEN, bytes([VERSION])),
        Frame(session, 1, FrameKind.READ, b"\x04\x01"),
        Frame(session, 2, FrameKind.WRITE, b"\xf8\x03\x06\x01\xef\xcd\xab"),
        Frame(session, 3, FrameKind.FLUSH),
    ]
    for _ in range(600):
        link.read(0)
    assert [request.sequence for request in script.requests] == [n % 256 for n in range(604)]
    assert link.repeats == 0


def test_repeats() -> None:
    """The same request again until it is answered; what is not its answer does not count."""
    tries = 0

    def answer(request: Frame) -> Iterator[Frame]:
        nonlocal tries
        tries += 1
        yield request
        yield Frame(request.session ^ 1, request.sequence, request.kind + ANSWER, bytes(10))
        yield Frame(request.session, request.sequence ^ 1, request.kind + ANSWER, bytes(10))
        yield Frame(request.session, request.sequence, FrameKind.WRITE + ANSWER, bytes(10))
        if tries == 4:
            yield answered(request, b"\x01\x00\x00\x00")
            yield answered(request, b"\x02\x00\x00\x00")

    script = Script(answer)
    link = _link(script)
    assert link.read(0) == 1
    assert link.repeats == 3
    assert len(set(script.requests)) == 2
    tries = 0
    assert link.read(0) == 1


def test_silence() -> None:
    """A call gives up after a while; its request is done before the next one all the same."""
    silent, output = True, b"\x01\x02\x03\x04"

    def answer(request: Frame) -> Iterator[Frame]:
        if not silent:
            yield answered(request, output if request.kind == FrameKind.STREAM else b"\x05\x00\x00\x00")

    script = Script(answer)
    link = _link(script)
    link.send([b"abcdefgh"])
    with pytest.raises(LinkError, match=r"^no answer to STREAM from the other end for 0\.1 s: nothing but silence$"):
        link.wait(0)
    silent = False
    assert link.read(8) == 5
    assert [request.kind for request in script.requests[-2:]] == [FrameKind.STREAM, FrameKind.READ]
    assert script.requests[-2].body == b"\x82abcdefgh"
    assert link.received() == 4
    assert link.receive(4, 0) == output
    link.close()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (FrameResult.FULL, "the other end has no room for words although it said so"),
        (FrameResult.MALFORMED, "the other end does not understand the request: another version of the link?"),
        (
            FrameResult.CLOSED,
            "the other end no longer knows this host: it was reset, or another host has taken it over",
        ),
        (FrameResult.FAILED, "the other end does not reach the machine: gone"),
    ],
)
def test_refusals(result: FrameResult, message: str) -> None:
    """Whatever goes wrong has one clear line."""
    link = _link(Script(lambda request: iter([answered(request, b"gone", result)])))
    for call in (lambda: link.read(0), lambda: link.write(0, 0), lambda: link.wait(0), link.discard):
        with pytest.raises(LinkError) as caught:
            call()
        assert str(caught.value) == message


def test_bus_errors() -> None:
    """SLVERR of the bus is not one of the link."""
    link = _link(Script(lambda request: iter([answered(request, bytes(4), FrameResult.SLVERR)])))
    with pytest.raises(BusError, match=r"^the bus answers SLVERR to a read of address 0x300$"):
        link.read(0x300)
    with pytest.raises(BusError, match=r"^the bus answers SLVERR to a write of address 0x304$"):
        link.write(0x304, 0)


def test_other_versions() -> None:
    """Another version is not taken for a broken line."""

    class Other(Script):
        def write(self, data: bytes) -> None:
            for request in Decoder().feed(data):
                body = Status(FrameResult.MALFORMED, False, 4, 600, VERSION + 1).encode()
                self._waiting += Frame(request.session, request.sequence, request.kind + ANSWER, body).encode()

    with pytest.raises(LinkError, match=r"^the other end has version 3 of the link, this one 2$"):
        _link(Other(lambda request: iter([])))
    short = Script(lambda request: iter([Frame(request.session, request.sequence, request.kind + ANSWER, b"abc")]))
    with pytest.raises(LinkError, match=r"^the other end gives answers without a status: another version of the link"):
        _link(short).read(0)


def test_flow() -> None:
    """Never more than there is room for, never more than a frame holds, all words in order."""
    rng = random(5)
    for word in (1, 3, 16):
        free, held, got = 600, 0, b""

        def answer(request: Frame, word: int = word) -> Iterator[Frame]:
            nonlocal free, held, got
            assert len(request.body) <= LIMIT
            parts = list(segments(request.body, word))
            size = sum(len(data) for data, _ in parts)
            assert size <= free
            for data, last in parts:
                got += data + b"|" * last
            held += size
            held -= min(held, int(rng.integers(0, 200)))
            free = 600 - held
            yield answered(request, word=word, room=free)

        link = _link(Script(answer, word))
        packets = [rng.bytes(word * int(rng.integers(1, 400))) for _ in range(5)]
        link.send(packets)
        while link.unsent():
            link.wait(0)
        assert got == b"".join(packet + b"|" for packet in packets)
        with pytest.raises(ValueError, match=r"^a packet of 0 bytes is not one of whole words of \d+ bytes$"):
            link.send([b""])


def test_output() -> None:
    """Words that came in time are not lost when others did not."""
    link = _link(Script(lambda request: iter([answered(request, b"word" if link.received() < 8 else b"")])))
    with pytest.raises(TransportTimeout, match=r"^8 of 12 bytes of output after 0\.01 s$"):
        link.receive(12, 0.01)
    assert link.receive(8, 0) == b"wordword"


def test_cut() -> None:
    """The line is opened once more and the request repeated, in the same session."""
    cuts = 3

    class Cut(Script):
        def read(self, timeout: float) -> bytes:
            nonlocal cuts
            if cuts and self.requests[-1].kind != FrameKind.OPEN:
                cuts -= 1
                raise ConnectionError("cut")
            return super().read(timeout)

    script = Cut(lambda request: iter([answered(request, b"\x07\x00\x00\x00")]))
    link = _link(script)
    assert link.read(0) == 7
    assert script.opened == 4
    assert len(set(script.requests)) == 2
    cuts = 1000
    with pytest.raises(LinkError, match=r"^no answer to READ from the other end for 0\.1 s: cut$"):
        link.read(0)


def test_no_line() -> None:
    """A line that cannot be opened is an error."""

    def connect() -> Script:
        raise ConnectionRefusedError("refused")

    with pytest.raises(LinkError, match=r"^no answer to OPEN from the other end for 0\.1 s: refused$"):
        Link(connect, repeat=0.01, timeout=0.1)
