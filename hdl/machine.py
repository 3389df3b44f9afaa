"""The whole machine: periphery and array (twin of `golden/machine.py`)."""

from amaranth.hdl import Module
from amaranth.lib import wiring

from golden.config import MachineConfig
from hdl.array.synapse_array import SynapseArray
from hdl.lib.forward import forward
from hdl.periphery.host_interface import HostSignature
from hdl.periphery.periphery import Periphery


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
    command, samples, results, ... : as in `HostSignature`
        The host.
    """

    #: Signatures whose members are ports, and are documented there.
    interfaces = (HostSignature,)

    def __init__(
        self,
        config: MachineConfig,
        periphery: wiring.Component | None = None,
        array: wiring.Component | None = None,
    ) -> None:
        self._periphery = periphery or Periphery(config)
        self._array = array or SynapseArray(config)
        super().__init__({**HostSignature(config).members})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.periphery = periphery = self._periphery
        m.submodules.array = array = self._array
        wiring.connect(m, periphery.macro, array.macro)
        forward(m, self, periphery, self.signature.members)
        return m
