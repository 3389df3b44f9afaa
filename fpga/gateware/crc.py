"""The CRC of the link, bit by bit, in a register that also carries what a host writes."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

_POLYNOMIAL = 0xEDB88320
_ONES = 0xFFFFFFFF
#: What the register holds after a frame together with its CRC.
_RESIDUE = 0xDEBB20E3


class Crc(wiring.Component):
    """CRC-32 of IEEE 802.3, one bit per cycle, lowest bit of a byte first.

    Parameters
    ----------
    behind : int
        Bits of the shift register behind the CRC's own 32.

    Attributes
    ----------
    clear : Signal(1), in
        Begin a frame.
    step : Signal(1), in
        Take `bit`.
    plain : Signal(1), in
        Only shift: `bit` enters highest, and what leaves the CRC's register goes on behind it.
    bit : Signal(1), in
        Bit of a frame.
    value : Signal(32 + behind), out
        The CRC above what is behind it. Its inverse is what a frame ends with.
    good : Signal(1), out
        The bits so far end with their CRC.
    """

    def __init__(self, behind: int) -> None:
        self._behind = behind
        super().__init__(
            {
                "clear": In(1),
                "step": In(1),
                "plain": In(1),
                "bit": In(1),
                "value": Out(32 + behind),
                "good": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        behind, crc = Signal(self._behind, name="behind", reset_less=True), Signal(32, name="crc", reset_less=True)
        feedback = Signal(name="feedback")
        m.d.comb += [
            self.value.eq(Cat(behind, crc)),
            self.good.eq(crc == _RESIDUE),
            feedback.eq((crc[0] ^ self.bit) & ~self.plain),
        ]
        with m.If(self.clear):
            m.d.sync += crc.eq(_ONES)
        with m.Elif(self.step):
            shifted = Cat(crc[1:], self.bit & self.plain)
            m.d.sync += [
                crc.eq(shifted ^ Mux(feedback, Const(_POLYNOMIAL, 32), Const(0, 32))),
                behind.eq(Cat(behind[1:], crc[0])),
            ]
        return m
