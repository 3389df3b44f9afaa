"""Slices of lanes, which share the circuits that write (see `golden.array.synapse_array.ArrayParameters.slices`)."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from golden.array.synapse_array import ArrayParameters
from golden.cycles import array_writing
from hdl.lib.planes import pipeline, wire


class Slices:
    """The walk of one command over the slices, and the stages of what is done to each.

    A slice is chosen in the first stage; with 3 stages what is looked up for it follows in the second. In the last it
    is compared with random words, and the outcome stored.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    parameters : ArrayParameters
        Lanes, slices and stages.
    begin : Value
        A command is in the first stage with its first slice.

    Attributes
    ----------
    comparing : Signal(1)
        A slice is in the last stage.
    last : Value
        It is the command's last.
    working : Value
        A slice is in any stage.
    ending : Value
        The command's last slice is in the last stage or the one before.
    """

    def __init__(self, m: Module, parameters: ArrayParameters, begin: Value) -> None:
        self._m, self._parameters = m, parameters
        slices, stages = parameters.slices, parameters.stages
        self._index: Value = Const(0, 0)
        choosing, last = begin, begin
        if slices > 1:
            self._index = index = Signal(range(slices), name="slice")
            more = Signal(name="more_slices")
            choosing = wire(m, "choosing", begin | more)
            last = wire(m, "choosing_last", choosing & index.all())
            m.d.sync += more.eq(choosing & ~last)
            with m.If(choosing):
                m.d.sync += index.eq(index + 1)
        self._choosing = choosing
        walk = [(choosing, last)]
        for stage in range(1, stages):
            after = Signal(name=f"choosing_{stage}"), Signal(name=f"choosing_last_{stage}")
            m.d.sync += [now.eq(before) for now, before in zip(after, walk[-1], strict=True)]
            walk.append(after)
        self.comparing, self.last = walk[-1]
        self.ending = self.last if stages == 1 else self.last | walk[-2][1]
        self.working: Value = walk[0][0]
        for chosen, _ in walk[1:]:
            self.working = self.working | chosen

    def free(self, accept: Value, stall: Value) -> Value:
        """Whether another command may come; `accept` when one for all slices does, `stall` while it waits."""
        m, cycles = self._m, array_writing(self._parameters.slices, self._parameters.stages)
        if cycles == 1:
            return Const(1)
        left = Signal(range(cycles), name="slices_left")
        free = Signal(name="slices_free", init=1)
        with m.If(accept):
            m.d.sync += [left.eq(cycles - 2), free.eq(0)]
        with m.Elif(~stall):
            with m.If(left != 0):
                m.d.sync += left.eq(left - 1)
            with m.Else():
                m.d.sync += free.eq(1)
        return free

    def rotating(self, name: str, enable: Value, plane: Value) -> Signal:
        """Register a plane; it rotates from slice to slice, so that the lanes of the chosen one are the lowest."""
        register = Signal(len(plane), name=name, reset_less=True)
        if self._parameters.slices > 1:
            with self._m.If(self._choosing):
                self._m.d.sync += register.eq(register.rotate_right(self._parameters.slice_lanes))
        with self._m.If(enable):
            self._m.d.sync += register.eq(plane)
        return register

    def chosen(self, name: str, rotating: Value) -> Value:
        """Give the chosen slice's lanes of a plane of which they are the lowest."""
        if self._parameters.slices == 1:
            return rotating  # nothing to choose, and it is there as long as the command is
        lowest = rotating[: self._parameters.slice_lanes]
        return pipeline(self._m, f"{name}_chosen", lowest, int(self._parameters.stages > 2))

    def selected(self, name: str, plane: Value) -> Value:
        """Give the chosen slice's lanes of a plane that stays where it is."""
        for at, bit in enumerate(reversed(self._index)):
            half = len(plane) // 2
            plane = wire(self._m, f"{name}_half{at}", Mux(bit, plane[half:], plane[:half]))
        return self.chosen(name, plane)

    def compared(self, name: str, value: Value) -> Value:
        """Pass what has been chosen or looked up to the last stage."""
        return pipeline(self._m, f"{name}_compared", value, int(self._parameters.stages > 1))

    def collect(self, register: Signal, value: Value, when: Value) -> Value:
        """Shift a slice's lanes into a register, the first slice's lowest in the end; give what it becomes."""
        becomes = Cat(register[self._parameters.slice_lanes :], value)
        with self._m.If(when):
            self._m.d.sync += register.eq(becomes)
        return becomes
