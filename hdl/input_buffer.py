"""Double buffer of input samples (twin of `golden/input_buffer.py`)."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.planes import extend
from hdl.lib.ram_pipeline import APART


class InputBuffer(wiring.Component):
    """Takes samples from a stream into one bank while the machine works on the other.

    One word per cycle; a sample is available 1 cycle after its last word.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    samples : stream, in
        Words of ``2 * group`` bits: two planes of trits in two's complement, element 0 lowest; last the label.
    address : in
        Word of the present sample to read.
    word : planes, out
        Its elements, signed, in the next cycle.
    label : Signal, out
        Label of the present sample.
    available : Signal(1), out
        A sample is complete and stays until `release`.
    release : Signal(1), in
        The machine is done with the present sample.
    drop : Signal(1), in
        Forget the words of an unfinished sample; no word is accepted in the same cycle.
    flush : Signal(1), in
        Forget all samples; not while the machine works on one, and no word is accepted in the same cycle.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._groups, self._group = config.geometry.groups(0), config.geometry.group
        self._value_bits = config.error.bits
        super().__init__(
            {
                "samples": In(stream.Signature(unsigned(2 * self._group))),
                "address": In(range(self._groups)),
                "word": Out(data.ArrayLayout(self._group, self._value_bits)),
                "label": Out(range(config.sizes[-1])),
                "available": Out(1),
                "release": In(1),
                "drop": In(1),
                "flush": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        # bank in the address's top bit
        size = 1 << max(1, self._groups.bit_length())
        m.submodules.trits = trits = memory.Memory(
            shape=unsigned(2 * self._group), depth=2 * size, init=[], attrs=APART
        )
        read, write = trits.read_port(), trits.write_port()
        labels = [Signal.like(self.label, name=f"label{bank}") for bank in range(2)]
        full = [Signal(name=f"full{bank}") for bank in range(2)]
        filling, working = Signal(name="filling"), Signal(name="working")
        at = Signal(range(self._groups + 1), name="at")

        # the address ports are as narrow as the sample; the banks want a power of two
        address = Signal(range(size), name="bank_address")
        accept = self.samples.valid & self.samples.ready
        m.d.comb += [
            self.samples.ready.eq(~(full[0] & ~filling | full[1] & filling) & ~self.drop & ~self.flush),
            address.eq(self.address),
            write.addr.eq(Cat(at[: len(address)], filling)),
            write.data.eq(self.samples.payload),
            write.en.eq(accept & (at != self._groups)),
            read.addr.eq(Cat(address, working)),
            self.available.eq(full[0] & ~working | full[1] & working),
        ]
        with m.If(accept):
            m.d.sync += at.eq(at + 1)
            with m.If(at == self._groups):
                m.d.sync += [at.eq(0), filling.eq(~filling)]
        for bank in range(2):
            with m.If(accept & (at == self._groups) & (filling == bank)):
                m.d.sync += [labels[bank].eq(self.samples.payload), full[bank].eq(1)]
            with m.If(self.release & (working == bank)):
                m.d.sync += full[bank].eq(0)
            with m.If(working == bank):
                m.d.comb += self.label.eq(labels[bank])
        with m.If(self.release):
            m.d.sync += working.eq(~working)
        with m.If(self.drop | self.flush):
            m.d.sync += at.eq(0)
        with m.If(self.flush):
            m.d.sync += [filling.eq(0), working.eq(0), *[bank.eq(0) for bank in full]]
        planes = [read.data[: self._group], read.data[self._group :]]
        m.d.comb += self.word.as_value().eq(Cat(*extend(planes, self._value_bits)))
        return m
