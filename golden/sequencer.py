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
    SENSE_SEGMENTS = 18  #: segments' sums of rows, a row a group, through a unit into a vector
    GRADIENT_SEGMENTS = 19  #: outer product of errors, a group a row, and the column drive of the segments
    NEXT = 20  #: next position: back to the loop's first instruction, and on behind the last one
    MAP_ERRORS = 21  #: sums of the error map, group by group, through the error unit into errors; the map becomes zero
    POOL = 22  #: trits and windows of 2x2 positions into those of the pooled position
    UNPOOL = 23  #: errors of pooled positions to the positions that won


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
    MAP = 3  #: adds to the error map


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
        Layer, for its update shift, or its patches and positions.
    first, last : bool
        SENSE_ROWS: first and last of the blocks whose row sums add up.
    words : int
        WRITE, LOAD_NEURONS, SEED: words of the load stream per row, group or bit; READ, DUMP_NEURONS: words of the dump
        stream.
    neuron_layer, neuron_group : int
        Layer to whose neurons the sums belong, for its backward shift and positions, and their first group in neuron
        memory.
    step : int
        By how many groups `group` moves on with every position of a loop.
    patch : bool
        `group` and `groups` are of the layer's patch at the present position, not of a vector.
    overlap : bool
        The next instruction begins when the array has answered, while the sums are still on their way.
    body : int
        NEXT: instructions of the loop before it.
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
    neuron_layer: int = 0
    neuron_group: int = 0
    step: int = 0
    patch: bool = False
    overlap: bool = False
    body: int = 0


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
                groups=geometry.vectors[row_vector].held,
                row=layer.row + block * layer.rows_per_block,
            ),
            Instruction(
                Op.SENSE_COLUMNS,
                phase,
                unit=unit,
                group=geometry.group_base[lane_vector] + block * geometry.groups_per_block,
                groups=geometry.groups_per_block,
                elements=geometry.elements(lane_vector, block),
                neuron_layer=_neurons_of(layer, unit),
                neuron_group=_neuron(geometry, lane_vector) + block * geometry.groups_per_block,
            ),
        ]
    return program


def _neurons_of(layer: Layer, unit: Unit) -> int:
    """Layer to whose neurons a unit's sums belong: backward those of the layer below."""
    return layer.index - (unit == Unit.HIDDEN)


def _neuron(geometry: Geometry, vector: int) -> int:
    """First group in neuron memory of the neurons whose vector this is, or is pooled from."""
    return next(layer.neuron_base for layer in geometry.layers if vector in (layer.target, layer.result))


def _drive(geometry: Geometry, layer: Layer, phase: Phase, source: Source, block: int) -> Instruction:
    _, lane_vector = geometry.sides(layer)
    return Instruction(
        Op.DRIVE,
        phase,
        source=source,
        group=geometry.group_base[lane_vector] + block * geometry.groups_per_block,
        groups=_block_groups(geometry, layer, block),
    )


def _block_groups(geometry: Geometry, layer: Layer, block: int) -> int:
    """Groups that a block's column drive is loaded with; lanes of a dense network are always all loaded."""
    if not geometry.convolutional:
        return geometry.groups_per_block
    return min(geometry.patch_groups(layer) - block * geometry.groups_per_block, geometry.groups_per_block)


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
                groups=geometry.vectors[row_vector].held,
                row=layer.row + block * layer.rows_per_block,
                rows=layer.rows_per_block,
                elements=layer.rows_per_block,
                first=block == 0,
                last=block == layer.blocks - 1,
                neuron_layer=_neurons_of(layer, unit),
                neuron_group=_neuron(geometry, row_vector),
            ),
        ]
    return program


def _patch(geometry: Geometry, layer: Layer, phase: Phase, block: int) -> Instruction:
    """Load the column drive with one block of a patch."""
    source, groups = Source.ACTIVATION, _block_groups(geometry, layer, block)
    if layer.index == 0:
        source, groups = Source.INPUT, 0
    first = block * geometry.groups_per_block
    return Instruction(Op.DRIVE, phase, source, group=first, groups=groups, layer=layer.index, patch=True)


def _next(layer: Layer, phase: Phase, body: list[Instruction]) -> list[Instruction]:
    """Close a loop over the positions of a convolution."""
    overlap = body[-1].overlap
    return [*body, Instruction(Op.NEXT, phase, layer=layer.index, overlap=overlap, body=len(body))]


def _convolve(geometry: Geometry, layer: Layer) -> list[Instruction]:
    """Forward through a convolution: at every position the patch on the lanes, and all rows sensed."""
    target = geometry.vectors[layer.target]
    body = []
    for block in range(layer.blocks):
        body += [
            _patch(geometry, layer, Phase.FORWARD, block),
            Instruction(
                Op.SENSE_SEGMENTS if layer.segments > 1 else Op.SENSE_ROWS,
                Phase.FORWARD,
                unit=Unit.NEURON,
                group=target.base,
                groups=target.channel_groups,
                row=layer.row + block * layer.rows_per_block,
                rows=layer.rows_per_block,
                elements=layer.outputs,
                neuron_layer=layer.index,
                first=block == 0,
                last=block == layer.blocks - 1,
                neuron_group=layer.neuron_base,
                step=target.channel_groups,
                overlap=True,
            ),
        ]
    program = _next(layer, Phase.FORWARD, body)
    if layer.synapses.pooled:
        program.append(_pool(geometry, layer, Op.POOL, Phase.FORWARD))
    return program


