"""Every block that can be generated on its own, as the block tests need it."""

from collections.abc import Callable

from amaranth.lib import wiring

from gen import register_map
from golden.config import MachineConfig
from hdl.array.array_interface import ArraySignature
from hdl.array.synapse_array import SynapseArray
from hdl.bus.axi_lite import AxiLite
from hdl.bus.axi_registers import AxiRegisters
from hdl.bus.control import Control
from hdl.bus.framer import Framer
from hdl.bus.register_bank import RegisterBank
from hdl.bus.stream_out import Output
from hdl.collector import Collector
from hdl.counters import EventCounters, increment_widths
from hdl.drivers import ColumnDriver, RowDriver
from hdl.error_unit import ErrorUnit
from hdl.gradient_memory import GradientMemory
from hdl.input_buffer import InputBuffer
from hdl.lfsr import Lfsr
from hdl.loader import Loader
from hdl.neuron import Neurons
from hdl.periphery import Periphery
from hdl.sequencer import Sequencer
from hdl.update_unit import UpdateUnit
from hdl.vector_memory import VectorMemory


def _depth(config: MachineConfig) -> int:
    return max(config.geometry.vector_groups, config.geometry.groups(0))


def _longest(config: MachineConfig) -> int:
    return max(instruction.words for section in config.program.transfers.values() for instruction in section)


#: Block name -> how a configuration makes it.
BLOCKS: dict[str, Callable[[MachineConfig], wiring.Component]] = {
    "axi_lite": lambda c: AxiLite(),
    "axi_registers": lambda c: AxiRegisters(register_map.register_map(c)),
    # `output` is a word of Verilog
    "bus_output": lambda c: Output(word_bits=2 * c.array.group, class_bits=(c.layers[-1] - 1).bit_length()),
    "collector": lambda c: Collector(c.geometry),
    "column_driver": lambda c: ColumnDriver(
        lanes=c.array.lanes, group=c.array.group, depth=_depth(c), value_bits=c.error.bits
    ),
    "control": Control,
    "counters": lambda c: EventCounters(increment_widths(ArraySignature(c))),
    "error_unit": lambda c: ErrorUnit(
        c.error,
        group=c.array.group,
        sum_bits=c.geometry.sum_bits,
        classes=c.layers[-1],
        span=c.geometry.groups(len(c.layers) - 1) * c.array.group,
    ),
    "framer": Framer,
    "gradient_memory": lambda c: GradientMemory(
        c.gradient,
        rows=c.geometry.rows,
        lanes=c.array.lanes,
        error_bits=c.error.bits,
        adders=c.array.adders,
        stages=c.array.stages,
    ),
    "input_buffer": lambda c: InputBuffer(
        groups=c.geometry.groups(0), group=c.array.group, classes=c.layers[-1], value_bits=c.error.bits
    ),
    "lfsr": lambda c: Lfsr(
        c.random,
        first=0,
        lanes=c.array.slice_lanes,
        streams=c.streams,
        bits=c.switching.threshold_bits,
    ),
    "loader": lambda c: Loader(words=_longest(c), word_bits=2 * c.array.group),
    "neuron": lambda c: Neurons(
        c.neuron,
        groups=c.geometry.vector_groups,
        group=c.array.group,
        sum_bits=c.geometry.sum_bits,
        error_bits=c.error.bits,
    ),
    "periphery": Periphery,
    "registers": lambda c: RegisterBank(register_map.register_map(c)),
    "row_driver": lambda c: RowDriver(
        group=c.array.group, depth=_depth(c), rows=c.geometry.rows, value_bits=c.error.bits
    ),
    "sequencer": lambda c: Sequencer(c.geometry, c.program),
    "synapse_array": SynapseArray,
    "update_unit": lambda c: UpdateUnit(
        c.pulse,
        c.switching,
        c.gradient,
        rows=c.geometry.rows,
        lanes=c.array.lanes,
        steps=c.steps,
        writing=c.array_writing,
        word_bits=2 * c.array.group,
    ),
    "vector_memory": lambda c: VectorMemory(
        groups=c.geometry.vector_groups, group=c.array.group, error_bits=c.error.bits
    ),
}
