"""The link responder in hardware against its twin in Python: the same bytes over the pins, answer for answer."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.fpga.loopback_transport import Echo
from cocotb_tests.fpga.loopback_verilog import write_echo_board
from fpga.gateware.buffers import INPUT_BYTES
from fpga.host.link_server import LinkServerEnd
from fpga.host.simulated_board import SimulatedBoard
from golden.bus.link_frames import VERSION, Decoder, Frame, FrameKind, FrameResult, split_answer
from golden.bus.transport import BusError
from golden.input_buffer import word_bytes

#: Lanes per word: words of 1, 3, 4 and 16 bytes.
GROUPS = (2, 10, 16, 64)
#: First address without a register.
END = 0x108
#: Cycles in which the longest request and its answer go over the line, of 4 cycles a bit.
_LONG = 80_000


@pytest.fixture(scope="module", params=GROUPS)
def word(request: pytest.FixtureRequest) -> int:
    """Bytes of a word."""
    return word_bytes(request.param)


Open = Callable[..., SimulatedBoard]


@pytest.fixture(scope="module")
def opened(word: int, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens a board with a module that echoes."""
    group = next(group for group in GROUPS if word_bytes(group) == word)
    folder = write_echo_board(tmp_path_factory.mktemp("board") / "verilog", group)
    return lambda **options: SimulatedBoard(folder, quick=True, **options)


class _Line:
    """The pins of a board as a line."""

    def __init__(self, board: SimulatedBoard) -> None:
        self._board = board

    def read(self, timeout: float) -> bytes:
        return self._board.run(_LONG)

    def write(self, data: bytes) -> None:
        self._board.send(data)

    def close(self) -> None:
        pass


class _Twin(Echo):
    """What the echo in Verilog does, whose words come back between two requests."""

    def __init__(self) -> None:
        super().__init__()
        self._memory: dict[int, int] = {}

    def read(self, address: int) -> int:
        if address >= END:
            raise BusError("read", address)
        return self._memory.get(address >> 2, 0)

    def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        if address >= END:
            raise BusError("write", address)
        mask = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
        self._memory[address >> 2] = self._memory.get(address >> 2, 0) & ~mask | value & mask

    def wait(self, timeout: float) -> bool:
        return False

    def pause(self) -> None:
        """Let all words come back."""
        super().wait(0)


class _Requests:
    """Random requests, most of them of the session and next in order."""

    def __init__(self, rng: np.random.Generator, word: int) -> None:
        self.rng, self._word = rng, word
        self.session, self.sequence = 7, 0
        self.last = Frame(7, 0, FrameKind.OPEN, bytes([VERSION]))

    def _body(self, kind: int) -> bytes:
        rng = self.rng
        if rng.random() < 0.15:
            return rng.bytes(int(rng.integers(0, 12)))  # most have no meaning
        if kind == FrameKind.READ:
            return self._address()
        if kind == FrameKind.WRITE:
            return self._address() + rng.bytes(5)
        if kind == FrameKind.OPEN:
            return bytes([VERSION])
        if kind == FrameKind.STREAM and rng.random() < 0.05:
            return _too_many(self._word)
        # the last one ends a packet: the twin keeps what does not
        body = b""
        while kind == FrameKind.STREAM and rng.random() < 0.8:
            words = int(rng.integers(1, max(2, min(127, 120 // self._word))))
            segment = bytes([words | 0x80 * int(rng.integers(2) or not body)]) + rng.bytes(words * self._word)
            if len(body) + len(segment) > 200:
                break
            body = segment + body
        return body

    def _address(self) -> bytes:
        """Make an address of memory, or of nothing; the high bits of it mean nothing."""
        rng = self.rng
        address = int(rng.integers(0x100)) if rng.random() < 0.8 else int(rng.integers(END, 0x400))
        return (address | int(rng.integers(64)) << 10).to_bytes(2, "little")

    def next(self) -> Frame:
        """Make one more."""
        rng, choice = self.rng, self.rng.random()
        if choice < 0.15:
            return self.last
        kind = int(rng.choice([1, 2, 3, 4, 4, 4, 5, 6, 7, 8, 0x84], p=[0.03, 0.2, 0.2, *[0.15] * 3, *[0.024] * 5]))
        session, sequence = self.session, (self.sequence + 1) % 256
        if kind == FrameKind.OPEN:
            session, sequence = int(rng.integers(1 << 16)), 0
        elif choice < 0.2:
            session ^= 1 << int(rng.integers(16))
        elif choice < 0.25:
            sequence = int(rng.integers(256))
        request = Frame(session, sequence, kind, self._body(kind))
        if kind == FrameKind.OPEN and request.body == bytes([VERSION]):
            self.session, self.sequence, self.last = session, 0, request
        elif kind < 0x80 and session == self.session and sequence == (self.sequence + 1) % 256:
            self.sequence, self.last = sequence, request
        return request


def _too_many(word: int) -> bytes:
    """Make segments of more words than there can be room for, if a request can have so many."""
    body, left = b"", INPUT_BYTES // word + 1
    while left:
        words = min(left, 127)
        body += bytes([words]) + bytes(words * word)
        left -= words
    return body if len(body) <= 263 else b""


def _ask(board: SimulatedBoard, decoder: Decoder, request: Frame) -> Frame | None:
    """Send a request over the pins; give the answer, and let words that have room pass through."""
    board.send(request.encode())
    found = decoder.feed(board.run(_LONG))
    board.run(3000)
    assert len(found) <= 1
    return found[0] if found else None


def _equal(found: Frame | None, expected: Frame | None) -> bool:
    """Compare but for the interrupt, which the twin's echo has not, and room that words have left by passing on."""
    if found is None or expected is None:
        return found is expected
    status, rest = split_answer(found.body)
    other, others = split_answer(expected.body)
    assert other.room <= status.room <= INPUT_BYTES
    frames = (replace(frame, body=b"") for frame in (found, expected))
    return (
        len(set(frames)) == 1
        and rest == others
        and status == other._replace(room=status.room, interrupt=status.interrupt)
    )


def test_twins(opened: Open, word: int) -> None:
    """Hundreds of requests, good and bad, new and repeated: every answer is the twin's, byte for byte."""
    board, rng = opened(), random(30, word)
    echo = _Twin()
    twin, requests, decoder = LinkServerEnd(echo, word, INPUT_BYTES), _Requests(rng, word), Decoder()
    results: set[int] = set()
    for number in range(600):
        request = requests.last if number == 0 else requests.next()
        expected = twin.answer(request)
        echo.pause()
        found = _ask(board, decoder, request)
        assert _equal(found, expected), (number, request, found, expected)
        if expected is not None:
            results.add(split_answer(expected.body)[0].result)
    assert board.violations == 0
    assert results >= {
        FrameResult.OK,
        FrameResult.SLVERR,
        FrameResult.MALFORMED,
        FrameResult.CLOSED,
        *[FrameResult.FULL] * (word <= 4),
    }
    board.close()
