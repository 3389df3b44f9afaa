"""The executor of the link's responder: does a new request, on the bus or on the buffers of the streams."""

from typing import Any

from amaranth.hdl import Module, Signal, Value

from fpga.gateware.link_state import LinkState
from golden.bus.link_frames import FrameKind
from golden.bus.register_map import ADDRESS_BITS, DATA_BITS, WORD

#: Bytes of the bodies of READ and WRITE.
_READING, _WRITING = 2, 7


class _Segment:
    """The segment of words under way in the body of a STREAM.

    Attributes
    ----------
    words, last : Signal
        Words that are left, and whether the last of them ends a packet.
    lane : Signal
        Byte of a word.
    whole : Value
        It is the word's last.
    """

    def __init__(self, word: int) -> None:
        self.words, self.last = Signal(7, name="words", reset_less=True), Signal(name="last", reset_less=True)
        self.lane = Signal(range(word), name="lane")
        self.whole: Value = self.lane == word - 1


def execute(m: Module, link: LinkState, bus: Any) -> None:
    """Build the states from EXECUTE to BUS.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    link : LinkState
        What the parts share.
    bus : LinkResponder
        Master of the registers.
    """
    segment = _Segment(link.word)
    m.d.comb += [
        link.input.data.eq(link.frame.read.data),
        link.input.last.eq(segment.last & (segment.words == 1) & segment.whole),
    ]
    _begin(m, link, bus, segment)
    _body(m, link, bus, segment)
    _byte(m, link, segment)
    with link.states.state("BUS"), m.If(bus.m_axi_rvalid | bus.m_axi_bvalid):
        link.states.go("ANSWER")


def connect_bus(m: Module, link: LinkState, bus: Any) -> None:
    """Connect the registers: what a request says of an access has gone through the CRC's register."""
    value = link.crc.value
    m.d.comb += [
        # of two bytes, and of seven
        bus.m_axi_araddr.eq(value[-16:][:ADDRESS_BITS]),
        bus.m_axi_awaddr.eq(value[:ADDRESS_BITS]),
        bus.m_axi_wstrb.eq(value[16 : 16 + WORD]),
        bus.m_axi_wdata.eq(value[-DATA_BITS:]),
    ]
    for channel in ("ar", "aw", "w"):
        valid = getattr(bus, f"m_axi_{channel}valid")
        with m.If(getattr(bus, f"m_axi_{channel}ready")):
            m.d.sync += valid.eq(0)


def _begin(m: Module, link: LinkState, bus: Any, segment: _Segment) -> None:
    """Begin a request."""
    go, request, into, out = link.states.go, link.request, link.input, link.output
    left = request.left
    with link.states.state("EXECUTE"):
        # what the last answer was made of is not needed any more
        m.d.comb += [bus.m_axi_rready.eq(1), bus.m_axi_bready.eq(1), out.release.eq(1)]
        m.d.sync += [request.full.eq(0), request.malformed.eq(0), segment.words.eq(0), segment.lane.eq(0)]
        go("BODY")
        with m.Switch(request.kind):
            with m.Case(FrameKind.STREAM):
                pass
            with m.Case(FrameKind.READ):
                m.d.sync += request.malformed.eq(left != _READING)
            with m.Case(FrameKind.WRITE):
                m.d.sync += request.malformed.eq(left != _WRITING)
            with m.Case(FrameKind.OPEN):
                m.d.comb += [into.flush.eq(1), out.flush.eq(1)]
                go("ANSWER")
            with m.Case(FrameKind.FLUSH):
                m.d.comb += [into.flush.eq(left == 0), out.flush.eq(left == 0)]
                m.d.sync += request.malformed.eq(left != 0)
                go("ANSWER")
            with m.Default():
                m.d.sync += request.malformed.eq(1)
                go("ANSWER")


def _body(m: Module, link: LinkState, bus: Any, segment: _Segment) -> None:
    """Go on with the body; at its end, commit words or begin an access."""
    go, request, into, out = link.states.go, link.request, link.input, link.output
    with link.states.state("BODY"):
        m.d.comb += link.crc.plain.eq(1)
        with m.If(request.malformed):
            m.d.comb += into.rewind.eq(1)
            go("ANSWER")
        with m.Elif(~link.byte.shifting):
            go("BODY_HERE")
            with m.If(request.left == 0):
                go("BUS")
                with m.If(request.streams):
                    go("ANSWER")
                    with m.If(segment.words == 0):
                        m.d.comb += [into.commit.eq(1), out.grant.eq(1)]
                    with m.Else():
                        m.d.sync += request.malformed.eq(1)
                        m.d.comb += into.rewind.eq(1)
                with m.Elif(request.kind == FrameKind.READ):
                    m.d.sync += bus.m_axi_arvalid.eq(1)
                with m.Else():
                    m.d.sync += [bus.m_axi_awvalid.eq(1), bus.m_axi_wvalid.eq(1)]


def _byte(m: Module, link: LinkState, segment: _Segment) -> None:
    """Take a byte of the body: to the CRC's register, or to the buffer of the streams."""
    go, request, into, data = link.states.go, link.request, link.input, link.frame.read.data
    with link.states.state("BODY_HERE"):
        m.d.comb += [link.byte.load.eq(1), link.frame.advance.eq(1)]
        m.d.sync += request.left.eq(request.left - 1)
        go("BODY")
        with m.If(~request.streams):
            m.d.comb += link.byte.shift.eq(1)
        with m.Elif(segment.words == 0):
            m.d.sync += [segment.words.eq(data), segment.last.eq(data[7])]
            m.d.sync += request.malformed.eq(data[:7] == 0)
        with m.Elif(into.full):
            m.d.comb += into.rewind.eq(1)
            m.d.sync += request.full.eq(1)
            go("ANSWER")
        with m.Else():
            m.d.comb += into.write.eq(1)
            m.d.sync += segment.lane.eq(segment.lane + 1)
            with m.If(segment.whole):
                m.d.sync += [segment.lane.eq(0), segment.words.eq(segment.words - 1)]
