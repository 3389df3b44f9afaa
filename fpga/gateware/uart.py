"""A serial line: 8 data bits, no parity, 1 stop bit."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

#: Largest difference between the baud wanted and the one that the clock gives. Both ends together may be off by 5 %.
_TOLERANCE = 0.02
#: Fewest clock cycles of a bit: the receiver needs a middle.
_SHORTEST = 4


def divider(clock_hz: float, baud: int) -> int:
    """Give the clock cycles of a bit.

    Raises
    ------
    ValueError
        If the clock does not give that baud.
    """
    cycles = round(clock_hz / baud) if baud > 0 else 0
    if cycles < _SHORTEST:
        raise ValueError(
            f"baud must be 1 .. {clock_hz / _SHORTEST:.0f} at a clock of {clock_hz / 1e6:g} MHz, not {baud}"
        )
    if abs(clock_hz / cycles / baud - 1) > _TOLERANCE:
        raise ValueError(
            f"a clock of {clock_hz / 1e6:g} MHz gives {clock_hz / cycles:.0f} baud, more than {_TOLERANCE:.0%} from "
            f"{baud}: choose {clock_hz / cycles:.0f}, or another clock"
        )
    return cycles


class Receiver(wiring.Component):
    """Takes bytes from a line.

    A bit is what the line is in the middle of its time. A start bit that is over by then is none; a byte without its
    stop bit is dropped, and so is a break, however long: a byte begins with the line falling.

    Parameters
    ----------
    cycles : int
        Clock cycles of a bit.

    Attributes
    ----------
    rx : Signal(1), in
        The line, of any clock.
    byte : Signal(8), out
        What has come; it stays until the next byte begins.
    received : Signal(1), out
        It has come in this cycle.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        super().__init__({"rx": In(1), "byte": Out(8), "received": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        # three flip-flops: two make it a signal of this clock, the third sees it fall
        line = Signal(3, init=0b111, name="line")
        m.d.sync += line.eq(Cat(self.rx, line))
        now, before = line[1], line[2]
        left = Signal(range(self._cycles), name="left")
        # the start bit, 0, goes ahead of the byte through a register of ones
        shift = Signal(9, init=0x1FF, name="shift")
        busy, begun = Signal(name="busy"), Signal(name="begun")
        m.d.comb += self.byte.eq(shift[1:])
        m.d.sync += self.received.eq(0)
        with m.If(~busy):
            m.d.sync += left.eq(self._cycles // 2 - 1)
            with m.If(before & ~now):
                m.d.sync += [busy.eq(1), begun.eq(0)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            m.d.sync += [left.eq(self._cycles - 1), begun.eq(1)]
            with m.If(~begun):
                m.d.sync += [shift.eq(0x0FF), busy.eq(~now)]
            with m.Elif(shift[0]):
                m.d.sync += shift.eq(Cat(shift[1:], now))
            with m.Else():
                m.d.sync += [busy.eq(0), self.received.eq(now)]
        return m


class Transmitter(wiring.Component):
    """Gives bytes to a line.

    Parameters
    ----------
    cycles : int
        Clock cycles of a bit.

    Attributes
    ----------
    bytes : stream, in
        What to send.
    tx : Signal(1), out
        The line.
    """

    def __init__(self, cycles: int) -> None:
        self._cycles = cycles
        super().__init__({"bytes": In(stream.Signature(8)), "tx": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        left = Signal(range(self._cycles), name="left")
        # what is still to be sent, the stop bit highest; nothing behind it
        shift = Signal(10, name="shift")
        idle = Signal(name="idle")
        line = Signal(init=1, name="line")
        m.d.comb += [idle.eq(shift == 0), self.bytes.ready.eq(idle), self.tx.eq(line)]
        m.d.sync += line.eq(shift[0] | idle)
        with m.If(idle):
            m.d.sync += left.eq(self._cycles - 1)
            with m.If(self.bytes.valid):
                m.d.sync += shift.eq(Cat(Const(0, 1), self.bytes.payload, Const(1, 1)))
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            m.d.sync += [left.eq(self._cycles - 1), shift.eq(shift[1:])]
        return m
