"""The array's answers on their way through converters."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.array.array_interface import ArraySignature
from hdl.array.converter import Converters
from hdl.lib.planes import reg_en

#: What an answer consists of besides `done`; sums are converted, all else is delayed as long.
_BESIDE = ("row", "lanes", "products", "pulses", "pulse_width", "switches")


class AdcStage(wiring.Component):
    """Takes the array's answers, 2 cycles each, through the converters of columns and rows.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    draw_columns, draw_row : Signal(1), in
        In the cycle before an answer: it will be column sums, or a row sum.
    raw : answer, in
        `done` and all that is valid with it, exact.
    answer : answer, out
        The same, converted.
    shift_columns, shift_row, newest : in
        Shift bits into the converters' random streams, where they can be loaded.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._columns, self._row = Converters(config, "columns"), Converters(config, "rows")
        of_columns, _ = config.nonideal.noise_streams(config.array.group)
        names = ("done", "sums", "row_sum", *_BESIDE)
        members = ArraySignature(config).members
        answer = wiring.Signature({name: Out(members[name].shape) for name in names})
        super().__init__(
            {
                "draw_columns": In(1),
                "draw_row": In(1),
                "raw": In(answer),
                "answer": Out(answer),
                "shift_columns": In(1),
                "shift_row": In(1),
                "newest": In(of_columns or 1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.columns, m.submodules.row = columns, row = self._columns, self._row
        done = Signal(name="done1")
        m.d.sync += [done.eq(self.raw.done), self.answer.done.eq(done)]
        for converters, draw, shift in (
            (columns, self.draw_columns, self.shift_columns),
            (row, self.draw_row, self.shift_row),
        ):
            m.d.comb += converters.draw.eq(draw)
            if "shift" in converters.signature.members:
                m.d.comb += [converters.shift.eq(shift), converters.newest.eq(self.newest)]
        m.d.comb += [
            columns.sums.eq(self.raw.sums),
            self.answer.sums.eq(columns.results),
            row.sums[0].eq(self.raw.row_sum),
            self.answer.row_sum.eq(row.results[0]),
        ]
        for name in _BESIDE:
            value: Value = getattr(self.raw, name)
            m.d.comb += getattr(self.answer, name).eq(
                reg_en(m, f"{name}2", done, reg_en(m, f"{name}1", self.raw.done, value))
            )
        return m
