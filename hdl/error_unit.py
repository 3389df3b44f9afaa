"""Errors of one group at a time (twin of `golden/error_unit.py`)."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.planes import reg_en, wire
from hdl.neuron import clamp


class ErrorUnit(wiring.Component):
    """Turns centred output sums, or backward sums, into errors, and finds the largest output.

    One group per cycle; errors 1 cycle after `output` or `hidden`, the learn flag 2 cycles after `output`, the running
    maximum as many cycles later as the group has levels of a tree of two, and one.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    output : Signal(1), in
        A group of the last layer is at `centred`.
    hidden : Signal(1), in
        A group of backward sums is at `sums`.
    begin : Signal(1), in
        Forget the maximum and the learn flag.
    ahead : Signal(1), in
        In the cycle before `output`: `base` is that group's.
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
    idle : Signal(1), out
        No group is under way: `prediction` and `learn` are final.
    """

    def __init__(self, config: MachineConfig) -> None:
        geometry, classes = config.geometry, config.sizes[-1]
        self._parameters = config.error
        self._group = group = geometry.group
        # elements of the output vector with the padding of its last group
        span = geometry.groups(len(config.layers) - 1) * group
        super().__init__(
            {
                "output": In(1),
                "hidden": In(1),
                "begin": In(1),
                "ahead": In(1),
                "base": In(range(span)),
                "label": In(range(classes)),
                "mask": In(group),
                "centred": In(data.ArrayLayout(signed(geometry.sum_bits + 1), group)),
                "sums": In(data.ArrayLayout(signed(geometry.sum_bits), group)),
                "window": In(group),
                "errors": Out(data.ArrayLayout(signed(config.error.bits), group)),
                "valid": Out(1),
                "prediction": Out(range(classes)),
                "learn": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        # which lane the label is in, and the number of the group's first lane beside the group
        base = reg_en(m, "base1", self.ahead, self.base[: len(self.prediction)])
        targets = Cat(self.base + lane == self.label for lane in range(self._group))
        target = reg_en(m, "target", self.ahead, targets)
        errors = []
        for lane in range(self._group):
            output = self._output(m, lane, target[lane])
            hidden = self._hidden(m, lane)
            chosen = Mux(self.output, output, hidden)
            errors.append(Mux(self.mask[lane] & (self.output | self.window[lane]), chosen, 0))
        outputs = Signal(name="outputs")
        m.d.sync += [self.valid.eq(self.output | self.hidden), outputs.eq(self.output)]
        with m.If(self.output | self.hidden):
            m.d.sync += [register.eq(error) for register, error in zip(self.errors, errors, strict=True)]
        self._predict(m, base)
        with m.If(self.begin):
            m.d.sync += self.learn.eq(0)
        with m.If(outputs & self.errors.as_value().any()):
            m.d.sync += self.learn.eq(1)
        return m

    def _output(self, m: Module, lane: int, target: Value) -> Value:
        """Build the error of an output."""
        p, centred = self._parameters, self.centred[lane]
        # tau * (M - tau * t) is M - t for the label and -(M + t) for every other class; the bit below adds 1 to the
        # inverse of t, so that an FPGA needs one adder
        bits = max(len(centred), p.margin.bit_length() + 1) + 1
        total = Signal(signed(bits + 1), name=f"total{lane}")
        m.d.comb += total.eq(
            Cat(target, centred.as_unsigned() ^ target.replicate(len(centred))).as_signed()
            + Const(2 * p.margin + 1, bits + 1)
        )
        violation = wire(m, f"violation{lane}", total >> (1 + p.shift))
        above = violation[:-1] >> (p.bits - 1)
        limited = Mux(above.any(), p.limit, violation[:-1])[: p.bits - 1]
        size = wire(m, f"size{lane}", Mux(violation < 0, 0, limited))
        # the negative of a number inverts what is above its lowest 1: logic, which is faster than a chain this short
        inverts = [~target & size[:bit].any() for bit in range(p.bits)]
        return (Cat(size, Const(0, 1)) ^ Cat(inverts)).as_signed()

    def _hidden(self, m: Module, lane: int) -> Value:
        """Build the error of a hidden neuron."""
        p = self._parameters
        shift = p.backward(0)
        half = 1 << (shift - 1) if shift else 0
        scaled = wire(m, f"scaled{lane}", (self.sums[lane] + half) >> shift)
        clamped = wire(m, f"clamped{lane}", clamp(scaled, p.bits))
        # symmetric: the most negative number becomes the next
        return Cat(clamped[0] | (clamped[-1] & ~clamped[1:-1].any()), clamped[1:]).as_signed()

    def _predict(self, m: Module, base: Value) -> None:
        """Find the largest output: of a group in a tree, one level per cycle, then of all groups.

        The lower lane wins on a tie; lanes without elements never do.
        """
        stage = self.output
        # a group may have more lanes than there are outputs
        bits = min((self._group - 1).bit_length(), len(self.prediction))
        entries: list[tuple[Value, Value, Value]] = [
            (self.mask[lane], self.centred[lane], Const(lane % (1 << bits), bits)) for lane in range(self._group)
        ]
        busy = []
        while len(entries) > 1:
            level, merged = len(entries), []
            for at in range(0, level - 1, 2):
                (valid, value, lane), (other_valid, other_value, other_lane) = entries[at : at + 2]
                second = wire(m, f"second{level}_{at}", other_valid & (~valid | (other_value > value)))
                merged.append(
                    (
                        reg_en(m, f"any{level}_{at}", stage, valid | other_valid),
                        reg_en(m, f"largest{level}_{at}", stage, Mux(second, other_value, value)),
                        reg_en(m, f"where{level}_{at}", stage, Mux(second, other_lane, lane)),
                    )
                )
            if level % 2:
                merged.append(
                    tuple(
                        reg_en(m, f"{name}{level}", stage, entry)
                        for name, entry in zip(("any", "largest", "where"), entries[-1], strict=True)
                    )
                )
            base = reg_en(m, f"base{level}", stage, base)
            entries = merged
            following = Signal(name=f"stage{level}")
            m.d.sync += following.eq(stage)
            stage = following
            busy.append(stage)
        ((valid, value, lane),) = entries
        best, found = Signal.like(value, name="best", reset_less=True), Signal(name="found")
        with m.If(self.begin):
            m.d.sync += found.eq(0)
        with m.If(stage & valid & (~found | (value > best))):
            m.d.sync += [found.eq(1), best.eq(value), self.prediction.eq(base + lane)]
        m.d.comb += self.idle.eq(~Cat(self.valid, *busy).any())
