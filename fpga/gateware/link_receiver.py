"""The receiver of the link's responder: takes a frame from the line, and decides what to do with the request in it."""

from amaranth.hdl import Module, Mux, Signal, Value

from fpga.gateware.link_state import LinkState
from golden.bus.link_frames import ESCAPE, FLAG, VERSION, FrameKind

#: Bytes of the body of OPEN.
_OPENING = 1


def receive(m: Module, link: LinkState, received: Value, is_open: Signal) -> None:
    """Build the states from LISTEN to DECIDE.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    link : LinkState
        What the parts share.
    received : Value
        A byte has come from the line.
    is_open : Signal(1)
        A host has opened a session; assigned here.
    """
    _listen(m, link, received)
    _compare(m, link)
    _decide(m, link, is_open)


def _listen(m: Module, link: LinkState, received: Value) -> None:
    """Take a frame from the line."""
    state, go = link.states.state, link.states.go
    frame, byte, crc, request = link.frame, link.byte, link.crc, link.request
    at, data = frame.at, byte.data
    # the body may have 263 bytes; of a frame without a whole header the address has not come to 0 yet
    long = at[8] & ~at[7] & at[3]
    whole = ~at[8] | (~at[7] & ~at[3])
    with state("LISTEN"):
        m.d.comb += byte.take.eq(received)
        with m.If(received):
            go("BYTE")
    with state("BYTE"):
        go("LISTEN")
        with m.If(data == FLAG[0]):
            m.d.comb += frame.restart.eq(1)
            m.d.sync += [request.left.eq(at), link.escape.eq(0)]
            m.d.sync += [request.same.eq(1), request.accepted.eq(0), request.refused.eq(0)]
            m.d.comb += crc.clear.eq(1)
            with m.If(crc.good & whole & ~link.escape):
                go("HEADER")
        with m.Elif((data == ESCAPE[0]) & ~link.escape):
            m.d.sync += link.escape.eq(1)
        with m.Else():
            m.d.comb += byte.change.eq(link.escape)
            m.d.sync += link.escape.eq(0)
            go("STORE")
    with state("STORE"):
        m.d.comb += [frame.write.en.eq(~long), byte.shift.eq(1)]
        m.d.comb += frame.advance.eq(~long)
        go("LISTEN")


def _compare(m: Module, link: LinkState) -> None:
    """Compare a request's header with that of the last one; of one that is accepted, keep it."""
    state, go = link.states.state, link.states.go
    frame, request = link.frame, link.request
    at, data, kept = frame.at, link.byte.data, frame.read.data
    equal = Signal(name="equal")
    m.d.comb += equal.eq(kept == data)
    with state("HEADER"):
        go("HEADER_HERE")
    with state("HEADER_HERE"):
        m.d.comb += [frame.kept.eq(1), link.byte.load.eq(1)]
        go("HEADER_KEPT")
    with state("HEADER_KEPT"):
        m.d.comb += [frame.kept.eq(1), frame.write.en.eq(request.accepted), frame.advance.eq(1)]
        go("HEADER")
        with m.If(~at[1]):
            m.d.sync += request.same.eq(request.same & equal)
        with m.Elif(~at[0]):
            m.d.sync += [request.repeated.eq(equal), request.following.eq((kept + 1)[:8] == data)]
        with m.Else():
            go("BODY_FIRST")
            with m.If(request.accepted):
                go("EXECUTE")


def _decide(m: Module, link: LinkState, is_open: Signal) -> None:
    """Decide whether to do a request, to answer it, or to drop it."""
    state, go = link.states.state, link.states.go
    frame, request, data = link.frame, link.request, link.byte.data
    with state("BODY_FIRST"):
        m.d.sync += request.kind.eq(Mux(data[3:7].any(), 0, data))
        go("DECIDE")
    with state("DECIDE"):
        m.d.comb += frame.restart.eq(1)
        go("LISTEN")
        with m.If(~data[7]):
            with m.If(request.kind == FrameKind.OPEN):
                understood = (request.left == _OPENING) & (frame.read.data == VERSION)
                m.d.sync += [request.refused.eq(~understood), is_open.eq(is_open | understood)]
                m.d.sync += request.accepted.eq(understood)
                go("ANSWER")
                with m.If(understood):
                    go("HEADER")
            with m.Elif(~is_open | ~request.same):
                m.d.sync += request.refused.eq(1)
                go("ANSWER")
            with m.Elif(request.repeated):
                go("ANSWER")
            with m.Elif(request.following):
                m.d.sync += request.accepted.eq(1)
                go("HEADER")
