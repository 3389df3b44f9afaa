"""The blocks of the periphery, and the present operation, decoded for all that are wired by it."""

from amaranth.hdl import Module, Signal

from golden.config import MachineConfig
from golden.sequencer import Op, Source
from hdl.collector import Collector
from hdl.counters import EventCounters
from hdl.drivers import ColumnDriver, RowDriver
from hdl.error_unit import ErrorUnit
from hdl.gradient_memory import GradientMemory
from hdl.input_buffer import InputBuffer
from hdl.lib.planes import wire
from hdl.loader import Loader
from hdl.neuron import Neurons
from hdl.sequencer import Sequencer
from hdl.update_unit import UpdateUnit
from hdl.vector_memory import VectorMemory


class Blocks:
    """All blocks, not yet wired.

    Parameters
    ----------
    m : Module
        Where they become submodules.
    config : MachineConfig
        The machine.

    Attributes
    ----------
    config : MachineConfig
        The machine.
    sequencer, inputs, vectors, rows, columns, collector, neurons, errors, gradient, update, loader, counters
        The blocks.
    doing : dict of Op to Signal(1)
        The present operation, one-hot.
    from_input, from_errors : Signal(1)
        Its vector is the input, or errors.
    row : Signal
        The row that it sweeps over in this cycle.
    """

    def __init__(self, m: Module, config: MachineConfig) -> None:
        self.config = config
        m.submodules.sequencer = self.sequencer = Sequencer(config)
        m.submodules.input_buffer = self.inputs = InputBuffer(config)
        m.submodules.vector_memory = self.vectors = VectorMemory(config)
        m.submodules.row_driver = self.rows = RowDriver(config)
        m.submodules.column_driver = self.columns = ColumnDriver(config)
        m.submodules.collector = self.collector = Collector(config)
        m.submodules.neurons = self.neurons = Neurons(config)
        m.submodules.error_unit = self.errors = ErrorUnit(config)
        m.submodules.gradient_memory = self.gradient = GradientMemory(config)
        m.submodules.update_unit = self.update = UpdateUnit(config)
        m.submodules.loader = self.loader = Loader(config)
        m.submodules.event_counters = self.counters = EventCounters(config)

        instruction, sweep = self.sequencer.instruction, self.sequencer.sweep
        self.doing: dict[Op, Signal] = {op: wire(m, f"doing_{op.name.lower()}", instruction.op == op) for op in Op}
        self.from_input = wire(m, "from_input", instruction.source == Source.INPUT)
        self.from_errors = wire(m, "from_errors", instruction.source == Source.ERROR)
        row_bits = (config.geometry.rows - 1).bit_length() or 1
        self.row = wire(m, "swept_row", (instruction.row + sweep.payload.index)[:row_bits])
