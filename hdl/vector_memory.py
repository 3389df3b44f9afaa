"""Activations, derivative windows and errors, one word per group (twin of `golden/vector_memory.py`)."""

from amaranth.hdl import Cat, Module, Mux, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from golden.config import MachineConfig
from hdl.lib.planes import extend, transpose
from hdl.lib.ram_pipeline import BLOCK_RAM


class VectorMemory(wiring.Component):
    """Three memories with a common group address. Reads answer in the next cycle.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    address : in
        Group to read.
    errors : Signal(1), in
        Read errors, not activations; stable during a read.
    word : planes, out
        The elements, signed.
    window_address : in
        Group whose derivative windows to read.
    window : Signal(group), out
        The windows.
    target : in
        Group to write.
    write_neurons : Signal(1), in
        Write `activations` and `windows`.
    activations : planes, in
        Trits.
    windows : Signal(group), in
        Where the neuron's derivative is not zero.
    write_errors : Signal(1), in
        Write `deltas`.
    error_target : in
        Group to write them to.
    deltas : array of signed, in
        Errors.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._groups, self._group = config.geometry.vector_groups, config.geometry.group
        self._error_bits = config.error.bits
        groups, group, error_bits = self._groups, self._group, self._error_bits
        super().__init__(
            {
                "address": In(range(groups)),
                "errors": In(1),
                "word": Out(data.ArrayLayout(group, error_bits)),
                "window_address": In(range(groups)),
                "window": Out(group),
                "target": In(range(groups)),
                "write_neurons": In(1),
                "activations": In(data.ArrayLayout(group, 2)),
                "windows": In(group),
                "write_errors": In(1),
                "error_target": In(range(groups)),
                "deltas": In(data.ArrayLayout(signed(error_bits), group)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()

        def bank(name: str, width: int) -> tuple[memory.ReadPort, memory.WritePort]:
            m.submodules[name] = block = memory.Memory(
                shape=unsigned(width), depth=self._groups, init=[], attrs=BLOCK_RAM
            )
            return block.read_port(), block.write_port()

        trits_read, trits_write = bank("activation", 2 * self._group)
        window_read, window_write = bank("derivative", self._group)
        error_read, error_write = bank("error", self._error_bits * self._group)
        trits = data.View(self.activations.shape(), trits_read.data)
        m.d.comb += [
            self.word.as_value().eq(
                Mux(self.errors, error_read.data, Cat(*extend([trits[0], trits[1]], self._error_bits)))
            ),
            self.window.eq(window_read.data),
        ]
        for read, address in (
            (trits_read, self.address),
            (error_read, self.address),
            (window_read, self.window_address),
        ):
            m.d.comb += [read.addr.eq(address), read.en.eq(1)]
        deltas = Cat(*transpose(list(self.deltas), self._error_bits))
        for write, target, value, enable in (
            (trits_write, self.target, self.activations, self.write_neurons),
            (window_write, self.target, self.windows, self.write_neurons),
            (error_write, self.error_target, deltas, self.write_errors),
        ):
            m.d.comb += [write.addr.eq(target), write.data.eq(value), write.en.eq(enable)]
        return m
