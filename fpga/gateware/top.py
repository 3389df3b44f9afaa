"""The top level for a board: the machine on its bus, and a responder that answers a host on a serial line."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.gateware.link_responder import LinkResponder
from fpga.gateware.uart import Receiver, Transmitter, divider
from hdl.bus.axi_lite import axi_lite_ports


class Top(wiring.Component):
    """A machine behind a serial line.

    Parameters
    ----------
    word : int
        Bytes of a stream word of the machine.
    module : str
        Name of the module that is the machine on its bus.
    clock_hz : float
        Frequency of the clock.
    baud : int
        Of the line, see `fpga.gateware.uart.divider`.

    Attributes
    ----------
    rx : Signal(1), in
        Line from the host.
    tx : Signal(1), out
        Line to the host.
    open : Signal(1), out
        A host has opened a session.
    irq : Signal(1), out
        The machine's interrupt.
    """

    def __init__(self, word: int, module: str, clock_hz: float, baud: int) -> None:
        self._word, self._module = word, module
        self._cycles = divider(clock_hz, baud)
        super().__init__({"rx": In(1), "tx": Out(1), "open": Out(1), "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.receiver = receiver = Receiver(self._cycles)
        m.submodules.transmitter = transmitter = Transmitter(self._cycles)
        m.submodules.responder = responder = LinkResponder(self._word)
        ports: dict[str, Value] = {}
        for name, port in axi_lite_ports().items():
            ports[f"{'i' if port.flow == In else 'o'}_{name}"] = getattr(responder, name.replace("s_axi", "m_axi"))
        into, out = responder.input, responder.output
        m.submodules.axi = Instance(
            self._module,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_s_axis_tdata=into.payload.word,
            i_s_axis_tlast=into.payload.last,
            i_s_axis_tvalid=into.valid,
            o_s_axis_tready=into.ready,
            o_m_axis_tdata=out.payload,
            o_m_axis_tvalid=out.valid,
            i_m_axis_tready=out.ready,
            o_irq=responder.irq,
            **ports,
        )
        wiring.connect(m, responder.bytes, transmitter.bytes)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            responder.byte.eq(receiver.byte),
            responder.received.eq(receiver.received),
            self.tx.eq(transmitter.tx),
            self.irq.eq(responder.irq),
            self.open.eq(responder.open),
        ]
        return m
