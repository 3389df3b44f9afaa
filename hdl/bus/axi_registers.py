"""The register bank as a slave of the bus."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from golden.bus.register_bank import REFUSALS
from golden.bus.register_map import RegisterMap
from hdl.bus.axi_lite import AxiLite, axi_lite_meanings, axi_lite_ports
from hdl.bus.register_bank import RegisterBank, register_meanings, register_ports
from hdl.lib.forward import forward

#: Ports of the bank that have no port here: bits of ERROR for refused accesses, and the level of all its bits.
_INSIDE = (*(f"error_{reason}" for reason in REFUSALS), "interrupt_error")


class AxiRegisters(wiring.Component):
    """The register bank behind the slave; refused accesses set their bits of ERROR, which INTERRUPT.ERROR shows.

    Parameters
    ----------
    registers : RegisterMap
        The registers; their ports are those of `register_ports`, but for those that are connected inside.

    Attributes
    ----------
    s_axi_* : as in `axi_lite_ports`
        The bus.
    clear : Signal(1), in
        All registers return to their reset values; accesses go on.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self._registers = registers
        self._ports = {name: port for name, port in register_ports(registers).items() if name not in _INSIDE}
        #: Meanings of the ports of the bus and of the register map.
        self.meanings = axi_lite_meanings() | register_meanings(registers)
        super().__init__({**axi_lite_ports(), "clear": In(1), **self._ports})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        m.submodules.axi_lite = axi = AxiLite()
        m.submodules.registers = bank = RegisterBank(self._registers)
        wiring.connect(m, axi.request, bank.request)
        wiring.connect(m, bank.answer, axi.answer)
        m.d.comb += bank.clear.eq(self.clear)
        forward(m, self, axi, axi_lite_ports())
        forward(m, self, bank, self._ports)
        m.d.comb += [getattr(bank, f"error_{reason}").eq(getattr(bank, reason)) for reason in REFUSALS]
        m.d.comb += bank.interrupt_error.eq(bank.error.any())
        return m
