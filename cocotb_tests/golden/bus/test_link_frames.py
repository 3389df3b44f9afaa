"""Frames of the link: their bytes, and what noise makes of them."""

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import random
from golden.bus.link_frames import Decoder, Frame, FrameKind, Status, cut_segment, segments, split_answer


def _written(session: int, sequence: int, kind: int, body: bytes) -> bytes:
    """Write a frame as docs/link.md says, bit by bit."""
    content = bytes([session & 0xFF, session >> 8, sequence, kind]) + body
    crc = 0xFFFFFFFF
    for byte in content:
        for bit in range(8):
            crc = crc >> 1 ^ 0xEDB88320 * (crc & 1 ^ byte >> bit & 1)
    crc ^= 0xFFFFFFFF
    line = b""
    for byte in content + bytes(crc >> shift & 0xFF for shift in (0, 8, 16, 24)):
        line += bytes([0x7D, byte ^ 0x20]) if byte in (0x7E, 0x7D) else bytes([byte])
    return b"\x7e" + line + b"\x7e"


def _frame(rng: np.random.Generator) -> Frame:
    special = rng.integers(3) == 0
    size = int(rng.integers(0, 263))
    body = bytes(rng.choice([0x7D, 0x7E, 0x5D, 0x5E], size).astype(np.uint8)) if special else rng.bytes(size)
    return Frame(int(rng.integers(1 << 16)), int(rng.integers(256)), int(rng.integers(256)), body)


def test_frames() -> None:
    """The bytes of a frame, by hand and by chance; a decoder finds it whatever pieces it comes in."""
    assert Frame(0x1234, 7, FrameKind.READ, b"\x10\x00").encode().hex(" ") == "7e 34 12 07 02 10 00 7c de 98 e0 7e"
    rng = random(1)
    frames = [_frame(rng) for _ in range(200)]
    line = b""
    for frame in frames:
        assert frame.encode() == _written(frame.session, frame.sequence, frame.kind, frame.body)
        line += frame.encode()
    decoder, found = Decoder(), []
    while line:
        size = int(rng.integers(1, 400))
        found += decoder.feed(line[:size])
        line = line[size:]
    assert found == frames


def test_garbage() -> None:
    """A frame is found behind anything; nothing else is."""
    rng = random(2)
    decoder = Decoder()
    for size in (0, 1, 7, 100, 5000):
        for _ in range(20):
            frame = _frame(rng)
            assert decoder.feed(rng.bytes(size)) == []
            assert decoder.feed(frame.encode()) == [frame]


def test_lengths() -> None:
    """The longest frame there is passes, a longer one and one without a kind do not."""
    longest = Frame(1, 1, 1, bytes(263))
    assert Decoder().feed(longest.encode()) == [longest]
    assert Decoder().feed(Frame(1, 1, 1, bytes(264)).encode()) == []
    assert Decoder().feed(b"\x7e\x00\x00\x00\x00\x00\x00\x00\x7e\x7e\x7e") == []


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_damage(bits: int) -> None:
    """Flipped bits and lost bytes never make another frame."""
    rng = random(3, bits)
    for _ in range(300):
        frame = _frame(rng)
        whole = np.frombuffer(frame.encode(), np.uint8)
        damaged = whole.copy()
        for place in rng.integers(0, 8 * len(whole), bits):
            damaged[place // 8] ^= 1 << place % 8
        lost = np.delete(whole, rng.integers(1, len(whole) - 1, bits))
        for line in (damaged, lost):
            found = Decoder().feed(b"\x7e" + line.tobytes() + b"\x7e")
            assert found in ([], [frame])


def test_segments() -> None:
    """Packets cut into segments and put together again; no segment has more than its room or 127 words."""
    rng = random(4)
    for _ in range(200):
        word = int(rng.integers(1, 17))
        packets = [rng.bytes(word * int(rng.integers(1, 300))) for _ in range(int(rng.integers(1, 5)))]
        found, partial = [], b""
        for packet in packets:
            rest = memoryview(packet)
            while len(rest):
                room = int(rng.integers(0, 3000))
                segment, rest = cut_segment(rest, word, room)
                assert len(segment) <= room
                for data, last in segments(segment, word):
                    assert 1 <= len(data) // word <= 127
                    partial += data
                    if last:
                        found.append(partial)
                        partial = b""
        assert found == packets
    for body in (b"\x00", b"\x80", b"\x02ab", b"\x01abcd\x01"):
        with pytest.raises(ValueError, match=r"^a segment of \d+ bytes in a body with \d+ left$"):
            list(segments(body, 4))


def test_status() -> None:
    """What begins every answer."""
    assert Status(3, True, 8, 1 << 20).encode() == bytes([0x80 | 2 << 3 | 3, 8, 0xFF, 0xFF])
    status, rest = split_answer(bytes([0x7C, 1, 2, 3]) + b"rest")
    assert (status, rest) == (Status(4, False, 1, 0x302, 15), b"rest")


def test_escapes() -> None:
    """Whatever 0x7D stands before is changed; before a flag it makes a frame invalid."""
    frame = Frame(0x7D7D, 0x5D, 3, b"\x11\x7d")
    assert Decoder().feed(frame.encode()) == [frame]
    plain = frame.encode()
    assert Decoder().feed(plain.replace(b"\x11", b"\x7d\x31")) == [frame]
    assert Decoder().feed(plain.replace(b"\x5d\x03", b"\x7d\x7d\x03")) == [frame]
    assert Decoder().feed(plain[:-1] + b"\x7d\x7e") == []
