"""What the parts of the link's responder share: a frame's memory, the byte under way, what is known of a request."""

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import memory

from fpga.gateware.buffers import LinkInputBuffer, LinkOutputBuffer
from fpga.gateware.crc import Crc
from fpga.gateware.states import States
from golden.bus.link_frames import ESCAPED, FrameKind
from hdl.lib.ram_pipeline import APART

#: Bytes of the memory for a frame.
FRAME_BYTES = 512
#: Where in it a frame begins, so that the address counts the body's bytes when the CRC has come; bit of the address
#: that leads to where the header of the last request is kept.
_START, _KEPT = FRAME_BYTES - 8, 4
#: Bit of a byte that an escape changes.
_ESCAPED = ESCAPED.bit_length() - 1
#: States of the receiver, first those that listen; of the executor; of the part that answers.
_STATES = (
    *("LISTEN", "BYTE", "STORE"),
    *("HEADER", "HEADER_HERE", "HEADER_KEPT", "BODY_FIRST", "DECIDE"),
    *("EXECUTE", "BODY", "BODY_HERE", "BUS"),
    *("ANSWER", "SEND", "SENT", "NEXT"),
)


class FrameMemory:
    """Keeps a frame, and the header of the last request; counts the bytes of a frame, or of output.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    first : Value
        Where `jump` leads.

    Attributes
    ----------
    at : Signal
        Address.
    advance, restart, jump : Signal(1)
        Go to the next byte, to where a frame begins, or to the first byte of output.
    kept : Signal(1)
        Read or write the header of the last request in the place of the frame's.
    read, write : memory port
        The memory; what is read is there in the next cycle.
    """

    def __init__(self, m: Module, first: Value) -> None:
        m.submodules.frame = frame = memory.Memory(shape=unsigned(8), depth=FRAME_BYTES, init=[], attrs=APART)
        self.read, self.write = frame.read_port(), frame.write_port()
        self.at = at = Signal(range(FRAME_BYTES), init=_START, name="at")
        self.advance, self.restart, self.jump = (Signal(name=n) for n in ("advance", "restart", "jump"))
        with m.If(self.restart):
            m.d.sync += at.eq(_START)
        with m.Elif(self.jump):
            m.d.sync += at.eq(first)
        with m.Elif(self.advance):
            m.d.sync += at.eq(at + 1)
        self.kept = Signal(name="kept")
        for port in (self.read, self.write):
            m.d.comb += port.addr.eq(at ^ (self.kept << _KEPT))
        # not in one cycle, see `fpga.gateware.buffers`
        m.d.comb += self.read.en.eq(~self.write.en)


class ByteRegister:
    """Holds the byte under way. It goes through the CRC's register in eight cycles, and turns round in its own.

    Attributes
    ----------
    data : Signal(8)
        The byte.
    take, load : Signal(1)
        Take a byte of the line; load one of a frame or of an answer.
    change : Signal(1)
        Change the bit that an escape changes.
    shift : Signal(1)
        Begin to shift.
    shifting : Value
        It shifts.
    """

    def __init__(self) -> None:
        self.data = Signal(8, name="data", reset_less=True)
        self.take, self.change, self.load = (Signal(name=n) for n in ("take", "change", "load"))
        self._bits, self.shift = Signal(4, name="bits"), Signal(name="shift")
        self.shifting = self._bits[3]

    def build(self, m: Module, crc: Crc, received: Value, source: Value) -> None:
        """Connect it to the CRC, the line's byte, and the byte that `load` loads."""
        data, bits = self.data, self._bits
        with m.If(self.take):
            m.d.sync += data.eq(received)
        with m.Elif(self.load):
            m.d.sync += data.eq(source)
        with m.Elif(self.shifting):
            m.d.sync += [bits.eq(bits + 1), data.eq(data.rotate_right(1))]
        with m.If(self.change):
            m.d.sync += data[_ESCAPED].eq(~data[_ESCAPED])
        with m.If(self.shift):
            m.d.sync += bits.eq(8)
        m.d.comb += [crc.step.eq(self.shifting), crc.bit.eq(data[0])]


class LinkRequest:
    """What is known of a request.

    Attributes
    ----------
    kind : Signal
        Its kind, 0 for one that is none.
    left : Signal
        Bytes of its body that are left.
    same, repeated, following : Signal(1)
        Its session is the last request's; its sequence number is, or is the next.
    accepted : Signal(1)
        It is new, and will be done.
    refused : Signal(1)
        It will not be done; full, malformed: it could not be done, for lack of room, or as it has no meaning.
    full, malformed : Signal(1)
        See `refused`.
    """

    def __init__(self) -> None:
        self.kind = Signal(3, name="kind", reset_less=True)
        self.left = Signal(range(FRAME_BYTES), name="left", reset_less=True)
        self.same, self.repeated, self.following = (Signal(name=n) for n in ("same", "repeated", "following"))
        self.accepted, self.refused = Signal(name="accepted"), Signal(name="refused")
        self.full, self.malformed = Signal(name="full"), Signal(name="malformed")

    @property
    def streams(self) -> Value:
        """It carries words of the streams."""
        return self.kind == FrameKind.STREAM


class LinkState:
    """All of it, with the CRC, the buffers and the state machine.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    word : int
        Bytes of a stream word.

    Attributes
    ----------
    word : int
        Bytes of a stream word.
    input, output, crc, frame, byte, request, states
        The parts.
    escape : Signal(1)
        The byte before was an escape.
    inside, asked, ending : Signal(1)
        Of an answer: beyond its flag, in what was asked for, in its CRC.
    """

    def __init__(self, m: Module, word: int) -> None:
        self.word = word
        m.submodules.input = self.input = LinkInputBuffer(word)
        m.submodules.output = self.output = LinkOutputBuffer(word)
        m.submodules.crc = self.crc = Crc(behind=8 + 16)
        self.frame, self.byte, self.request = FrameMemory(m, self.output.first), ByteRegister(), LinkRequest()
        self.escape = Signal(name="escape")
        self.inside, self.asked, self.ending = (Signal(name=n) for n in ("inside", "asked", "ending"))
        m.d.comb += [self.output.address.eq(self.frame.at), self.frame.write.data.eq(self.byte.data)]
        self.states = States(m, *_STATES)
