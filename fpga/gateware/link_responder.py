"""The far end of the link of docs/link.md (twin of `fpga/host/link_server.py`)."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.gateware.buffers import InputBuffer, OutputBuffer
from fpga.gateware.crc import Crc
from fpga.gateware.states import States
from golden.bus.link_frames import ANSWER, ESCAPE, ESCAPED, FLAG, VERSION, Kind, Result
from golden.bus.register_map import ADDRESS_BITS, DATA_BITS, WORD
from hdl.bus.axi_lite import axi_lite_ports
from hdl.bus.framer import packet_layout
from hdl.lib.ram_pipeline import APART

_FLAG, _ESCAPE, _ESCAPED = FLAG[0], ESCAPE[0], ESCAPED.bit_length() - 1
#: Bytes of the memory for a frame.
_FRAME_BYTES = 512
#: Where in it a frame begins, so that the address counts the body's bytes when the CRC has come; bit of the address
#: that leads to where the header of the last request is kept.
_START, _KEPT = _FRAME_BYTES - 8, 4
#: Which byte of a header is the kind.
_KIND = 3
_STATES = (
    *("LISTEN", "BYTE", "STORE"),
    *("HEADER", "HEADER_HERE", "HEADER_KEPT", "BODY_FIRST", "DECIDE"),
    *("EXECUTE", "BODY", "BODY_HERE", "BUS"),
    *("ANSWER", "SEND", "SENT", "NEXT"),
)
#: Bodies of requests, bytes.
_OPENING, _READING, _WRITING = 1, 2, 7


class FarEnd(wiring.Component):
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
        m.submodules.input = self._input = InputBuffer(self._word)
        m.submodules.output = self._output = OutputBuffer(self._word)
        m.submodules.crc = self._crc = Crc(behind=8 + 16)
        m.submodules.frame = frame = memory.Memory(shape=unsigned(8), depth=_FRAME_BYTES, init=[], attrs=APART)
        self._read, self._write = frame.read_port(), frame.write_port()
        wiring.connect(m, wiring.flipped(self.input), self._input.words)
        wiring.connect(m, wiring.flipped(self.output), self._output.words)

        #: bytes of a request's body that are left
        self._left = Signal(range(_FRAME_BYTES), name="left", reset_less=True)
        self._escape = Signal(name="escape")
        #: what is known of a request
        self._kind = Signal(3, name="kind", reset_less=True)
        self._same, self._repeated, self._following = (Signal(name=n) for n in ("same", "repeated", "following"))
        self._accepted, self._refused = Signal(name="accepted"), Signal(name="refused")
        self._full, self._malformed = Signal(name="full"), Signal(name="malformed")
        #: an answer: beyond its flag, in what was asked for, in its CRC
        self._inside, self._asked, self._ending = (Signal(name=n) for n in ("inside", "asked", "ending"))
        #: high bit of the room when its low byte was sent
        self._high = Signal(name="high")
        self._address(m)
        self._byte(m)
        self._bus(m)
        self._states = States(m, *_STATES)
        self._listen(m)
        self._decide(m)
        self._execute(m)
        self._answer(m)
        self._states.close()
        return m

    def _address(self, m: Module) -> None:
        """Count the bytes of a frame, or of output."""
        self._at = at = Signal(range(_FRAME_BYTES), init=_START, name="at")
        self._advance, self._restart, self._jump = (Signal(name=n) for n in ("advance", "restart", "jump"))
        with m.If(self._restart):
            m.d.sync += at.eq(_START)
        with m.Elif(self._jump):
            m.d.sync += at.eq(self._output.first)
        with m.Elif(self._advance):
            m.d.sync += at.eq(at + 1)
        self._kept = Signal(name="kept")
        for port in (self._read, self._write):
            m.d.comb += port.addr.eq(at ^ (self._kept << _KEPT))
        # not in one cycle, see `fpga.gateware.buffers`
        m.d.comb += [self._read.en.eq(~self._write.en), self._output.address.eq(at)]

    def _byte(self, m: Module) -> None:
        """Hold the byte under way. It goes through the CRC's register in eight cycles, and turns round in its own."""
        self._data = data = Signal(8, name="data", reset_less=True)
        self._take, self._change, self._load = (Signal(name=n) for n in ("take", "change", "load"))
        bits, self._shift = Signal(4, name="bits"), Signal(name="shift")
        self._shifting = bits[3]
        with m.If(self._take):
            m.d.sync += data.eq(self.byte)
        with m.Elif(self._load):
            m.d.sync += data.eq(self._source())
        with m.Elif(self._shifting):
            m.d.sync += [bits.eq(bits + 1), data.eq(data.rotate_right(1))]
        with m.If(self._change):
            m.d.sync += data[_ESCAPED].eq(~data[_ESCAPED])
        with m.If(self._shift):
            m.d.sync += bits.eq(8)
        m.d.comb += [self._write.data.eq(data), self._crc.step.eq(self._shifting), self._crc.bit.eq(data[0])]

    def _bus(self, m: Module) -> None:
        """Connect the registers: what a request says of an access has gone through the CRC's register."""
        value = self._crc.value
        m.d.comb += [
            # of two bytes, and of seven
            self.m_axi_araddr.eq(value[-16:][:ADDRESS_BITS]),
            self.m_axi_awaddr.eq(value[:ADDRESS_BITS]),
            self.m_axi_wstrb.eq(value[16 : 16 + WORD]),
            self.m_axi_wdata.eq(value[-DATA_BITS:]),
        ]
        for channel in ("ar", "aw", "w"):
            valid = getattr(self, f"m_axi_{channel}valid")
            with m.If(getattr(self, f"m_axi_{channel}ready")):
                m.d.sync += valid.eq(0)

    def _listen(self, m: Module) -> None:
        """Take a frame from the line."""
        state, go = self._states.state, self._states.go
        at, data, crc = self._at, self._data, self._crc
        # the body may have 263 bytes; of a frame without a whole header the address has not come to 0 yet
        long = at[8] & ~at[7] & at[3]
        whole = ~at[8] | (~at[7] & ~at[3])
        with state("LISTEN"):
            m.d.comb += self._take.eq(self.received)
            with m.If(self.received):
                go("BYTE")
        with state("BYTE"):
            go("LISTEN")
            with m.If(data == _FLAG):
                m.d.comb += self._restart.eq(1)
                m.d.sync += [self._left.eq(at), self._escape.eq(0)]
                m.d.sync += [self._same.eq(1), self._accepted.eq(0), self._refused.eq(0)]
                m.d.comb += crc.clear.eq(1)
                with m.If(crc.good & whole & ~self._escape):
                    go("HEADER")
            with m.Elif((data == _ESCAPE) & ~self._escape):
                m.d.sync += self._escape.eq(1)
            with m.Else():
                m.d.comb += self._change.eq(self._escape)
                m.d.sync += self._escape.eq(0)
                go("STORE")
        with state("STORE"):
            m.d.comb += [self._write.en.eq(~long), self._shift.eq(1)]
            m.d.comb += self._advance.eq(~long)
            go("LISTEN")

    def _decide(self, m: Module) -> None:
        """Compare a request's header with that of the last one, decide what to do, and if it is new, keep its own."""
        state, go = self._states.state, self._states.go
        at, data, kept = self._at, self._data, self._read.data
        equal = Signal(name="equal")
        m.d.comb += equal.eq(kept == data)
        with state("HEADER"):
            go("HEADER_HERE")
        with state("HEADER_HERE"):
            m.d.comb += [self._kept.eq(1), self._load.eq(1)]
            go("HEADER_KEPT")
        with state("HEADER_KEPT"):
            m.d.comb += [self._kept.eq(1), self._write.en.eq(self._accepted), self._advance.eq(1)]
            go("HEADER")
            with m.If(~at[1]):
                m.d.sync += self._same.eq(self._same & equal)
            with m.Elif(~at[0]):
                m.d.sync += [self._repeated.eq(equal), self._following.eq((kept + 1)[:8] == data)]
            with m.Else():
                go("BODY_FIRST")
                with m.If(self._accepted):
                    go("EXECUTE")
        with state("BODY_FIRST"):
            m.d.sync += self._kind.eq(Mux(data[3:7].any(), 0, data))
            go("DECIDE")
        with state("DECIDE"):
            m.d.comb += self._restart.eq(1)
            go("LISTEN")
            with m.If(~data[7]):
                with m.If(self._kind == Kind.OPEN):
                    understood = (self._left == _OPENING) & (self._read.data == VERSION)
                    m.d.sync += [self._refused.eq(~understood), self.open.eq(self.open | understood)]
                    m.d.sync += self._accepted.eq(understood)
                    go("ANSWER")
                    with m.If(understood):
                        go("HEADER")
                with m.Elif(~self.open | ~self._same):
                    m.d.sync += self._refused.eq(1)
                    go("ANSWER")
                with m.Elif(self._repeated):
                    go("ANSWER")
                with m.Elif(self._following):
                    m.d.sync += self._accepted.eq(1)
                    go("HEADER")

    def _execute(self, m: Module) -> None:
        """Do a new request."""
        state, go = self._states.state, self._states.go
        left, crc, into, out = self._left, self._crc, self._input, self._output
        # words of a segment that are left, and whether the last of them ends a packet; byte of a word
        words, last = Signal(7, name="words", reset_less=True), Signal(name="last", reset_less=True)
        lane = Signal(range(self._word), name="lane")
        whole = lane == self._word - 1
        m.d.comb += [into.data.eq(self._read.data), into.last.eq(last & (words == 1) & whole)]
        streams = self._kind == Kind.STREAM
        with state("EXECUTE"):
            # what the last answer was made of is not needed any more
            m.d.comb += [self.m_axi_rready.eq(1), self.m_axi_bready.eq(1), out.release.eq(1)]
            m.d.sync += [self._full.eq(0), self._malformed.eq(0), words.eq(0), lane.eq(0)]
            go("BODY")
            with m.Switch(self._kind):
                with m.Case(Kind.STREAM):
                    pass
                with m.Case(Kind.READ):
                    m.d.sync += self._malformed.eq(left != _READING)
                with m.Case(Kind.WRITE):
                    m.d.sync += self._malformed.eq(left != _WRITING)
                with m.Case(Kind.OPEN):
                    m.d.comb += [into.flush.eq(1), out.flush.eq(1)]
                    go("ANSWER")
                with m.Case(Kind.FLUSH):
                    m.d.comb += [into.flush.eq(left == 0), out.flush.eq(left == 0)]
                    m.d.sync += self._malformed.eq(left != 0)
                    go("ANSWER")
                with m.Default():
                    m.d.sync += self._malformed.eq(1)
                    go("ANSWER")
        with state("BODY"):
            m.d.comb += crc.plain.eq(1)
            with m.If(self._malformed):
                m.d.comb += into.rewind.eq(1)
                go("ANSWER")
            with m.Elif(~self._shifting):
                go("BODY_HERE")
                with m.If(left == 0):
                    go("BUS")
                    with m.If(streams):
                        go("ANSWER")
                        with m.If(words == 0):
                            m.d.comb += [into.commit.eq(1), out.grant.eq(1)]
                        with m.Else():
                            m.d.sync += self._malformed.eq(1)
                            m.d.comb += into.rewind.eq(1)
                    with m.Elif(self._kind == Kind.READ):
                        m.d.sync += self.m_axi_arvalid.eq(1)
                    with m.Else():
                        m.d.sync += [self.m_axi_awvalid.eq(1), self.m_axi_wvalid.eq(1)]
        with state("BODY_HERE"):
            m.d.comb += [self._load.eq(1), self._advance.eq(1)]
            m.d.sync += left.eq(left - 1)
            go("BODY")
            with m.If(~streams):
                m.d.comb += self._shift.eq(1)
            with m.Elif(words == 0):
                m.d.sync += [words.eq(self._read.data), last.eq(self._read.data[7])]
                m.d.sync += self._malformed.eq(self._read.data[:7] == 0)
            with m.Elif(into.full):
                m.d.comb += into.rewind.eq(1)
                m.d.sync += self._full.eq(1)
                go("ANSWER")
            with m.Else():
                m.d.comb += into.write.eq(1)
                m.d.sync += lane.eq(lane + 1)
                with m.If(whole):
                    m.d.sync += [lane.eq(0), words.eq(words - 1)]
        with state("BUS"), m.If(self.m_axi_rvalid | self.m_axi_bvalid):
            go("ANSWER")

    def _answer(self, m: Module) -> None:
        """Send an answer: flag, header and status, what was asked for, CRC, flag."""
        state, go = self._states.state, self._states.go
        at, data, crc, out = self._at, self._data, self._crc, self._output
        inside, asked, ending = self._inside, self._asked, self._ending
        streams = self._kind == Kind.STREAM
        with state("ANSWER"):
            m.d.comb += [crc.clear.eq(1), self._restart.eq(1)]
            go("SEND")
        with state("SEND"):
            special = inside & ~self._escape & ((data == _FLAG) | (data == _ESCAPE))
            changed = data ^ Mux(self._escape, ESCAPED, 0)
            m.d.comb += [
                crc.plain.eq(ending),
                self.bytes.valid.eq(~self._shifting),
                self.bytes.payload.eq(Mux(inside & ~special, changed, Mux(special, _ESCAPE, _FLAG))),
            ]
            with m.If(self.bytes.ready & self.bytes.valid):
                m.d.sync += self._escape.eq(special)
                with m.If(~special):
                    m.d.comb += self._advance.eq(inside)
                    go("SENT")
        with state("SENT"):
            # meanwhile the memories answer
            m.d.comb += out.read.eq(1)
            go("NEXT")
            with m.If(ending):
                with m.If(~inside):
                    m.d.comb += [crc.clear.eq(1), self._restart.eq(1)]
                    m.d.sync += ending.eq(0)
                    go("LISTEN")
                with m.Elif(at[2]):
                    m.d.sync += inside.eq(0)
                    go("SEND")
            with m.Elif(asked), m.If(Mux(streams, at == out.end, at[2])):
                m.d.comb += self._restart.eq(1)
                m.d.sync += [asked.eq(0), ending.eq(1)]
            with m.Elif(~at[8]):
                gives = ~self._refused & (streams | (self._kind == Kind.READ) & self.m_axi_rvalid)
                m.d.sync += [asked.eq(gives), ending.eq(~gives)]
                m.d.comb += [self._restart.eq(~gives), self._jump.eq(streams)]
                go("SENT")
        with state("NEXT"):
            m.d.comb += [self._shift.eq(1), self._load.eq(1)]
            m.d.sync += inside.eq(1)
            with m.If(~at[0]):
                m.d.sync += self._high.eq(self._input.room[8])
            go("SEND")

    def _source(self) -> Value:
        """Give the byte of a request or an answer that stands at the address."""
        at, inside = self._at, self._inside
        header = self._read.data | Mux(inside & (at[:2] == _KIND), ANSWER, 0)
        slverr = (self.m_axi_rvalid & self.m_axi_rresp[1]) | (self.m_axi_bvalid & self.m_axi_bresp[1])
        done = Mux(self._malformed, Result.MALFORMED, Mux(self._full, Result.FULL, slverr))
        refusal = Mux(self._kind == Kind.OPEN, Result.MALFORMED, Result.CLOSED)
        room = self._input.room
        status = Array(
            [
                Cat(Mux(self._refused, refusal, done)[:3], Const(VERSION, 4), self.irq),
                Const(self._word, 8),
                room[:8],
                self._high,
            ]
        )[at[:2]]
        asked = Mux(self._kind == Kind.STREAM, self._output.data, self.m_axi_rdata.word_select(at[:2], 8))
        inverse = ~self._crc.value[-DATA_BITS:][:8]
        return Mux(self._ending, inverse, Mux(self._asked, asked, Mux(inside & at[2], status, header)))
