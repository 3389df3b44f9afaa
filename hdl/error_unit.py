"""Errors of one group at a time (twin of `golden/error_unit.py`)."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.error_unit import ErrorParameters


class ErrorUnit(wiring.Component):
    """Turns centred output sums, or backward sums, into errors, and finds the largest output.

    One group per cycle; errors and running maximum 1 cycle after `output` or `hidden`.

    Parameters
    ----------
    parameters : ErrorParameters
        Widths, margin and shifts.
    group : int
        Lanes per group.
    sum_bits : int
        Width of a sum, signed; centred sums have one bit more.
    classes : int
        Number of outputs.
    span : int
        Elements of the output vector with the padding of its last group.

    Attributes
    ----------
    output : Signal(1), in
        A group of the last layer is at `centred`.
    hidden : Signal(1), in
        A group of backward sums is at `sums`.
    begin : Signal(1), in
        Forget the maximum and the learn flag.
    base : in
        Class of the group's first lane.
    label : in
        The sample's class.
    mask : Signal(group), in
        Lanes that hold elements; the others' errors are zero.
    centred : array of signed, in
        Output sums less their offsets.
    sums : array of signed, in
        Backward sums.
    window : Signal(group), in
        Derivative windows of the hidden neurons.
    errors : array of signed, out
        The group's errors.
    valid : Signal(1), out
        One cycle after `output` or `hidden`.
    prediction : Signal, out
        Class of the largest output so far, the lowest on a tie.
    learn : Signal(1), out
        An output error so far is not zero.
    """

    def __init__(self, parameters: ErrorParameters, *, group: int, sum_bits: int, classes: int, span: int) -> None:
        self._parameters = parameters
        self._group = group
        super().__init__(
            {
                "output": In(1),
                "hidden": In(1),
                "begin": In(1),
                "base": In(range(span)),
                "label": In(range(classes)),
                "mask": In(group),
                "centred": In(data.ArrayLayout(signed(sum_bits + 1), group)),
                "sums": In(data.ArrayLayout(signed(sum_bits), group)),
                "window": In(group),
                "errors": Out(data.ArrayLayout(signed(parameters.bits), group)),
                "valid": Out(1),
                "prediction": Out(range(classes)),
                "learn": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        p = self._parameters
        half = 1 << (p.backward_shift - 1) if p.backward_shift else 0
        outputs, hiddens = [], []
        for lane in range(self._group):
            target = self.base + lane == self.label
            centred, total = self.centred[lane], self.sums[lane]
            # tau * (M - tau * t) is M - t for the label and -(M + t) for every other class
            violation = Signal(signed(len(centred) + 16), name=f"violation{lane}")
            size = Signal(p.bits - 1, name=f"size{lane}")
            scaled = Signal(signed(len(total) + 1), name=f"scaled{lane}")
            m.d.comb += [
                violation.eq(p.margin + Mux(target, -centred, centred)),
                size.eq(Mux(violation < 0, 0, Mux(violation >> p.shift > p.limit, p.limit, violation >> p.shift))),
                scaled.eq((total + half) >> p.backward_shift),
            ]
            output, hidden = Signal(signed(p.bits), name=f"output{lane}"), Signal(signed(p.bits), name=f"hidden{lane}")
            m.d.comb += [
                output.eq(Mux(self.mask[lane], Mux(target, size, -size), 0)),
                hidden.eq(
                    Mux(
                        self.mask[lane] & self.window[lane],
                        Mux(scaled > p.limit, p.limit, Mux(scaled < -p.limit, -p.limit, scaled)),
                        0,
                    )
                ),
            ]
            outputs.append(output)
            hiddens.append(hidden)
        m.d.sync += self.valid.eq(self.output | self.hidden)
        for enable, values in ((self.output, outputs), (self.hidden, hiddens)):
            with m.If(enable):
                m.d.sync += [error.eq(value) for error, value in zip(self.errors, values, strict=True)]

        # the largest of the group in a tree, the lower lane on a tie; lanes without elements never win
        entries = [(self.mask[lane], self.centred[lane], self.base + lane) for lane in range(self._group)]
        while len(entries) > 1:
            merged = []
            for at in range(0, len(entries) - 1, 2):
                (valid, value, index), (other_valid, other_value, other_index) = entries[at : at + 2]
                level = f"{len(entries)}_{at}"
                second = Signal(name=f"second{level}")
                largest = Signal(signed(len(value)), name=f"largest{level}")
                where = Signal(len(self.base), name=f"where{level}")
                m.d.comb += [
                    second.eq(other_valid & (~valid | (other_value > value))),
                    largest.eq(Mux(second, other_value, value)),
                    where.eq(Mux(second, other_index, index)),
                ]
                merged.append((valid | other_valid, largest, where))
            entries = merged + entries[len(entries) - len(entries) % 2 :]
        valid, value, index = entries[0]
        best = Signal(signed(len(value)), name="best")
        found = Signal(name="found")
        with m.If(self.begin):
            m.d.sync += [found.eq(0), self.learn.eq(0)]
        with m.If(self.output):
            with m.If(valid & (~found | (value > best))):
                m.d.sync += [found.eq(1), best.eq(value), self.prediction.eq(index)]
            with m.If(Cat(error.any() for error in outputs).any()):
                m.d.sync += self.learn.eq(1)
        return m
