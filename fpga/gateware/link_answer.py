"""The part of the link's responder that answers: flag, header and status, what was asked for, CRC, flag."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from fpga.gateware.link_state import LinkState
from golden.bus.link_frames import ANSWER, ESCAPE, ESCAPED, FLAG, VERSION, FrameKind, FrameResult
from golden.bus.register_map import DATA_BITS

_FLAG, _ESCAPE = FLAG[0], ESCAPE[0]
#: Which byte of a header is the kind.
_KIND = 3


def answer(m: Module, link: LinkState, ports: Any, high: Signal) -> None:
    """Build the states from ANSWER to NEXT.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    link : LinkState
        What the parts share.
    ports : LinkResponder
        The line, and the master of the registers.
    high : Signal(1)
        High bit of the room when its low byte is sent; assigned here.
    """
    _send(m, link, ports)
    _sent(m, link, ports)
    with link.states.state("NEXT"):
        m.d.comb += [link.byte.shift.eq(1), link.byte.load.eq(1)]
        m.d.sync += link.inside.eq(1)
        with m.If(~link.frame.at[0]):
            m.d.sync += high.eq(link.input.room[8])
        link.states.go("SEND")


def _send(m: Module, link: LinkState, ports: Any) -> None:
    """Offer a byte to the line, behind an escape where it would be a flag or an escape."""
    state, go = link.states.state, link.states.go
    data, inside, crc = link.byte.data, link.inside, link.crc
    with state("ANSWER"):
        m.d.comb += [crc.clear.eq(1), link.frame.restart.eq(1)]
        go("SEND")
    with state("SEND"):
        special = inside & ~link.escape & ((data == _FLAG) | (data == _ESCAPE))
        changed = data ^ Mux(link.escape, ESCAPED, 0)
        m.d.comb += [
            crc.plain.eq(link.ending),
            ports.bytes.valid.eq(~link.byte.shifting),
            ports.bytes.payload.eq(Mux(inside & ~special, changed, Mux(special, _ESCAPE, _FLAG))),
        ]
        with m.If(ports.bytes.ready & ports.bytes.valid):
            m.d.sync += link.escape.eq(special)
            with m.If(~special):
                m.d.comb += link.frame.advance.eq(inside)
                go("SENT")


def _sent(m: Module, link: LinkState, ports: Any) -> None:
    """Go on to the next part of the answer where one has ended; meanwhile the memories answer."""
    go, request, frame, out = link.states.go, link.request, link.frame, link.output
    at, inside, asked, ending = frame.at, link.inside, link.asked, link.ending
    streams = request.streams
    with link.states.state("SENT"):
        m.d.comb += out.read.eq(1)
        go("NEXT")
        with m.If(ending):
            with m.If(~inside):
                m.d.comb += [link.crc.clear.eq(1), frame.restart.eq(1)]
                m.d.sync += ending.eq(0)
                go("LISTEN")
            with m.Elif(at[2]):
                m.d.sync += inside.eq(0)
                go("SEND")
        with m.Elif(asked), m.If(Mux(streams, at == out.end, at[2])):
            m.d.comb += frame.restart.eq(1)
            m.d.sync += [asked.eq(0), ending.eq(1)]
        with m.Elif(~at[8]):
            gives = ~request.refused & (streams | (request.kind == FrameKind.READ) & ports.m_axi_rvalid)
            m.d.sync += [asked.eq(gives), ending.eq(~gives)]
            m.d.comb += [frame.restart.eq(~gives), frame.jump.eq(streams)]
            go("SENT")


def source(link: LinkState, ports: Any, high: Signal) -> Value:
    """Give the byte of a request or an answer that stands at the address; arguments as of `answer`."""
    at, inside, request = link.frame.at, link.inside, link.request
    header = link.frame.read.data | Mux(inside & (at[:2] == _KIND), ANSWER, 0)
    slverr = (ports.m_axi_rvalid & ports.m_axi_rresp[1]) | (ports.m_axi_bvalid & ports.m_axi_bresp[1])
    done = Mux(request.malformed, FrameResult.MALFORMED, Mux(request.full, FrameResult.FULL, slverr))
    refusal = Mux(request.kind == FrameKind.OPEN, FrameResult.MALFORMED, FrameResult.CLOSED)
    status = Array(
        [
            Cat(Mux(request.refused, refusal, done)[:3], Const(VERSION, 4), ports.irq),
            Const(link.word, 8),
            link.input.room[:8],
            high,
        ]
    )[at[:2]]
    asked = Mux(request.streams, link.output.data, ports.m_axi_rdata.word_select(at[:2], 8))
    inverse = ~link.crc.value[-DATA_BITS:][:8]
    return Mux(link.ending, inverse, Mux(link.asked, asked, Mux(inside & at[2], status, header)))
