"""The microprogram: what the machine does for one sample and for one update (twin of `hdl/sequencer.py`).

The generator writes this program into the hardware's ROM; the golden machine interprets the very same list.
"""

from dataclasses import dataclass
from enum import IntEnum

from golden.geometry import Geometry, Layer, ceil_div


class Op(IntEnum):
    """Operations of the microprogram; docs/contract.md says what each does, step by step."""

    END = 0  #: end of the section
    INIT_RANDOM = 1  #: random device states, zero gradient sums
    RESET = 2  #: initial neuron state
    DRIVE = 3  #: load the column drive with one block of a vector
    ACCUMULATE = 4  #: drive rows with a vector's non-zero elements, columns accumulate
    SENSE_COLUMNS = 5  #: column sums, group by group, through a unit into a vector
    SENSE_ROWS = 6  #: row sums, row by row, through a unit into a vector
    BRANCH = 7  #: leave the section when testing, or when no error is left to learn from
    GRADIENT = 8  #: outer product of a vector's non-zero elements and the column drive
    UPDATE = 9  #: write pulses from the gradient sums, then leak
    WRITE = 10  #: device states of rows from the load stream, zero gradient sums
    READ = 11  #: device states of rows to the dump stream
    LOAD_NEURONS = 12  #: neuron states from the load stream
    DUMP_NEURONS = 13  #: neuron states to the dump stream
    SEED = 14  #: states of a bank of random streams from the load stream
    LOAD_PULSE_TABLE = 15  #: the pulse table from the load stream
    THRESHOLDS = 16  #: the array's switching table from the load stream
    CLEAR_SWITCHED = 17  #: zero gradient sums where the last pulses have switched a device


class HostOp(IntEnum):
    """Commands of the host."""

    INIT_RANDOM = 0  #: random weights, zero gradient sums, initial neurons
    TRAIN = 1  #: train on samples
    TEST = 2  #: classify samples
    LOAD_WEIGHTS = 3  #: device states in, zero gradient sums
    LOAD_NEURONS = 4  #: offsets and scales in
    LOAD_SEEDS = 5  #: states of all random streams in, where they can be loaded
    LOAD_PULSES = 6  #: the pulse table in, where it can be loaded
    LOAD_SWITCHING = 7  #: the switching table in, where it can be loaded
    DUMP_WEIGHTS = 8  #: device states out
    DUMP_NEURONS = 9  #: offsets and scales out


class Source(IntEnum):
    """Where a vector is read from."""

    INPUT = 0
    ACTIVATION = 1
    ERROR = 2


class Unit(IntEnum):
    """What turns a group of sums into a group of a vector."""

    NEURON = 0
    OUTPUT = 1
    HIDDEN = 2


class Phase(IntEnum):
    """Phase to which an operation's cycles are counted."""

    WAIT = 0
    INIT = 1
    FORWARD = 2
    BACKWARD = 3
    GRADIENT = 4
    UPDATE = 5


@dataclass(frozen=True)
class Instruction:
    """One word of the microprogram; fields an operation does not use are 0.

    Attributes
    ----------
    op : Op
        The operation.
    phase : Phase
        Where its cycles are counted.
    source : Source
        Vector memory of DRIVE, ACCUMULATE, GRADIENT.
    unit : Unit
        Unit of SENSE_COLUMNS, SENSE_ROWS.
    group : int
        First group of the vector read or written.
    groups : int
        Number of groups.
    row : int
        First row.
    rows : int
        Number of rows.
    elements : int
        Valid elements from `group` on; the rest of the last groups is forced to zero.
    layer : int
        Layer, for its update shift.
    first, last : bool
        SENSE_ROWS: first and last of the blocks whose row sums add up.
    words : int
        WRITE, LOAD_NEURONS, SEED: words of the load stream per row, group or bit; READ, DUMP_NEURONS: words of the dump
        stream.
    """

    op: Op
    phase: Phase = Phase.WAIT
    source: Source = Source.INPUT
    unit: Unit = Unit.NEURON
    group: int = 0
    groups: int = 0
    row: int = 0
    rows: int = 0
    elements: int = 0
    layer: int = 0
    first: bool = False
    last: bool = False
    words: int = 0


@dataclass(frozen=True)
class Program:
    """The microprogram's sections, each closed by END.

    Attributes
    ----------
    initialise, sample, update : tuple of Instruction
        What INIT_RANDOM does, what TRAIN and TEST do per sample, what TRAIN does per mini-batch.
    transfers : dict of HostOp to tuple of Instruction
        What every load and dump does that the machine has.
    """

    initialise: tuple[Instruction, ...]
    sample: tuple[Instruction, ...]
    update: tuple[Instruction, ...]
    transfers: dict[HostOp, tuple[Instruction, ...]]

    @property
    def words(self) -> dict[HostOp, int]:
        """Words of every load and dump that the machine has."""
        return {
            op: sum(instruction.words * (instruction.rows or instruction.groups) for instruction in section)
            for op, section in self.transfers.items()
        }


def _source(index: int) -> Source:
    return Source.INPUT if index == 0 else Source.ACTIVATION


def _through_rows(geometry: Geometry, layer: Layer, phase: Phase, source: Source, unit: Unit) -> list[Instruction]:
    """Drive rows with the vector on the rows' side of a layer, sense the columns into the other side's vector."""
    row_vector, lane_vector = geometry.sides(layer)
    program = []
    for block in range(layer.blocks):
        program += [
            Instruction(
                Op.ACCUMULATE,
                phase,
                source=source,
                group=geometry.group_base[row_vector],
                groups=geometry.groups(row_vector),
                row=layer.row + block * layer.rows_per_block,
            ),
            Instruction(
                Op.SENSE_COLUMNS,
                phase,
                unit=unit,
                group=geometry.group_base[lane_vector] + block * geometry.groups_per_block,
                groups=geometry.groups_per_block,
                elements=geometry.elements(lane_vector, block),
            ),
        ]
    return program


