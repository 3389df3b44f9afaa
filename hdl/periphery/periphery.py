"""The digital periphery: everything but the array, wired along the block diagram of docs/architecture.md."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from golden.config import MachineConfig
from hdl.array.array_interface import ArraySignature
from hdl.periphery.blocks import Blocks
from hdl.periphery.commands import commands
from hdl.periphery.events import events
from hdl.periphery.host import host
from hdl.periphery.host_interface import HostSignature
from hdl.periphery.results import results
from hdl.periphery.transfers import transfers


class Periphery(wiring.Component):
    """Trains and tests on the array behind `macro`, which it never looks into.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    command, samples, results, ... : as in `HostSignature`
        The host.
    macro : ArraySignature
        The array.
    """

    #: Signatures whose members are ports, and are documented there.
    interfaces = (HostSignature,)

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        super().__init__({**HostSignature(config).members, "macro": Out(ArraySignature(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        blocks = Blocks(m, self._config)
        host(m, blocks, self)
        port = commands(m, blocks, self)
        transfers(m, blocks, self, port)
        results(m, blocks, self.macro)
        events(m, blocks, self, port)
        m.d.comb += blocks.sequencer.quiet.eq(
            ~blocks.rows.busy
            & ~blocks.columns.busy
            & port.idle
            & blocks.collector.idle
            & blocks.neurons.idle
            & blocks.gradient.idle
            & blocks.update.idle
            & blocks.loader.idle
        )
        return m
