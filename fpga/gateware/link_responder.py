"""The responder at the board's end of the link of docs/link.md (twin of `fpga/host/link_server.py`)."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.gateware.link_answer import answer, source
from fpga.gateware.link_executor import connect_bus, execute
from fpga.gateware.link_receiver import receive
from fpga.gateware.link_state import LinkState
from hdl.bus.axi_lite import axi_lite_ports
from hdl.bus.framer import packet_layout


class LinkResponder(wiring.Component):
    """Answers requests; one master of the registers, one buffer before and behind the streams of the machine.

    A frame is kept in a memory until its CRC is known to be right. What comes while a request is worked on is dropped.
    A response of the bus is not taken before the next request, so that a repeated answer finds it there.

    Parameters
    ----------
    word : int
        Bytes of a stream word.

    Attributes
    ----------
    byte : Signal(8), in
        A byte from the line.
    received : Signal(1), in
        It has come in this cycle.
    bytes : stream, out
        Bytes to the line.
    m_axi_* : as in `axi_lite_ports`, seen from the other side
        The registers.
    input : stream, out
        Words for the machine, and which of them ends a packet.
    output : stream, in
        Words from the machine.
    irq : Signal(1), in
        The interrupt.
    open : Signal(1), out
        A host has opened a session.
    """

    def __init__(self, word: int) -> None:
        self._word = word
        self._ports = {name.replace("s_axi", "m_axi"): port.flip() for name, port in axi_lite_ports().items()}
        super().__init__(
            {
                "byte": In(8),
                "received": In(1),
                "bytes": Out(stream.Signature(8)),
                **self._ports,
                "input": Out(stream.Signature(packet_layout(8 * word))),
                "output": In(stream.Signature(8 * word)),
                "irq": In(1),
                "open": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        link, high = LinkState(m, self._word), Signal(name="high")
        wiring.connect(m, wiring.flipped(self.input), link.input.words)
        wiring.connect(m, wiring.flipped(self.output), link.output.words)
        link.byte.build(m, link.crc, self.byte, source(link, self, high))
        connect_bus(m, link, self)
        receive(m, link, self.received, self.open)
        execute(m, link, self)
        answer(m, link, self, high)
        link.states.close()
        return m
