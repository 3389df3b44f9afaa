"""The machine on a bus, as docs/bus.md describes it."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, DomainRenamer, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from golden.registers import RegisterMap

from golden.config import MachineConfig
from golden.counters import COUNTERS
from golden.errors import Error
from golden.input_buffer import word_bytes
from hdl.axi_lite import AxiLite, axi_lite_ports
from hdl.control import Control
from hdl.framer import Framer
from hdl.machine import Machine
from hdl.output import Output
from hdl.registers import RegisterBank


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
    machine : wiring.Component, optional
        A component with the ports of `Machine`; by default one.

    Attributes
    ----------
    s_axi_* : AXI4-Lite slave
        Registers; 32 bits of data.
    s_axis_tdata, s_axis_tvalid, s_axis_tready, s_axis_tlast : AXI4-Stream slave
        Samples and loads.
    m_axis_tdata, m_axis_tvalid, m_axis_tready, m_axis_tlast : AXI4-Stream master
        Predictions and dumps.
    irq : Signal(1), out
        An interrupt that is enabled stands.
    """

    def __init__(
        self, config: MachineConfig, registers: RegisterMap, design: int, machine: wiring.Component | None = None
    ) -> None:
        self._config, self._registers, self._design = config, registers, design
        self._machine = machine or Machine(config)
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
        config = self._config
        word_bits = 2 * config.geometry.group
        # all that the host's reset reaches; the handshakes of the bus are outside
        m.domains.core = ClockDomain(local=True)
        core = DomainRenamer("core")
        m.submodules.axi_lite = lite = AxiLite()
        m.submodules.registers = bank = RegisterBank(self._registers)
        m.submodules.output = output = Output(word_bits=word_bits, class_bits=(config.layers[-1] - 1).bit_length())
        m.submodules.framer = framer = core(Framer(config))
        m.submodules.control = control = core(Control(config))
        m.submodules.machine = machine = core(self._machine)
        m.d.comb += [
            ClockSignal("core").eq(ClockSignal()),
            ResetSignal("core").eq(ResetSignal() | bank.control_reset),
        ]

        # registers
        for name in axi_lite_ports():
            port = getattr(self, name)
            m.d.comb += port.eq(getattr(lite, name)) if name in _LITE_OUTPUTS else getattr(lite, name).eq(port)
        wiring.connect(m, lite.request, bank.request)
        wiring.connect(m, bank.answer, lite.answer)
        for error in Error:
            source = getattr(bank, error.name.lower()) if error >= Error.UNMAPPED else control.errors[error]
            m.d.comb += getattr(bank, f"error_{error.name.lower()}").eq(source)
        for name in COUNTERS:
            m.d.comb += getattr(bank, f"counter_{name}").eq(machine.counters[name])
        m.d.comb += [
            bank.clear.eq(bank.control_reset),
            bank.design.eq(self._design),
            bank.status_busy.eq(control.busy),
            bank.status_waiting.eq(machine.waiting),
            *[
                getattr(bank, f"status_{name}").eq(getattr(control, name))
                for name in ("pulse_table", "switching_table", "neurons", "gradients")
            ],
            bank.interrupt_done.eq(control.done),
            bank.interrupt_error.eq(bank.error.any()),
            self.irq.eq((bank.enable_done & bank.interrupt[0]) | (bank.enable_error & bank.error.any())),
        ]

        # commands
        wiring.connect(m, control.command, machine.command)
        m.d.comb += [
            control.start.eq(bank.control_start),
            control.hold.eq(bank.control_stop),
            control.operation.eq(bank.command_operation),
            *[
                getattr(control, name).eq(getattr(bank, name))
                for name in ("samples", "batch", "timeout", "rate", "error")
            ],
            control.faults.eq(Cat(framer.label, framer.short, framer.long)),
            control.waiting.eq(machine.waiting),
            control.abandoned.eq(machine.abandoned),
            control.output_idle.eq(output.idle),
            control.unfinished.eq(framer.unfinished),
            control.taken.eq(framer.taken),
            *[getattr(machine, name).eq(getattr(control, name)) for name in ("rates", "stop", "abort", "flush")],
            *[getattr(framer, name).eq(getattr(control, name)) for name in ("loading", "words", "discard")],
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
