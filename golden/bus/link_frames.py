"""Frames of the link, as docs/link.md has them: what both ends share."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

#: Version of the link.
VERSION = 2
#: Most bytes of segments in a request, and of output words in an answer.
LIMIT = 256
#: What an answer's kind is above its request's.
ANSWER = 0x80

#: What stands on both sides of a frame, and before a byte that is changed by `ESCAPED`.
FLAG, ESCAPE, ESCAPED = b"\x7e", b"\x7d", 0x20

_ESCAPES = re.compile(re.escape(ESCAPE) + b"(.)", re.DOTALL)
_HEADER, _CRC, _STATUS = struct.Struct("<HBB"), struct.Struct("<I"), struct.Struct("<BBH")
#: Bits of a status's first byte: result, version above it, interrupt highest.
_VERSION_AT, _INTERRUPT_AT = 3, 7
#: Shortest and longest frame without flags and escapes that a receiver looks at.
_SHORTEST = _HEADER.size + _CRC.size
_LONGEST = _SHORTEST + 263


class FrameKind(IntEnum):
    """Kinds of requests."""

    OPEN = 1
    READ = 2
    WRITE = 3
    STREAM = 4
    FLUSH = 5


class FrameResult(IntEnum):
    """What has become of a request."""

    OK = 0
    SLVERR = 1
    FULL = 2
    MALFORMED = 3
    CLOSED = 4
    FAILED = 5


@dataclass(frozen=True)
class Frame:
    """A request or an answer.

    Attributes
    ----------
    session, sequence : int
        To which session it belongs, and which request of it this is.
    kind : int
        A `FrameKind`, + `ANSWER` in an answer.
    body : bytes
        The rest.
    """

    session: int
    sequence: int
    kind: int
    body: bytes = b""

    def encode(self) -> bytes:
        """Write the frame as it goes over the line, with its flags."""
        content = _HEADER.pack(self.session, self.sequence, self.kind) + self.body
        content += _CRC.pack(zlib.crc32(content))
        for byte in (ESCAPE, FLAG):
            content = content.replace(byte, ESCAPE + bytes([byte[0] ^ ESCAPED]))
        return FLAG + content + FLAG


def _decode(escaped: bytes) -> Frame | None:
    """Read what stood between two flags; None where it is no frame."""
    if _ESCAPES.sub(b"", escaped).endswith(ESCAPE):
        return None
    content = _ESCAPES.sub(lambda found: bytes([found[1][0] ^ ESCAPED]), escaped)
    if not _SHORTEST <= len(content) <= _LONGEST:
        return None
    crc = content[-_CRC.size :]
    content = content[: -_CRC.size]
    if crc != _CRC.pack(zlib.crc32(content)):
        return None
    session, sequence, kind = _HEADER.unpack_from(content)
    return Frame(session, sequence, kind, content[_HEADER.size :])


class Decoder:
    """Finds the frames in a stream of bytes, and drops everything else."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; return the frames that are complete now."""
        *complete, rest = (self._rest + data).split(FLAG)
        # what is longer than a frame whose bytes are all escaped will never be one
        self._rest = rest[: 2 * _LONGEST + 1]
        frames = (_decode(escaped) for escaped in complete)
        return [frame for frame in frames if frame is not None]


class Status(NamedTuple):
    """What begins the body of every answer."""

    result: int
    interrupt: bool
    word: int
    room: int
    version: int = VERSION

    def encode(self) -> bytes:
        """Write it; room that does not fit its place becomes the largest that does."""
        first = self.result | self.version << _VERSION_AT | self.interrupt << _INTERRUPT_AT
        return _STATUS.pack(first, self.word, min(self.room, 0xFFFF))


def split_answer(body: bytes) -> tuple[Status, bytes]:
    """Split the body of an answer into its status and the rest."""
    first, word, room = _STATUS.unpack_from(body)
    low, interrupt = first & ((1 << _INTERRUPT_AT) - 1), bool(first >> _INTERRUPT_AT)
    status = Status(low & ((1 << _VERSION_AT) - 1), interrupt, word, room, low >> _VERSION_AT)
    return status, body[_STATUS.size :]


#: Most words of a segment.
_WORDS, _LAST = 127, 0x80


def cut_segment(packet: memoryview, word: int, room: int) -> tuple[bytes, memoryview]:
    """Cut the first segment off a packet.

    Parameters
    ----------
    packet : memoryview
        Bytes of a packet that are still to be sent.
    word : int
        Bytes of a word.
    room : int
        Most bytes of the segment, its own first byte included.

    Returns
    -------
    segment : bytes
        The segment; empty where no word has room.
    rest : memoryview
        What remains of the packet.
    """
    words = min(len(packet), room - 1) // word
    words = min(words, _WORDS)
    if words <= 0:
        return b"", packet
    part, rest = packet[: words * word], packet[words * word :]
    return bytes([words | (0 if len(rest) else _LAST)]) + part, rest


def segments(body: bytes, word: int) -> Iterator[tuple[bytes, bool]]:
    """Yield the words of every segment, and whether the last of them ends a packet.

    Raises
    ------
    ValueError
        If the body ends in the middle of a segment, or a segment is empty.
    """
    at = 0
    while at < len(body):
        size = (body[at] & _WORDS) * word
        data = body[at + 1 : at + 1 + size]
        if not size or len(data) < size:
            raise ValueError(f"a segment of {size} bytes in a body with {len(data)} left")
        yield data, bool(body[at] & _LAST)
        at += 1 + size
