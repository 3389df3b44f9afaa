"""Every block that can be generated on its own, as the block tests need it."""

from collections.abc import Callable

from amaranth.lib import wiring

from gen.register_map import register_map
from golden.config import MachineConfig
from hdl.array.synapse_array import SynapseArray
from hdl.bus.axi_lite import AxiLite
from hdl.bus.axi_registers import AxiRegisters
from hdl.bus.control import Control
from hdl.bus.framer import Framer
from hdl.bus.register_bank import RegisterBank
from hdl.bus.stream_out import StreamOut
from hdl.collector import Collector
from hdl.counters import EventCounters
from hdl.drivers import ColumnDriver, RowDriver
from hdl.error_unit import ErrorUnit
from hdl.gradient_memory import GradientMemory
from hdl.input_buffer import InputBuffer
from hdl.lfsr import Lfsr
from hdl.loader import Loader
from hdl.neuron import Neurons
from hdl.periphery.periphery import Periphery
from hdl.sequencer import Sequencer
from hdl.update_unit import UpdateUnit
from hdl.vector_memory import VectorMemory


def _lfsr(config: MachineConfig) -> Lfsr:
    """Make the first bank of the array's random streams."""
    bits, lanes = config.switching.threshold_bits, config.array.slice_lanes
    return Lfsr(config.random, first=0, lanes=lanes, streams=config.streams, bits=bits)


#: Block name -> how a configuration makes it.
BLOCKS: dict[str, Callable[[MachineConfig], wiring.Component]] = {
    "axi_lite": lambda config: AxiLite(),
    "axi_registers": lambda config: AxiRegisters(register_map(config)),
    "bus_output": StreamOut,  # `output` is a word of Verilog
    "collector": Collector,
    "column_driver": ColumnDriver,
    "control": Control,
    "counters": EventCounters,
    "error_unit": ErrorUnit,
    "framer": Framer,
    "gradient_memory": GradientMemory,
    "input_buffer": InputBuffer,
    "lfsr": _lfsr,
    "loader": Loader,
    "neuron": Neurons,
    "periphery": Periphery,
    "registers": lambda config: RegisterBank(register_map(config)),
    "row_driver": RowDriver,
    "sequencer": Sequencer,
    "synapse_array": SynapseArray,
    "update_unit": UpdateUnit,
    "vector_memory": VectorMemory,
}
