"""The emulated array of stochastic-MTJ synapses (twin of `golden/array/synapse_array.py`).

This module is the macro: an analog array with the same ports takes its place without a change in the periphery. The
periphery sends commands, holds the column lines and counts `done`; it never looks inside.
"""

from typing import Any

from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from golden.config import MachineConfig
from hdl.array.adc_stage import AdcStage
from hdl.array.array_interface import ArrayOp, ArraySignature
from hdl.array.pipeline import Pipeline
from hdl.array.read_path import read_path
from hdl.array.write_path import WritePath
from hdl.lib.planes import reg_en
from hdl.lib.ram_pipeline import APART


class SynapseArray(wiring.Component):
    """Behavioural array: block RAM for the device states, one row per cycle, switching by LFSR.

    Latency 3 + `stages` cycles from accepted command to `done`, 2 more with converters, one command per cycle. PULSE,
    INIT_RANDOM, WRITE and READ take ``b = slices + stages - 1`` cycles instead of one, in which no other command is
    accepted (`command.ready` low), and their answer comes b - 1 cycles later. A command to a row whose PULSE,
    INIT_RANDOM or WRITE is still under way is accepted, and stalls inside until the new states can be read, 2
    cycles when it follows at once; so long no other command is accepted. With 3 stages none is accepted then whatever
    the rows.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Attributes
    ----------
    macro : ArraySignature, flipped
        The boundary.
    """

    def __init__(self, config: MachineConfig) -> None:
        self._config = config
        super().__init__({"macro": In(ArraySignature(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        config, macro = self._config, self.macro
        m.submodules.states = states = memory.Memory(
            shape=unsigned(config.array.devices * config.array.lanes), depth=config.geometry.rows, init=[], attrs=APART
        )
        read, write = states.read_port(), states.write_port()
        commands = Pipeline(m, config, macro.command)
        answer = self._answer(m, commands)
        m.d.sync += answer.done.eq(commands.answered)
        with m.If(commands.answered):
            m.d.sync += [
                answer.row.eq(commands.answered_row),
                answer.products.eq(0),
                answer.pulses.eq(0),
                answer.pulse_width.eq(0),
                answer.switches.eq(0),
            ]
        write_path = WritePath(m, config, commands, macro)
        read_path(m, config, commands, list(macro.drive), write_path.states, answer)
        write_path.build(read, write, answer)
        return m

    def _answer(self, m: Module, commands: Pipeline) -> Any:
        """Where answers go: to the boundary, or to the converters before it."""
        macro, config = self.macro, self._config
        if not config.nonideal.converting:
            return macro
        # the name is part of the probes' paths
        m.submodules.read_out = adc = AdcStage(config)
        m.d.comb += [
            adc.draw_columns.eq(commands.answering[ArrayOp.SENSE_COLUMNS]),
            adc.draw_row.eq(commands.answering[ArrayOp.SENSE_ROW]),
            *[getattr(macro, name).eq(getattr(adc.answer, name)) for name in adc.answer.signature.members],
        ]
        if config.random.loadable:
            bank: Value = commands.final("bank", reg_en(m, "bank3", commands.acted, commands.select2))
            m.d.comb += [
                adc.shift_columns.eq(commands.answering[ArrayOp.SEED] & (bank == 2)),
                adc.shift_row.eq(commands.answering[ArrayOp.SEED] & (bank == 3)),
                adc.newest.eq(macro.drive[0]),
            ]
        return adc.raw
