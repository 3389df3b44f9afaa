"""Activations, derivative windows and errors, one word per group (twin of `golden/vector_memory.py`)."""

from amaranth.hdl import Module, Mux, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out


class VectorMemory(wiring.Component):
    """Three memories with a common group address. Reads answer in the next cycle.

    Parameters
    ----------
    groups : int
        Depth.
    group : int
        Elements per word.
    error_bits : int
        Width of an error and of every element read.

    Attributes
    ----------
    address : in
        Group to read.
    errors : Signal(1), in
        Read errors, not activations; stable during a read.
    word : array of signed, out
        The elements.
    window_address : in
        Group whose derivative windows to read.
    window : Signal(group), out
        The windows.
    target : in
        Group to write.
    write_neurons : Signal(1), in
        Write `activations` and `windows`.
    activations : array of signed(2), in
        Trits.
    windows : Signal(group), in
        Where the neuron's derivative is not zero.
    write_errors : Signal(1), in
        Write `deltas`.
    deltas : array of signed, in
        Errors.
    """

    def __init__(self, *, groups: int, group: int, error_bits: int) -> None:
        self._groups, self._group, self._error_bits = groups, group, error_bits
        errors = data.ArrayLayout(signed(error_bits), group)
        super().__init__(
            {
                "address": In(range(groups)),
                "errors": In(1),
                "word": Out(errors),
                "window_address": In(range(groups)),
                "window": Out(group),
                "target": In(range(groups)),
                "write_neurons": In(1),
                "activations": In(data.ArrayLayout(signed(2), group)),
                "windows": In(group),
                "write_errors": In(1),
                "deltas": In(errors),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()

        def bank(name: str, width: int) -> tuple[memory.ReadPort, memory.WritePort]:
            m.submodules[name] = block = memory.Memory(shape=unsigned(width), depth=self._groups, init=[])
            return block.read_port(), block.write_port()

        trits_read, trits_write = bank("activation", 2 * self._group)
        window_read, window_write = bank("derivative", self._group)
        error_read, error_write = bank("error", self._error_bits * self._group)
        trits = data.View(self.activations.shape(), trits_read.data)
        deltas = data.View(self.deltas.shape(), error_read.data)
        for element in range(self._group):
            m.d.comb += self.word[element].eq(Mux(self.errors, deltas[element], trits[element]))
        m.d.comb += self.window.eq(window_read.data)
        for read, address in (
            (trits_read, self.address),
            (error_read, self.address),
            (window_read, self.window_address),
        ):
            m.d.comb += [read.addr.eq(address), read.en.eq(1)]
        for write, value, enable in (
            (trits_write, self.activations, self.write_neurons),
            (window_write, self.windows, self.write_neurons),
            (error_write, self.deltas, self.write_errors),
        ):
            m.d.comb += [write.addr.eq(self.target), write.data.eq(value), write.en.eq(enable)]
        return m
