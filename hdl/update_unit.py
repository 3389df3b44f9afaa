"""From gradient sums to write pulses (twin of `golden/update_unit.py`)."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.planes import any_of, broadcast, wire
from hdl.tables import loadable, pulse_entries, pulse_table


def shift_shape(offered: range) -> Shape:
    """Shape of an update shift, 0 for the lowest offered; a single one takes a bit all the same."""
    return Shape(max(1, (len(offered) - 1).bit_length()))


class UpdateUnit(wiring.Component):
    """Splits every lane's gradient sum into kappa and nu and issues the row's pulses.

    One row per cycle as long as only the nu pulse is needed, one cycle more for each kappa pulse; a pulse that no lane
    needs is not issued. The first pulse is there in the cycle after the row has been accepted. Where the array takes
    more than a cycle for a pulse, the next row is accepted a cycle after the last pulse: nothing is lost by that, and
    the array's `ready` has a short way.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    update_shift : Signal, in
        log2 of the sum that stands for one weight step, minus the lowest that is offered. Stable during a pass.
    row : stream, in
        The row.
    row_sums : planes, in
        Of the row offered: its sums.
    pulse : stream, out
        ``row``, ``increase`` and planes ``codes``.
    idle : Signal(1), out
        No pulse is waiting.
    shift : Signal(1), in
        Shift `word` into the pulse table; only with `pulse.loadable`, as what follows. Not during a pass.
    word : Signal, in
        Part of the table.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._pulse, self._switching = config.pulse, config.switching
        self._lanes = lanes = config.geometry.lanes
        # where the array takes one cycle for a pulse, rows follow each other back to back
        self._back_to_back = config.array_writing == 1
        self._offered = config.offered_shifts
        bits = config.gradient.bits
        # the largest sum that there is may be less than a step, or than two
        self._steps = min(config.steps, ((1 << (bits - 1)) - 1) >> self._offered[0])
        row_bits = max(1, (config.geometry.rows - 1).bit_length())
        pulses = data.StructLayout(
            {"codes": data.ArrayLayout(lanes, config.switching.code_bits), "increase": lanes, "row": row_bits}
        )
        super().__init__(
            {
                "update_shift": In(shift_shape(self._offered)),
                "row": In(stream.Signature(row_bits)),
                "row_sums": In(data.ArrayLayout(lanes, bits)),
                "pulse": Out(stream.Signature(pulses)),
                "idle": Out(1),
                **({"shift": In(1), "word": In(2 * config.geometry.group)} if config.pulse.loadable else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        lanes, nu_bits = self._lanes, self._pulse.nu_bits
        sums = list(self.row_sums)
        sign = sums[-1]

        # |G| in one's complement, shifted so that nu is in the lowest planes and kappa in those above
        magnitude = wire(m, "magnitude", Cat(plane ^ sign for plane in sums[:-1]))
        scaled: Value = magnitude[(self._offered[0] - nu_bits) * lanes :]
        for stage in range((len(self._offered) - 1).bit_length()):
            scaled = wire(m, f"scaled{stage}", Mux(self.update_shift[stage], scaled[lanes << stage :], scaled))
        planes = [scaled[at : at + lanes] for at in range(0, len(scaled), lanes)]
        planes += [sign & ~sign] * max(0, nu_bits - len(planes))
        table = None
        if self._pulse.loadable:
            entries = pulse_entries(self._pulse, self._switching)
            table = loadable(m, "codes", entries, self._switching.code_bits, self.shift, self.word)
        codes = pulse_table(m, "table", planes[:nu_bits], self._pulse, self._switching, table)
        # lanes with kappa >= 1, kappa >= 2
        whole = [wire(m, f"kappa{step + 1}", any_of(planes[nu_bits + step :], lanes)) for step in range(self._steps)]

        # the row at work; `pending` holds its pulses still to issue, kappa first. The polarity is inverted as part of
        # whatever logic follows
        row = Signal.like(self.row.payload, name="held_row", reset_less=True)
        decrease = Signal(lanes, name="decrease", reset_less=True)
        held_codes = Signal(data.ArrayLayout(lanes, self._switching.code_bits), name="held_codes", reset_less=True)
        held_whole = [Signal(lanes, name=f"held_kappa{step + 1}", reset_less=True) for step in range(self._steps)]
        pending = Signal(self._steps + 1, name="pending")
        rest = wire(m, "rest", pending & (pending - 1))
        out: list[Value] = list(held_codes)
        for step in reversed(range(self._steps)):
            chosen = broadcast(pending[step], lanes)
            out = [(chosen & held_whole[step]) | (~chosen & plane) for plane in out]
        m.d.comb += [
            self.row.ready.eq((pending == 0) | ((rest == 0) & self.pulse.ready & int(self._back_to_back))),
            self.pulse.valid.eq(pending != 0),
            self.pulse.payload.as_value().eq(Cat(*out, ~decrease, row)),
            self.idle.eq(pending == 0),
        ]
        with m.If(self.row.valid & self.row.ready):
            m.d.sync += [
                row.eq(self.row.payload),
                decrease.eq(sign),
                held_codes.as_value().eq(Cat(*codes)),
                *[held.eq(lanes_) for held, lanes_ in zip(held_whole, whole, strict=True)],
                pending.eq(Cat(*[lanes_.any() for lanes_ in whole], any_of(codes, lanes).any())),
            ]
        with m.Elif(self.pulse.ready):
            m.d.sync += pending.eq(rest)
        return m
