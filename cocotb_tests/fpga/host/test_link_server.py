"""The machine's end of the link: the rules of docs/link.md, noise, cuts, TCP and serial lines."""

import os
import pty
from contextlib import ExitStack

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.fpga.link_fixture import beside, paired, served
from cocotb_tests.fpga.loopback_transport import Echo
from cocotb_tests.fpga.noise import NoisyLine
from fpga.host.byte_line import Line, SerialLine, serial_port, tcp
from fpga.host.link import Link
from fpga.host.link_server import LinkServer, LinkServerEnd, serve_line
from fpga.host.noise import Noise
from golden.bus.link_frames import ANSWER, VERSION, Frame, FrameKind, FrameResult, Status, split_answer
from golden.bus.transport import BusError, LinkError, TransportTimeout

WORD, CAPACITY = 4, 400


class Asker:
    """Asks a link server in one session, one sequence number after another."""

    def __init__(self, end: LinkServerEnd, session: int = 77) -> None:
        self._end, self._session, self._sequence = end, session, 255

    def ask(self, kind: int, body: bytes = b"", step: int = 1) -> tuple[Status, bytes] | None:
        """Give the status and the rest of the answer."""
        self._sequence = (self._sequence + step) % 256
        answer = self._end.answer(Frame(self._session, self._sequence, kind, body))
        if answer is None:
            return None
        assert (answer.session, answer.sequence, answer.kind) == (self._session, self._sequence, kind + ANSWER)
        return split_answer(answer.body)


def _open(echo: Echo, session: int = 77) -> tuple[LinkServerEnd, Asker]:
    end = LinkServerEnd(echo, WORD, CAPACITY)
    asker = Asker(end, session)
    assert asker.ask(FrameKind.OPEN, bytes([VERSION])) == (Status(0, False, WORD, CAPACITY), b"")
    return end, asker


def test_requests() -> None:
    """Every kind does what it says."""
    echo = Echo(speed=8)
    _, asker = _open(echo)
    room = Status(0, False, WORD, CAPACITY)
    assert asker.ask(FrameKind.WRITE, b"\x10\x00\x05\x78\x56\x34\x12") == (room, b"")
    assert echo.writes == [(0x10, 0x12345678, 5)]
    assert asker.ask(FrameKind.READ, b"\x10\x00") == (room, b"\x78\x56\x34\x12")
    assert asker.ask(FrameKind.READ, b"\x00\x02") == (room._replace(result=FrameResult.SLVERR), bytes(4))
    assert asker.ask(FrameKind.WRITE, b"\x00\x02\x0f\0\0\0\0") == (room._replace(result=FrameResult.SLVERR), b"")
    # a packet of three words in two segments, and one word of the next
    assert asker.ask(FrameKind.STREAM, b"\x02abcdefgh") == (room, b"")
    assert asker.ask(FrameKind.STREAM, b"\x81ijkl\x01mnop") == (room._replace(room=CAPACITY - 4), b"abcdefgh")
    assert echo.packets == [b"abcdefghijkl"]
    echo.interrupt = True
    room = room._replace(interrupt=True)
    assert asker.ask(FrameKind.STREAM) == (room, b"ijkl")
    assert asker.ask(FrameKind.READ, b"\x10\x00") == (room, b"\x78\x56\x34\x12")
    before = echo.discards
    assert asker.ask(FrameKind.FLUSH) == (room, b"")
    assert echo.discards == before + 1
    asker.ask(FrameKind.STREAM, b"\x81qrst")
    assert echo.packets == [b"abcdefghijkl", b"qrst"]


def test_output_is_cut_to_words() -> None:
    """At most 256 bytes of output, whole words; the rest waits."""
    echo = Echo()
    end = LinkServerEnd(echo, 3, 1000)
    asker = Asker(end)
    asker.ask(FrameKind.OPEN, bytes([VERSION]))
    data = bytes(range(252))
    assert asker.ask(FrameKind.STREAM, bytes([84]) + data) == (Status(0, False, 3, 1000), b"")
    echo.send([data])
    assert asker.ask(FrameKind.STREAM, bytes([0x80 | 1]) + b"end") == (Status(0, False, 3, 1000), data + data[:3])


def test_never_twice() -> None:
    """A request of the last sequence number is answered again and not done again; the one after it is new."""
    echo = Echo()
    _, asker = _open(echo)
    write, packet = b"\x10\x00\x0f\x01\0\0\0", b"\x81abcd"
    for round_ in range(300):
        first = asker.ask(FrameKind.WRITE, write)
        assert [asker.ask(FrameKind.WRITE, write, step=0) for _ in range(3)] == [first] * 3
        first = asker.ask(FrameKind.STREAM, packet)
        assert first is not None
        assert first[1] == b"abcd"
        assert [asker.ask(FrameKind.STREAM, packet, step=0) for _ in range(3)] == [first] * 3
        assert (len(echo.writes), len(echo.packets)) == (round_ + 1, round_ + 1)
        for step in (2, 17, 255):
            assert asker.ask(FrameKind.WRITE, write, step=step) is None
            assert asker.ask(FrameKind.STREAM, packet, step=-step) == first
    assert len(echo.writes) == len(echo.packets) == 300


