"""Packets of the input stream, checked before a word goes further (twin of `golden/bus/framer.py`)."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig


def packet_layout(word_bits: int) -> data.StructLayout:
    """Payload of a stream of packets: a word, and whether it is the packet's last."""
    return data.StructLayout({"word": word_bits, "last": 1})


class Framer(wiring.Component):
    """Passes the words of samples and loads on; a word at fault goes no further.

    One word per cycle; latency 1 cycle.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    packets : stream, in
        ``word``, ``last``.
    samples : stream, out
        Words of samples.
    load : stream, out
        Words of loads.
    loading : Signal(1), in
        Words belong to a load. What comes behind its packet waits until this is low; no word is judged in the first
        cycle of either.
    end : Signal, in
        Number of the load's last word, from 0.
    discard : Signal(1), in
        Take every word and forget it; the next one after that begins a packet.
    label, short, long : Signal(1), out
        One cycle each: a label is not a class, a packet has ended early, or has not ended where it should. The word is
        forgotten, and so is every following one until `discard` has been high.
    drop : Signal(1), out
        The words of a sample that were passed on are to be forgotten.
    taken : Signal(1), out
        A word has been passed on.
    unfinished : Signal(1), out
        A packet has begun and not ended.
    """

    def __init__(self, config: MachineConfig) -> None:
        geometry = config.geometry
        self._groups, self._classes = geometry.groups(0), geometry.sizes[-1]
        bits = 2 * geometry.group
        longest = max(config.program.words.values())
        words = stream.Signature(unsigned(bits))
        super().__init__(
            {
                "packets": In(stream.Signature(packet_layout(bits))),
                "samples": Out(words),
                "load": Out(words),
                "loading": In(1),
                "end": In(range(longest)),
                "discard": In(1),
                "label": Out(1),
                "short": Out(1),
                "long": Out(1),
                "drop": Out(1),
                "taken": Out(1),
                "unfinished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        valid = Signal(name="valid")
        held = Signal.like(self.packets.payload, name="held", reset_less=True)
        at = Signal(range(max(self._groups + 1, 1 << len(self.end))), name="at")
        # between a fault and the host's notice
        faulted = Signal(name="faulted")
        forget = Signal(name="forget")
        # a load has all its words
        complete = Signal(name="complete")
        ends, wrong, fault = Signal(name="ends"), Signal(name="wrong"), Signal(name="fault")
        judged, advance = Signal(name="judged"), Signal(name="advance")
        # whether the present word is the last comes from a register, which lags behind when a load begins or ends
        before, limit = Signal(name="before"), Signal.like(at, name="limit")
        m.d.comb += [
            forget.eq(self.discard | faulted),
            limit.eq(Mux(self.loading, self.end, self._groups)),
            wrong.eq(ends & ~self.loading & (held.word >= self._classes)),
            judged.eq(valid & ~forget & ~(self.loading & complete) & (self.loading == before)),
            fault.eq(judged & ((ends != held.last) | wrong)),
            self.short.eq(fault & held.last & ~ends),
            self.long.eq(fault & ends & ~held.last),
            self.label.eq(fault & ends & held.last),
            self.drop.eq(fault | forget),
            self.samples.valid.eq(judged & ~fault & ~self.loading),
            self.load.valid.eq(judged & ~fault & self.loading),
            self.samples.payload.eq(held.word),
            self.load.payload.eq(held.word),
            self.taken.eq((self.samples.valid & self.samples.ready) | (self.load.valid & self.load.ready)),
            advance.eq(forget | fault | self.taken),
            self.packets.ready.eq(~valid | advance),
            self.unfinished.eq(valid | (at != 0)),
        ]
        with m.If(self.packets.ready):
            m.d.sync += [valid.eq(self.packets.valid), held.eq(self.packets.payload)]
        m.d.sync += [before.eq(self.loading), ends.eq(at == limit)]
        with m.If(self.taken):
            m.d.sync += [at.eq(Mux(ends, 0, at + 1)), ends.eq(Mux(ends, limit == 0, at + 1 == limit))]
        with m.If(self.taken & ends & self.loading):
            m.d.sync += complete.eq(1)
        with m.If(~self.loading):
            m.d.sync += complete.eq(0)
        with m.If(forget | fault):
            m.d.sync += [at.eq(0), ends.eq(limit == 0)]
        with m.If(fault):
            m.d.sync += faulted.eq(1)
        with m.Elif(self.discard):
            m.d.sync += faulted.eq(0)
        return m