def _drive(geometry: Geometry, layer: Layer, phase: Phase, source: Source, block: int) -> Instruction:
    _, lane_vector = geometry.sides(layer)
    return Instruction(
        Op.DRIVE,
        phase,
        source=source,
        group=geometry.group_base[lane_vector] + block * geometry.groups_per_block,
        groups=geometry.groups_per_block,
    )


def _through_columns(geometry: Geometry, layer: Layer, phase: Phase, source: Source, unit: Unit) -> list[Instruction]:
    """Drive columns with the vector on the lanes' side of a layer, sense the rows into the other side's vector."""
    row_vector, _ = geometry.sides(layer)
    program = []
    for block in range(layer.blocks):
        program += [
            _drive(geometry, layer, phase, source, block),
            Instruction(
                Op.SENSE_ROWS,
                phase,
                unit=unit,
                group=geometry.group_base[row_vector],
                groups=geometry.groups(row_vector),
                row=layer.row + block * layer.rows_per_block,
                rows=layer.rows_per_block,
                elements=layer.rows_per_block,
                first=block == 0,
                last=block == layer.blocks - 1,
            ),
        ]
    return program


@dataclass(frozen=True)
class Loadable:
    """What a host can load and dump besides device states.

    Attributes
    ----------
    neuron_bits : int
        Bits of one neuron's offset and scale.
    banks : tuple of int
        Banks of random streams that can be loaded.
    stream_bits : int
        Bits of a stream's state.
    pulse_bits, switching_bits : int
        Bits of the whole pulse table and of the whole switching table; 0 for a table that cannot be loaded.
    """

    neuron_bits: int
    banks: tuple[int, ...]
    stream_bits: int
    pulse_bits: int
    switching_bits: int


def _transfers(geometry: Geometry, loadable: Loadable) -> dict[HostOp, tuple[Instruction, ...]]:
    """Write the sections of loads and dumps."""
    lanes = geometry.groups_per_block
    groups, words = geometry.vector_groups, ceil_div(loadable.neuron_bits, 2)
    sections = {
        HostOp.LOAD_WEIGHTS: [Instruction(Op.WRITE, rows=geometry.rows, words=lanes)],
        HostOp.LOAD_NEURONS: [Instruction(Op.LOAD_NEURONS, groups=groups, words=words)],
        HostOp.DUMP_WEIGHTS: [Instruction(Op.READ, rows=geometry.rows, words=lanes)],
        HostOp.DUMP_NEURONS: [Instruction(Op.DUMP_NEURONS, groups=groups, words=words)],
    }
    if loadable.banks:
        sections[HostOp.LOAD_SEEDS] = [
            Instruction(Op.SEED, group=bank, rows=loadable.stream_bits, words=lanes) for bank in loadable.banks
        ]
    for command, op, bits in (
        (HostOp.LOAD_PULSES, Op.LOAD_PULSE_TABLE, loadable.pulse_bits),
        (HostOp.LOAD_SWITCHING, Op.THRESHOLDS, loadable.switching_bits),
    ):
        if bits:
            sections[command] = [Instruction(op, rows=ceil_div(bits, 2 * geometry.group), words=1)]
    return {command: (*section, Instruction(Op.END)) for command, section in sections.items()}


def assemble(geometry: Geometry, loadable: Loadable, *, reset_on_switch: bool) -> Program:
    """Write the microprogram of a network.

    Parameters
    ----------
    geometry : Geometry
        Where every layer and vector lives.
    loadable : Loadable
        What a host can load and dump.
    reset_on_switch : bool
        Whether gradient sums return to 0 where a synapse has switched.

    Returns
    -------
    Program
        All sections.
    """
    end = Instruction(Op.END)
    initialise = [
        Instruction(Op.INIT_RANDOM, Phase.INIT, rows=geometry.rows),
        Instruction(Op.RESET, Phase.INIT, groups=geometry.vector_groups),
    ]

    sample: list[Instruction] = []
    for layer in geometry.layers:
        through = _through_rows if layer.inputs_on_rows else _through_columns
        unit = Unit.OUTPUT if layer.last else Unit.NEURON
        sample += through(geometry, layer, Phase.FORWARD, _source(layer.index), unit)
    sample.append(Instruction(Op.BRANCH, Phase.FORWARD))
    for layer in reversed(geometry.layers[1:]):
        through = _through_columns if layer.inputs_on_rows else _through_rows
        sample += through(geometry, layer, Phase.BACKWARD, Source.ERROR, Unit.HIDDEN)
    for layer in geometry.layers:
        inputs = _source(layer.index)
        on_rows, on_lanes = (inputs, Source.ERROR) if layer.inputs_on_rows else (Source.ERROR, inputs)
        row_vector, _ = geometry.sides(layer)
        for block in range(layer.blocks):
            sample += [
                _drive(geometry, layer, Phase.GRADIENT, on_lanes, block),
                Instruction(
                    Op.GRADIENT,
                    Phase.GRADIENT,
                    source=on_rows,
                    group=geometry.group_base[row_vector],
                    groups=geometry.groups(row_vector),
                    row=layer.row + block * layer.rows_per_block,
                ),
            ]

    update = [
        Instruction(Op.UPDATE, Phase.UPDATE, row=layer.row, rows=layer.rows, layer=layer.index)
        for layer in geometry.layers
    ]
    if reset_on_switch:
        update.append(Instruction(Op.CLEAR_SWITCHED, Phase.UPDATE, rows=geometry.rows))
    return Program((*initialise, end), (*sample, end), (*update, end), _transfers(geometry, loadable))