def test_sessions() -> None:
    """The last OPEN wins and finds empty buffers; nobody else is served."""
    echo = Echo(speed=0)
    end = LinkServerEnd(echo, WORD, CAPACITY)
    for session in (0, 77):
        status, rest = split_answer((end.answer(Frame(session, 1, FrameKind.READ, b"\0\0")) or Frame(0, 0, 0)).body)
        assert (status.result, rest) == (FrameResult.CLOSED, b"")
    first = Asker(end, 1)
    assert first.ask(FrameKind.OPEN, bytes([VERSION])) is not None
    first.ask(FrameKind.STREAM, b"\x81abcd\x01efgh")
    second = Asker(end, 2)
    assert second.ask(FrameKind.OPEN, bytes([VERSION])) == (Status(0, False, WORD, CAPACITY), b"")
    closed = first.ask(FrameKind.WRITE, b"\x10\x00\x0f\x01\0\0\0")
    assert closed is not None
    assert closed[0].result == FrameResult.CLOSED
    assert not echo.writes
    # what was half there of a packet is forgotten too
    second.ask(FrameKind.STREAM, b"\x81ijkl")
    assert echo.packets == [b"abcd", b"ijkl"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FrameKind.READ, b"\x10"),
        (FrameKind.WRITE, b"\x10\x00\x0f\x01\0\0"),
        (FrameKind.STREAM, b"\x82abcd"),
        (FrameKind.STREAM, b"\x81abcd\x00"),
        (FrameKind.FLUSH, b"x"),
        (6, b""),
        (0x7F, b""),
    ],
)
def test_malformed(kind: int, body: bytes) -> None:
    """What has no meaning is not done, and the next request is."""
    echo = Echo()
    _, asker = _open(echo)
    before = echo.discards
    answer = asker.ask(kind, body)
    assert answer is not None
    assert answer[0].result == FrameResult.MALFORMED
    assert (echo.writes, echo.packets, echo.discards) == ([], [], before)
    assert asker.ask(FrameKind.STREAM, b"\x81abcd") == (Status(0, False, WORD, CAPACITY), b"abcd")


def test_other_versions() -> None:
    """Another version is refused, and says which is known; the session that is open goes on."""
    end, asker = _open(Echo())
    for body in (bytes([VERSION + 1]), b"", bytes([VERSION, 0])):
        answer = Asker(end, 9).ask(FrameKind.OPEN, body)
        assert answer is not None
        assert (answer[0].result, answer[0].version, answer[1]) == (FrameResult.MALFORMED, VERSION, b"")
    assert asker.ask(FrameKind.STREAM, b"\x81abcd") == (Status(0, False, WORD, CAPACITY), b"abcd")


def test_full() -> None:
    """Words beyond the room are not taken, none of them."""
    echo = Echo(speed=0)
    _, asker = _open(echo)
    for _ in range(2):
        asker.ask(FrameKind.STREAM, bytes([0x80 | 49]) + bytes(196))
    answer = asker.ask(FrameKind.STREAM, b"\x81abcd\x82efghijkl")
    assert answer == (Status(FrameResult.FULL, False, WORD, 8), b"")
    assert len(echo.packets) == 2
    assert asker.ask(FrameKind.STREAM, b"\x81abcd\x81efgh") == (Status(0, False, WORD, 0), b"")


def test_large_packet() -> None:
    """A packet may be larger than the buffer; as long as it is inside, words have no room, but output has its way."""
    echo = Echo(speed=100)
    _, asker = _open(echo)
    for _ in range(4):
        assert asker.ask(FrameKind.STREAM, bytes([60]) + bytes(240)) == (Status(0, False, WORD, CAPACITY), b"")
    assert asker.ask(FrameKind.STREAM, b"\x81abcd") == (Status(0, False, WORD, 0), bytes(100))
    answer = asker.ask(FrameKind.STREAM, b"\x81efgh")
    assert answer is not None
    assert answer[0].result == FrameResult.FULL
    back = b""
    while answer[0].room < CAPACITY:
        answer = asker.ask(FrameKind.STREAM)
        assert answer is not None
        back += answer[1]
    assert back == bytes(860) + b"abcd"