def _pool(geometry: Geometry, layer: Layer, op: Op, phase: Phase) -> Instruction:
    pooled = geometry.vectors[layer.result]
    return Instruction(op, phase, group=pooled.base, groups=pooled.held, layer=layer.index)


def _errors(geometry: Geometry, layer: Layer, op: Op, phase: Phase, block: int) -> Instruction:
    """Walk through the errors of one position of a convolution."""
    target = geometry.vectors[layer.target]
    return Instruction(
        op,
        phase,
        source=Source.ERROR,
        group=target.base,
        groups=target.channel_groups,
        row=layer.row + block * layer.rows_per_block,
        layer=layer.index,
        step=target.channel_groups,
    )


def _map_back(geometry: Geometry, layer: Layer) -> list[Instruction]:
    """Backward through a convolution: position by position into the error map, then that through the error unit."""
    source = geometry.vectors[layer.source]
    body = []
    for block in range(layer.blocks):
        body += [
            _errors(geometry, layer, Op.ACCUMULATE, Phase.BACKWARD, block),
            Instruction(
                Op.SENSE_COLUMNS,
                Phase.BACKWARD,
                unit=Unit.MAP,
                group=block * geometry.groups_per_block,
                groups=geometry.groups_per_block,
                elements=_block_groups(geometry, layer, block) * geometry.group,
                layer=layer.index,
                patch=True,
            ),
        ]
    below = Instruction(
        Op.MAP_ERRORS,
        Phase.BACKWARD,
        unit=Unit.HIDDEN,
        group=source.base,
        groups=source.held,
        elements=source.held * geometry.group,
        neuron_layer=layer.index - 1,
        neuron_group=geometry.layers[layer.index - 1].neuron_base,
    )
    return [*_next(layer, Phase.BACKWARD, body), below]


def _gradients(geometry: Geometry, layer: Layer) -> list[Instruction]:
    """Outer products of the errors and the patch of every position of a convolution."""
    op = Op.GRADIENT_SEGMENTS if layer.segments > 1 else Op.GRADIENT
    body = []
    for block in range(layer.blocks):
        body += [
            _patch(geometry, layer, Phase.GRADIENT, block),
            _errors(geometry, layer, op, Phase.GRADIENT, block),
        ]
    return _next(layer, Phase.GRADIENT, body)


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
    groups, words = geometry.neuron_groups, ceil_div(loadable.neuron_bits, 2)
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


def _forward(geometry: Geometry, layer: Layer) -> list[Instruction]:
    if layer.convolution:
        return _convolve(geometry, layer)
    through = _through_rows if layer.inputs_on_rows else _through_columns
    unit = Unit.OUTPUT if layer.last else Unit.NEURON
    return through(geometry, layer, Phase.FORWARD, _source(layer.index), unit)


def _backward(geometry: Geometry, layer: Layer) -> list[Instruction]:
    if layer.convolution:
        program = _map_back(geometry, layer)
    else:
        through = _through_columns if layer.inputs_on_rows else _through_rows
        program = through(geometry, layer, Phase.BACKWARD, Source.ERROR, Unit.HIDDEN)
    below = geometry.layers[layer.index - 1]
    if below.synapses.pooled:
        program.append(_pool(geometry, below, Op.UNPOOL, Phase.BACKWARD))
    return program


def _dense_gradients(geometry: Geometry, layer: Layer) -> list[Instruction]:
    inputs = _source(layer.index)
    on_rows, on_lanes = (inputs, Source.ERROR) if layer.inputs_on_rows else (Source.ERROR, inputs)
    row_vector, _ = geometry.sides(layer)
    program = []
    for block in range(layer.blocks):
        program += [
            _drive(geometry, layer, Phase.GRADIENT, on_lanes, block),
            Instruction(
                Op.GRADIENT,
                Phase.GRADIENT,
                source=on_rows,
                group=geometry.group_base[row_vector],
                groups=geometry.vectors[row_vector].held,
                row=layer.row + block * layer.rows_per_block,
            ),
        ]
    return program


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
        Instruction(Op.RESET, Phase.INIT, groups=max(geometry.neuron_groups, geometry.map_groups)),
    ]

    sample: list[Instruction] = []
    for layer in geometry.layers:
        sample += _forward(geometry, layer)
    sample.append(Instruction(Op.BRANCH, Phase.FORWARD))
    for layer in reversed(geometry.layers[1:]):
        sample += _backward(geometry, layer)
    for layer in geometry.layers:
        sample += _gradients(geometry, layer) if layer.convolution else _dense_gradients(geometry, layer)

    update = [
        Instruction(Op.UPDATE, Phase.UPDATE, row=layer.row, rows=layer.rows, layer=layer.index)
        for layer in geometry.layers
    ]
    if reset_on_switch:
        update.append(Instruction(Op.CLEAR_SWITCHED, Phase.UPDATE, rows=geometry.rows))
    return Program((*initialise, end), (*sample, end), (*update, end), _transfers(geometry, loadable))
