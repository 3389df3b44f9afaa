"""Buffers of the link's responder: bytes in block memory, words at the streams of the machine.

No memory is read and written in the same cycle: what it would then give differs between FPGAs, and synthesis would put
logic around it.
"""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.bus.framer import packet_layout
from hdl.lib.ram_pipeline import APART

#: Bytes that the buffers hold: block memories of 4 kbit, the first with a bit per byte for the end of a packet.
INPUT_BYTES, OUTPUT_BYTES = 256, 512
#: Most bytes of output that go into one answer.
ANSWER_BYTES = 256


class LinkInputBuffer(wiring.Component):
    """Holds what the host has sent until the machine takes it.

    Bytes are written ahead; they are as if they had not been written until `commit`.

    Parameters
    ----------
    word : int
        Bytes of a word.

    Attributes
    ----------
    data : Signal(8), in
        A byte, the lowest of a word first.
    last : Signal(1), in
        It is the last of a packet.
    write : Signal(1), in
        Take it.
    commit, rewind : Signal(1), in
        Keep what was written ahead, or forget it.
    flush : Signal(1), in
        Forget everything but a word that is offered.
    full : Signal(1), out
        No byte can be written.
    room : Signal, out
        Bytes that can be, were nothing written ahead.
    words : stream, out
        Words, and which of them ends a packet.
    """

    def __init__(self, word: int) -> None:
        self._word = word
        super().__init__(
            {
                "data": In(8),
                "last": In(1),
                "write": In(1),
                "commit": In(1),
                "rewind": In(1),
                "flush": In(1),
                "full": Out(1),
                "room": Out(range(INPUT_BYTES + 1)),
                "words": Out(stream.Signature(packet_layout(8 * word))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.bytes = block = memory.Memory(shape=unsigned(9), depth=INPUT_BYTES, init=[], attrs=APART)
        write, read = block.write_port(), block.read_port()
        # one bit more than an address has tells full from empty
        pointer = range(2 * INPUT_BYTES)
        ahead, kept, at = (Signal(pointer, name=name) for name in ("ahead", "kept", "at"))
        m.d.comb += [
            write.addr.eq(ahead),
            write.data.eq(Cat(self.data, self.last)),
            write.en.eq(self.write),
            read.addr.eq(at),
            self.full.eq(ahead ^ at == INPUT_BYTES),
            self.room.eq((at - kept) ^ INPUT_BYTES),
        ]
        with m.If(self.write):
            m.d.sync += ahead.eq(ahead + 1)
        with m.If(self.commit):
            m.d.sync += kept.eq(ahead)
        with m.If(self.rewind):
            m.d.sync += ahead.eq(kept)

        # one byte in two cycles, as the memory answers in the next one
        fetched = Signal(name="fetched")
        lane = Signal(range(self._word), name="lane")
        word, words = self.words.payload.word, self.words
        with m.If(words.ready):
            m.d.sync += words.valid.eq(0)
        m.d.comb += read.en.eq(~self.write)
        m.d.sync += fetched.eq((at != kept) & ~fetched & ~words.valid & read.en)
        with m.If(fetched):
            m.d.sync += [
                at.eq(at + 1),
                word.eq(Cat(word[8:], read.data[:8])),
                words.payload.last.eq(read.data[8]),
                lane.eq(lane + 1),
            ]
            with m.If(lane == self._word - 1):
                m.d.sync += [lane.eq(0), words.valid.eq(1)]
        with m.If(self.flush):
            m.d.sync += [ahead.eq(0), kept.eq(0), at.eq(0), lane.eq(0), fetched.eq(0)]
            with m.If(fetched):
                m.d.sync += words.valid.eq(0)
        return m


class LinkOutputBuffer(wiring.Component):
    """Holds what the machine gives until the host has it.

    What has gone into an answer stays until `release`, as the answer may have to be sent again.

    Parameters
    ----------
    word : int
        Bytes of a word.

    Attributes
    ----------
    words : stream, in
        Words; where one ends a packet is not kept.
    grant : Signal(1), in
        Let an answer have as many bytes as there are and one answer takes.
    release : Signal(1), in
        Forget the bytes of the last answer.
    flush : Signal(1), in
        Forget everything; a word of which only some bytes are here is taken again.
    first, end : Signal, out
        Where an answer's bytes begin, and where they have ended.
    read : Signal(1), in
        Read; words wait.
    address : Signal, in
        Which byte.
    data : Signal(8), out
        The byte, from the next cycle on.
    """

    def __init__(self, word: int) -> None:
        self._word = word
        address = range(OUTPUT_BYTES)
        super().__init__(
            {
                "words": In(stream.Signature(8 * word)),
                "grant": In(1),
                "release": In(1),
                "flush": In(1),
                "first": Out(address),
                "end": Out(address),
                "read": In(1),
                "address": In(address),
                "data": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.bytes = block = memory.Memory(shape=unsigned(8), depth=OUTPUT_BYTES, init=[], attrs=APART)
        write, read = block.write_port(), block.read_port()
        first, end = self.first, self.end
        top, held = Signal.like(first, name="top"), Signal.like(first, name="held")
        lane = Signal(range(self._word), name="lane")
        # a register, from which it is a long way to what waits for it; room that is made shows a cycle later
        space = Signal(name="space", init=1)
        word = self.words.payload
        m.d.comb += [
            held.eq(top - first),
            write.addr.eq(top),
            write.data.eq(Array(word[8 * i : 8 * i + 8] for i in range(self._word))[lane]),
            write.en.eq(self.words.valid & space & ~self.read),
            # the word stays where it is offered until its last byte is here
            self.words.ready.eq(write.en & (lane == self._word - 1)),
            read.en.eq(self.read),
            read.addr.eq(self.address),
            self.data.eq(read.data),
        ]
        m.d.sync += space.eq(~(held + write.en)[: len(held)].all())
        with m.If(write.en):
            m.d.sync += [top.eq(top + 1), lane.eq(Mux(self.words.ready, 0, lane + 1))]
        with m.If(self.grant):
            m.d.sync += end.eq(Mux(held >= ANSWER_BYTES, first + ANSWER_BYTES, top))
        with m.If(self.release):
            m.d.sync += first.eq(end)
        with m.If(self.flush):
            m.d.sync += [top.eq(0), first.eq(0), end.eq(0), lane.eq(0)]
        return m
