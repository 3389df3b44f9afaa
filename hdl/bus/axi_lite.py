"""AXI4-Lite slave: five channels to one request and one answer at a time."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.bus.register_map import ADDRESS_BITS, DATA_BITS, WORD
from hdl.bus.register_bank import WORD_AT, AnswerLayout, RequestLayout
from hdl.lib.planes import wire

#: Responses of the bus.
OKAY, SLVERR = 0, 2


#: Ports of the bus: direction, width, meaning.
_PORTS = {
    "s_axi_awaddr": (In, ADDRESS_BITS, "Byte address of a write; the two low bits are ignored."),
    "s_axi_awprot": (In, 3, "Protection of a write, ignored."),
    "s_axi_awvalid": (In, 1, "The address of a write is offered."),
    "s_axi_awready": (Out, 1, "The address of a write is taken when it is offered."),
    "s_axi_wdata": (In, DATA_BITS, "What is written."),
    "s_axi_wstrb": (In, WORD, "Which bytes are written, one bit each, lowest first."),
    "s_axi_wvalid": (In, 1, "The data of a write are offered."),
    "s_axi_wready": (Out, 1, "The data of a write are taken when they are offered."),
    "s_axi_bresp": (Out, 2, "What became of a write: OKAY (0) or SLVERR (2)."),
    "s_axi_bvalid": (Out, 1, "The response to a write is offered."),
    "s_axi_bready": (In, 1, "The response to a write is taken when it is offered."),
    "s_axi_araddr": (In, ADDRESS_BITS, "Byte address of a read; the two low bits are ignored."),
    "s_axi_arprot": (In, 3, "Protection of a read, ignored."),
    "s_axi_arvalid": (In, 1, "The address of a read is offered."),
    "s_axi_arready": (Out, 1, "The address of a read is taken when it is offered."),
    "s_axi_rdata": (Out, DATA_BITS, "What was read."),
    "s_axi_rresp": (Out, 2, "What became of a read: OKAY (0) or SLVERR (2)."),
    "s_axi_rvalid": (Out, 1, "The response to a read is offered."),
    "s_axi_rready": (In, 1, "The response to a read is taken when it is offered."),
}


def axi_lite_ports() -> dict[str, wiring.Member]:
    """Ports on the side of the bus, for every block that has the slave inside."""
    return {name: direction(width) for name, (direction, width, _) in _PORTS.items()}


def axi_lite_meanings() -> dict[str, str]:
    """Meanings of the ports of `axi_lite_ports`."""
    return {name: meaning for name, (_, _, meaning) in _PORTS.items()}


class AxiLite(wiring.Component):
    """Makes requests of addresses and data, and responses of answers.

    Each of the three channels of the master takes one transfer ahead, in any order. An access begins when its response
    channel is free, so a response that is not taken holds up accesses of its own direction alone; reads and writes take
    turns when both can begin. All outputs come from registers.

    With a bank that answers in the cycle after the request, the response is valid 4 cycles after the cycle in which the
    last part of the access was taken, and accesses follow each other every 3 cycles.

    Attributes
    ----------
    s_axi_* : as in `axi_lite_ports`
        The bus.
    request : stream, out
        An access: number of its ``word``, ``data`` with one of ``strobes`` per byte, ``write``.
    answer : stream, in
        What becomes of it: ``data`` and ``error``; exactly one for every request.
    """

    def __init__(self) -> None:
        #: Meanings of the ports of the bus.
        self.meanings = axi_lite_meanings()
        super().__init__(
            {
                **axi_lite_ports(),
                "request": Out(stream.Signature(RequestLayout)),
                "answer": In(stream.Signature(AnswerLayout)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        request, answer = self.request, self.answer
        begin_read, begin_write = Signal(name="begin_read"), Signal(name="begin_write")
        wrote_last = Signal(name="wrote_last")
        # what a channel holds is the request's until that is taken
        requested = wire(m, "requested", request.valid & request.ready)
        address, have_address = self._taken_ahead(m, "aw", requested & wrote_last, "addr")
        written, have_data = self._taken_ahead(m, "w", requested & wrote_last, "data", "strb")
        read_address, have_read = self._taken_ahead(m, "ar", requested & ~wrote_last, "addr")

        # what can begin, and whose turn it is
        waiting = Signal(name="waiting")  # a request has been taken, its answer has not
        idle = wire(m, "idle", ~request.valid & ~waiting)
        can_write = wire(m, "can_write", have_address & have_data & (~self.s_axi_bvalid | self.s_axi_bready))
        can_read = wire(m, "can_read", have_read & (~self.s_axi_rvalid | self.s_axi_rready))
        m.d.comb += [
            begin_write.eq(idle & can_write & ~(can_read & wrote_last)),
            begin_read.eq(idle & can_read & ~(can_write & ~wrote_last)),
        ]
        m.d.comb += [
            request.payload.word.eq(Mux(request.payload.write, address["addr"], read_address["addr"])),
            request.payload.data.eq(written["data"]),
            request.payload.strobes.eq(written["strb"]),
            request.payload.write.eq(wrote_last),
        ]
        with m.If(begin_write | begin_read):
            m.d.sync += [request.valid.eq(1), wrote_last.eq(begin_write)]
        with m.If(requested):
            m.d.sync += [request.valid.eq(0), waiting.eq(1)]

        # responses; the channel of the access under way is free
        m.d.comb += answer.ready.eq(waiting)
        response = wire(m, "response", Mux(answer.payload.error, SLVERR, OKAY))
        with m.If(self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        with m.If(self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)
        with m.If(answer.valid & answer.ready):
            m.d.sync += waiting.eq(0)
            with m.If(request.payload.write):
                m.d.sync += [self.s_axi_bvalid.eq(1), self.s_axi_bresp.eq(response)]
            with m.Else():
                m.d.sync += [
                    self.s_axi_rvalid.eq(1),
                    self.s_axi_rresp.eq(response),
                    self.s_axi_rdata.eq(answer.payload.data),
                ]
        return m

    def _taken_ahead(self, m: Module, channel: str, requested: Value, *parts: str) -> tuple[dict[str, Signal], Signal]:
        """Hold one transfer of a channel until the request of its access is taken; return its parts, and if held."""
        valid, ready = getattr(self, f"s_axi_{channel}valid"), getattr(self, f"s_axi_{channel}ready")
        have = Signal(name=f"have_{channel}")
        accept = wire(m, f"accept_{channel}", valid & ready)
        stays = wire(m, f"stays_{channel}", accept | have & ~requested)
        # not the inverse of `have` alone: nothing is taken during reset
        m.d.sync += [have.eq(stays), ready.eq(~stays)]
        kept = {}
        for part in parts:
            port = getattr(self, f"s_axi_{channel}{part}")[WORD_AT if part == "addr" else 0 :]
            kept[part] = Signal(len(port), name=f"{channel}{part}")
            with m.If(accept):
                m.d.sync += kept[part].eq(port)
        return kept, have
