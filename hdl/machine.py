"""The whole machine: periphery and array (twin of `golden/machine.py`)."""

from amaranth.hdl import Module
from amaranth.lib import wiring

from golden.config import MachineConfig
from hdl.array.synapse_array import SynapseArray
from hdl.periphery import Periphery, periphery_ports


class Machine(wiring.Component):
    """Periphery and array, as simulated and as put on an FPGA.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    periphery, array : wiring.Component, optional
        Components with the ports of `Periphery` and `SynapseArray`; by default these two.

    Attributes
    ----------
    command, samples, results, load, dump, last, waiting, abandoned, stop, abort, drop, flush
        As in `Periphery`, where they are documented.
    update shifts, batch_done, counter, count
        As in `Periphery`, where they are documented.
    """

    def __init__(
        self,
        config: MachineConfig,
        periphery: wiring.Component | None = None,
        array: wiring.Component | None = None,
    ) -> None:
        self._periphery = periphery or Periphery(config)
        self._array = array or SynapseArray(config)
        super().__init__(periphery_ports(config))

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.periphery = periphery = self._periphery
        m.submodules.array = array = self._array
        wiring.connect(m, periphery.macro, array.macro)
        wiring.connect(m, wiring.flipped(self.command), periphery.command)
        wiring.connect(m, wiring.flipped(self.samples), periphery.samples)
        wiring.connect(m, wiring.flipped(self.results), periphery.results)
        wiring.connect(m, wiring.flipped(self.load), periphery.load)
        wiring.connect(m, wiring.flipped(self.dump), periphery.dump)
        for name in ("update_shifts", "stop", "abort", "drop", "flush"):
            m.d.comb += getattr(periphery, name).eq(getattr(self, name))
        for name in ("batch_done", "counter", "count", "last", "waiting", "abandoned"):
            m.d.comb += getattr(self, name).eq(getattr(periphery, name))
        return m
