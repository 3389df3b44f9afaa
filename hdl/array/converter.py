"""Converters side by side, on their way from sums to answers (twin of `golden/array/converter.py`)."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lfsr import Lfsr
from hdl.lib.planes import reg_en, total, wire


class Converters(wiring.Component):
    """Turns exact sums into the results of converters.

    Latency 2 cycles from `sums` to `results`, 3 from `draw`, one conversion per cycle.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    side : str
        ``columns``, one converter per column of a group, or ``rows``, a single one.

    Attributes
    ----------
    draw : Signal(1), in
        Draw the noise of a conversion, whose sums come in the next cycle.
    sums : array of signed, in
        Its sums.
    results : array of signed, out
        Results of the last conversion that is over.
    shift, newest : in
        As of `hdl.lfsr.Lfsr`, where there is noise and its streams can be loaded.
    """

    def __init__(self, config: MachineConfig, side: str) -> None:
        nonideal, geometry, lanes = config.nonideal, config.geometry, config.array.streams
        of_columns, _ = nonideal.noise_streams(geometry.group)
        # streams of the columns' converters follow the lanes', that of the rows' converter is the last
        parameters, purpose, count, sum_bits, first = {
            "columns": (nonideal.columns, "column offsets", geometry.group, geometry.column_bits, lanes),
            "rows": (nonideal.rows, "row offsets", 1, geometry.row_bits, lanes + of_columns),
        }[side]
        self._parameters, self._bits = parameters, parameters.result_bits(sum_bits)
        self._offsets = [int(offset) for offset in parameters.offsets(nonideal.seed, purpose, count)]
        noise = {"first": first, "lanes": count, "streams": config.streams, "bits": parameters.noise}
        self._bank = Lfsr(config.random, **noise) if parameters.noise else None
        loading = {"shift": In(1), "newest": In(count)} if self._bank and config.random.loadable else {}
        sums = data.ArrayLayout(signed(sum_bits), count)
        super().__init__({"draw": In(1), "sums": In(sums), "results": Out(sums), **loading})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p, bank = self._parameters, self._bank
        limit = 1 << (self._bits - 1)
        biases: list[Value | int] = list(self._offsets)
        if bank is not None:
            m.submodules.lfsr = bank
            m.d.comb += bank.draw.eq(self.draw)
            if "shift" in self.signature.members:
                m.d.comb += [bank.shift.eq(self.shift), bank.newest.eq(self.newest)]
            for at, offset in enumerate(self._offsets):
                ones = wire(m, f"ones{at}", total([(plane[at], 1) for plane in bank.word]))
                noise = (ones - p.noise // 2) << p.noise_step
                biases[at] = reg_en(m, f"bias{at}", self.draw, noise + offset)
        convert, converted = Signal(name="convert"), Signal(name="converted")
        m.d.sync += [convert.eq(self.draw), converted.eq(convert)]
        for at, bias in enumerate(biases):
            biased = reg_en(m, f"biased{at}", convert, self.sums[at] + bias + ((1 << p.step) >> 1))
            steps = wire(m, f"steps{at}", biased >> p.step)
            over, under = steps > limit - 1, steps < -limit
            with m.If(converted):
                m.d.sync += self.results[at].eq(Mux(over, limit - 1, Mux(under, -limit, steps)) << p.step)
        return m
