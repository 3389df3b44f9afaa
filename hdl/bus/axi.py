"""The machine on a bus, as docs/bus.md describes it (twin of `golden/bus/axi.py`)."""

from amaranth.hdl import Cat, Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.bus.errors import Error
from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from hdl.bus.axi_lite import axi_lite_meanings, axi_lite_ports
from hdl.bus.axi_registers import AxiRegisters
from hdl.bus.control import Control
from hdl.bus.framer import Framer
from hdl.bus.stream_out import StreamOut
from hdl.lib.blackbox import Instantiated
from hdl.lib.forward import forward


class Axi(wiring.Component):
    """Registers on AXI4-Lite, packets in and out on AXI4-Stream, and the machine behind them.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    registers : RegisterMap
        The registers of this machine.
    design : int
        What the register DESIGN says.
    machine : wiring.Component
        A `Machine`, or whatever has its ports.
    module : str
        Name of the module that was made of it.

    Attributes
    ----------
    s_axis_tdata : Signal, in
        A word of a sample or of a load.
    s_axis_tvalid, s_axis_tready, s_axis_tlast : Signal(1)
        It is offered, it is taken, it is its packet's last.
    m_axis_tdata : Signal, out
        A prediction, or a word of a dump.
    m_axis_tvalid, m_axis_tready, m_axis_tlast : Signal(1)
        It is offered, it is taken, it is its packet's last.
    irq : Signal(1), out
        An enabled interrupt is pending.
    """

    #: Meanings of the ports of the bus.
    meanings = axi_lite_meanings()

    def __init__(
        self, config: MachineConfig, registers: RegisterMap, design: int, machine: wiring.Component, module: str
    ) -> None:
        self._config, self._registers, self._design = config, registers, design
        self._machine, self._module = machine, module
        bits = 8 * word_bytes(config.array.group)
        super().__init__(
            {
                **axi_lite_ports(),
                "s_axis_tdata": In(bits),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(bits),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        word_bits = 2 * self._config.geometry.group
        m.submodules.registers = bank = AxiRegisters(self._registers)
        m.submodules.output = output = StreamOut(self._config)
        # the host's reset reaches all but the handshakes of the bus
        reset = ResetInserter(bank.control_reset)
        m.submodules.framer = framer = reset(Framer(self._config))
        m.submodules.control = control = reset(Control(self._config))
        m.submodules.machine = machine = Instantiated(self._machine, self._module, bank.control_reset)

        # registers
        forward(m, self, bank, axi_lite_ports())
        # errors of the bus are the bank's own
        for error in list(Error)[: Error.UNMAPPED]:
            m.d.comb += getattr(bank, f"error_{error.name.lower()}").eq(control.errors[error])
        for name in ("pulse_table", "switching_table", "neurons", "gradients"):
            m.d.comb += getattr(bank, f"status_{name}").eq(getattr(control, name))
        m.d.comb += [
            bank.clear.eq(bank.control_reset),
            bank.counter.eq(machine.counter),
            bank.count.eq(machine.count),
            bank.design.eq(self._design),
            bank.status_busy.eq(control.busy),
            bank.status_waiting.eq(machine.waiting),
            bank.interrupt_done.eq(control.done),
            self.irq.eq((bank.enable_done & bank.interrupt) | (bank.enable_error & bank.error.any())),
        ]

        # commands
        wiring.connect(m, control.command, machine.command)
        for name in ("samples", "batch", "timeout", "update_shift", "error"):
            m.d.comb += getattr(control, name).eq(getattr(bank, name))
        for name in ("update_shifts", "stop", "abort", "flush"):
            m.d.comb += getattr(machine, name).eq(getattr(control, name))
        for name in ("loading", "end", "discard"):
            m.d.comb += getattr(framer, name).eq(getattr(control, name))
        m.d.comb += [
            control.start.eq(bank.control_start),
            control.hold.eq(bank.control_stop),
            control.operation.eq(bank.command_operation),
            control.faults.eq(Cat(framer.label, framer.short, framer.long)),
            control.waiting.eq(machine.waiting),
            control.abandoned.eq(machine.abandoned),
            control.output_idle.eq(output.idle),
            control.unfinished.eq(framer.unfinished),
            control.taken.eq(framer.taken),
            machine.drop.eq(framer.drop),
        ]

        # packets
        wiring.connect(m, framer.samples, machine.samples)
        wiring.connect(m, framer.load, machine.load)
        wiring.connect(m, machine.dump, output.dump)
        m.d.comb += [
            framer.packets.valid.eq(self.s_axis_tvalid),
            framer.packets.payload.word.eq(self.s_axis_tdata[:word_bits]),
            framer.packets.payload.last.eq(self.s_axis_tlast),
            self.s_axis_tready.eq(framer.packets.ready),
            output.predictions.valid.eq(machine.results.valid),
            output.predictions.payload.eq(machine.results.payload.prediction),
            machine.results.ready.eq(output.predictions.ready),
            output.last.eq(machine.last),
            self.m_axis_tdata.eq(output.packets.payload.word),
            self.m_axis_tvalid.eq(output.packets.valid),
            self.m_axis_tlast.eq(output.packets.payload.last),
            output.packets.ready.eq(self.m_axis_tready),
        ]
        return m