@pytest.mark.parametrize("error", [LinkError("gone"), TransportTimeout("gone")])
def test_machine_out_of_reach(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server meets on its way to the machine goes to the host as text."""
    echo = Echo()
    _, asker = _open(echo)

    def fail(address: int) -> int:
        raise error

    monkeypatch.setattr(echo, "read", fail)
    assert asker.ask(FrameKind.READ, b"\x10\x00") == (Status(FrameResult.FAILED, False, WORD, CAPACITY), b"gone")
    assert asker.ask(FrameKind.STREAM) == (Status(0, False, WORD, CAPACITY), b"")


def _work(link: Link, echo: Echo, rng: np.random.Generator, turns: int) -> None:
    """Read, write and stream at random; everything must arrive once, whole and in order."""
    writes: list[tuple[int, int, int]] = []
    packets: list[bytes] = []
    back = b""
    for turn in range(turns):
        choice = rng.integers(4)
        address = 4 * int(rng.integers(0x80))
        if choice == 0:
            writes.append((address, int(rng.integers(1 << 32)), int(rng.integers(16))))
            link.write(*writes[-1])
        elif choice == 1:
            known = next((value for at, value, _ in reversed(writes) if at == address), 0)
            assert link.read(address) == known
            with pytest.raises(BusError):
                link.read(0x3FC)
        elif choice == 2:
            new = [rng.bytes(WORD * int(rng.integers(1, 120))) for _ in range(int(rng.integers(1, 4)))]
            packets += new
            link.send(new)
            link.wait(0)
        else:
            back += link.receive(min(200, len(b"".join(packets)) - len(back)) // WORD * WORD, 30)
        assert echo.writes == writes, turn
    back += link.receive(len(b"".join(packets)) - len(back), 30)
    assert back == b"".join(packets)
    assert echo.packets == packets
    assert (link.unsent(), link.received()) == (0, 0)


#: One frame in three, on average, does not come through as it was.
NOISES = {
    "none": Noise(),
    "flips": Noise(flip=0.002),
    "losses": Noise(lose=0.002),
    "additions": Noise(add=0.002),
    "all": Noise(0.0007, 0.0007, 0.0007),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise(name: str) -> None:
    """Hundreds of requests over a bad line: nothing is lost, comes twice or comes changed."""
    echo, rng = Echo(speed=300), random(6, list(NOISES).index(name))
    with paired(echo, WORD, CAPACITY) as line:
        noisy = NoisyLine(line, NOISES[name], rng)
        link = Link(lambda: noisy, repeat=0.005, timeout=20)
        _work(link, echo, rng, 300)
        assert link.repeats >= 50 or name == "none"


@pytest.mark.parametrize("noise", [Noise(cut=0.02), Noise(0.001, 0.001, 0.001, 0.01)])
def test_cuts(noise: Noise) -> None:
    """A connection that is cut again and again, also in the middle of a frame: it only takes longer."""
    echo, rng = Echo(speed=300), random(7)
    connections = 0

    def connect() -> Line:
        nonlocal connections
        connections += 1
        return NoisyLine(tcp("127.0.0.1", port)(), noise, rng)

    with served(echo, WORD, CAPACITY) as port:
        link = Link(connect, repeat=0.01, timeout=20)
        _work(link, echo, rng, 300)
        link.close()
    assert connections > 5


def test_server() -> None:
    """Whoever comes later takes over; only programs of this computer reach the server unless an address is given."""
    echo = Echo()
    with served(echo, WORD, CAPACITY) as port, ExitStack() as stack:
        first = Link(tcp("127.0.0.1", port), repeat=0.05, timeout=1)
        stack.callback(first.close)
        first.write(0, 1)
        second = Link(tcp("127.0.0.1", port), repeat=0.05, timeout=1)
        stack.callback(second.close)
        second.write(4, 2)
        with pytest.raises(LinkError, match=r"^the other end no longer knows this host"):
            first.write(8, 3)
        assert echo.writes == [(0, 1, 15), (4, 2, 15)]
    server = LinkServer(LinkServerEnd(echo, WORD, CAPACITY))
    assert server.address[0] == "127.0.0.1"
    server.stop()
    server.run()


def test_serial() -> None:
    """A serial line: here one end of a pseudo-terminal."""
    pytest.importorskip("serial")
    echo, rng = Echo(speed=300), random(8)
    far, near = pty.openpty()
    try:
        device = os.ttyname(near)
        line = SerialLine(device, 1_000_000)

        class Terminal:
            """The other end."""

            def read(self, timeout: float) -> bytes:
                return os.read(far, 4096)

            def write(self, data: bytes) -> None:
                os.write(far, data)

            def close(self) -> None:
                pass

        with beside(lambda: serve_line(LinkServerEnd(echo, WORD, CAPACITY), Terminal())):
            link = Link(lambda: line, repeat=0.2, timeout=10)
            _work(link, echo, rng, 100)
            link.close()
            os.close(near)
    finally:
        os.close(far)
    with pytest.raises(LinkError, match=r"^no answer to OPEN from the other end for 0\.1 s: .*/dev/none"):
        Link(serial_port("/dev/none"), repeat=0.05, timeout=0.1)
