"""Predictions and dumps as one stream of packets (twin of `golden/bus/packets.py`, which names the formats)."""

from amaranth.hdl import Module, Mux, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.bus.framer import packet_layout


class StreamOut(wiring.Component):
    """Registers what leaves the machine; a word that is offered stays until it is taken, whatever happens behind it.

    One word per cycle; latency 1 cycle.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    predictions : stream, in
        Classes.
    dump : stream, in
        Words of dumps; predictions and dumps never come together.
    last : Signal(1), in
        With either: the last of a packet.
    packets : stream, out
        ``word``, ``last``.
    idle : Signal(1), out
        Nothing waits to be taken.
    """

    def __init__(self, config: MachineConfig) -> None:
        word_bits, class_bits = 2 * config.geometry.group, (config.sizes[-1] - 1).bit_length()
        super().__init__(
            {
                "predictions": In(stream.Signature(unsigned(class_bits))),
                "dump": In(stream.Signature(unsigned(word_bits))),
                "last": In(1),
                "packets": Out(stream.Signature(packet_layout(word_bits))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        free = ~self.packets.valid | self.packets.ready
        m.d.comb += [self.predictions.ready.eq(free), self.dump.ready.eq(free), self.idle.eq(~self.packets.valid)]
        with m.If(free):
            m.d.sync += [
                self.packets.valid.eq(self.predictions.valid | self.dump.valid),
                self.packets.payload.word.eq(Mux(self.predictions.valid, self.predictions.payload, self.dump.payload)),
                self.packets.payload.last.eq(self.last),
            ]
        return m
