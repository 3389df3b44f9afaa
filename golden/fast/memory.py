"""What the compiled functions work on: numbers of a configuration, memories of a machine, the microprogram."""

from dataclasses import fields
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from golden import cycles, pooling
from golden.array.converter import Converter
from golden.config import MachineConfig
from golden.geometry import Geometry
from golden.machine import Machine
from golden.sequencer import Instruction, Op


class Event(IntEnum):
    """Second index of the counts of samples; the first is the phase."""

    CYCLES = 0
    ROWS_DRIVEN = 1
    ROWS_SENSED = 2
    GROUPS_SENSED = 3
    PRODUCTS = 4


class Write(IntEnum):
    """Index of the counts of a write pass, each a counter's name."""

    PULSES = 0
    PULSE_WIDTH = 1
    SWITCHES = 2


class ConverterConstants(NamedTuple):
    """Numbers of the converters of one side; those that are not on leave their sums as they are."""

    on: bool
    step: int
    noise: int
    noise_step: int
    noise_mask: np.uint64
    limit: int
    offsets: NDArray[np.int64]


class Place(IntEnum):
    """Second index of the numbers of layers; the first is the layer."""

    POSITIONS = 0
    WIDTH = 1  #: positions side by side
    MEAN_SHIFT = 2  #: log2 of the positions, rounded up
    PATCHES = 3  #: where its patches begin in `Constants.patches`
    PATCH = 4  #: entries of each
    SOURCE = 5  #: first group of what it reads
    TARGET = 6  #: first group of what its neurons give
    CHANNEL_GROUPS = 7  #: groups of a position of that
    LINES = 8  #: groups of the image's rows under its kernel
    SEGMENTS = 9
    CORNERS = 10  #: where its pooled positions begin in `Constants.corners`


class Constants(NamedTuple):
    """Numbers of a configuration and of a made array; names as in the parameters of the blocks."""

    lanes: int
    slice_lanes: int
    latency: int
    writing: int
    group: int
    binary: bool
    blind: bool
    segment: int
    fraction: int
    binary_activations: bool
    threshold_eighths: int
    window_eighths: int
    ema_shift: int
    offset_tracks_mean: bool
    offset_learned: bool
    train_shift: int
    offset_limit: int
    margin: int
    shift: int
    backward_shifts: NDArray[np.int64]
    error_limit: int
    gradient_limit: int
    leak: int
    reset_on_switch: bool
    nu_bits: int
    steps: int
    full_code: int
    word_mask: np.uint64
    width: np.uint64
    tap: np.uint64
    strides: NDArray[np.uint64]
    stuck: NDArray[np.bool_]
    device_bins: NDArray[np.uint8]
    layers: NDArray[np.int64]
    patches: NDArray[np.int64]
    corners: NDArray[np.int64]
    column_converters: ConverterConstants
    row_converter: ConverterConstants


def constants(machine: Machine) -> Constants:
    """Gather the numbers of a machine's configuration."""
    c, geometry = machine.config, machine.config.geometry
    layers, patches, corners = _places(geometry)
    return Constants(
        lanes=c.array.lanes,
        slice_lanes=c.array.slice_lanes,
        latency=c.array_latency,
        writing=c.array_writing,
        group=c.array.group,
        binary=c.array.synapse == "binary",
        blind=c.array.scheme == "blind",
        segment=geometry.groups_per_block,
        fraction=c.neuron.fraction,
        binary_activations=c.neuron.activation == "binary",
        threshold_eighths=c.neuron.threshold_eighths,
        window_eighths=c.neuron.window_eighths,
        ema_shift=c.neuron.ema_shift,
        offset_tracks_mean=c.neuron.offset_tracks_mean,
        offset_learned=c.neuron.offset_learned,
        train_shift=c.neuron.train_shift,
        offset_limit=machine.neurons.limit,
        margin=c.error.margin,
        shift=c.error.shift,
        backward_shifts=np.array([c.error.backward(i) for i in range(len(geometry.layers) - 1)] or [0], np.int64),
        error_limit=c.error.limit,
        gradient_limit=1 << (c.gradient.bits - 1),
        leak=c.gradient.leak,
        reset_on_switch=c.gradient.reset_on_switch,
        nu_bits=c.pulse.nu_bits,
        steps=machine.updates.steps,
        full_code=machine.updates.full,
        word_mask=np.uint64((1 << c.switching.threshold_bits) - 1),
        width=np.uint64(c.random.width),
        tap=np.uint64(c.random.tap),
        strides=np.array(c.random.strides, np.uint64),
        stuck=machine.array.stuck,
        device_bins=machine.array.device_bins,
        layers=layers,
        patches=patches,
        corners=corners,
        column_converters=_converter(machine.array.column_converters),
        row_converter=_converter(machine.array.row_converter),
    )


def _places(geometry: Geometry) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """List the numbers of all layers, the patches of all convolutions and the positions that are pooled."""
    numbers = np.zeros((len(geometry.layers), len(Place)), np.int64)
    patches, corners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for layer, number in zip(geometry.layers, numbers, strict=True):
        source, target, shape = geometry.vectors[layer.source], geometry.vectors[layer.target], layer.synapses.outputs
        number[Place.POSITIONS], number[Place.WIDTH] = layer.positions, shape.width
        number[Place.MEAN_SHIFT] = (layer.positions - 1).bit_length()
        number[Place.SOURCE], number[Place.TARGET] = source.base, target.base
        number[Place.CHANNEL_GROUPS], number[Place.SEGMENTS] = target.channel_groups, layer.segments
        number[Place.LINES] = layer.synapses.kernel * (source.groups // source.shape.height)
        number[Place.PATCHES], number[Place.CORNERS] = sum(map(len, patches)), sum(map(len, corners))
        if layer.convolution:
            table = geometry.patches(layer)
            number[Place.PATCH] = table.shape[1]
            patches.append(table.reshape(-1))
        if layer.synapses.pooled:
            corners.append(pooling.corners(shape.height, shape.width).T.reshape(-1))
    return numbers, np.concatenate(patches), np.concatenate(corners)


def _converter(converter: Converter) -> ConverterConstants:
    p = converter.parameters
    mask = np.uint64((1 << p.noise) - 1)
    return ConverterConstants(p.on, p.step, p.noise, p.noise_step, mask, converter.limit, converter.offsets)


class Memory(NamedTuple):
    """The memories of a machine, shared with its blocks, and room to work in."""

    r1: NDArray[np.uint8]
    r2: NDArray[np.uint8]
    streams: NDArray[np.uint64]
    column_streams: NDArray[np.uint64]
    row_streams: NDArray[np.uint64]
    thresholds: NDArray[np.uint32]
    table: NDArray[np.uint8]
    sums: NDArray[Any]
    offset: NDArray[np.int64]
    scale: NDArray[np.int64]
    size: NDArray[np.int64]
    activations: NDArray[np.int8]
    windows: NDArray[np.bool_]
    errors: NDArray[np.int64]
    map: NDArray[np.int64]
    weights: NDArray[np.int8]
    nonzero: NDArray[np.int64]
    turned: NDArray[np.int8]
    lane_nonzero: NDArray[np.int64]
    taps: NDArray[np.int8]
    tap_nonzero: NDArray[np.int64]
    columns: NDArray[np.int32]
    totals: NDArray[np.int32]
    driven: NDArray[np.int64]
    drive: NDArray[Any]
    words: NDArray[np.uint64]
    noise: NDArray[np.uint64]
    vector: NDArray[np.int64]
    walked: NDArray[np.int64]
    sensed: NDArray[np.int64]
    collected: NDArray[np.int64]
    outputs: NDArray[np.int64]


def memory(machine: Machine) -> Memory:
    """Make the memories of a machine accessible to the compiled functions.

    Parameters
    ----------
    machine : Machine
        Its blocks keep these arrays for good.

    Returns
    -------
    Memory
        Views of the blocks' state, and room to work in.
    """
    geometry, sums = machine.config.geometry, machine.gradient.sums
    elements = geometry.group * max(vector.groups for vector in geometry.vectors)
    rows, lanes = sums.shape
    segmented = geometry.layers[0].rows if geometry.layers[0].segments > 1 else 0
    return Memory(
        r1=machine.array.r1,
        r2=machine.array.r2,
        streams=machine.array.lfsr.states,
        column_streams=machine.array.column_converters.lfsr.states,
        row_streams=machine.array.row_converter.lfsr.states,
        thresholds=machine.array.thresholds,
        table=machine.updates.table,
        sums=sums,
        offset=machine.neurons.offset,
        scale=machine.neurons.scale,
        size=machine.neurons.size,
        activations=machine.vectors.activations.reshape(-1),
        windows=machine.vectors.windows.reshape(-1),
        errors=machine.vectors.errors.reshape(-1),
        map=machine.map.sums.reshape(-1),
        weights=np.zeros((rows, lanes), np.int8),
        nonzero=np.zeros(rows, np.int64),
        turned=np.zeros((lanes, rows), np.int8),
        lane_nonzero=np.zeros((len(machine.config.program.sample), lanes), np.int64),
        taps=np.zeros((segmented, geometry.groups_per_block, geometry.group), np.int8),
        tap_nonzero=np.zeros((segmented, geometry.groups_per_block), np.int64),
        columns=np.zeros(lanes, np.int32),
        totals=np.zeros(elements, np.int32),
        driven=np.zeros(lanes + 4, np.int64),
        drive=np.zeros(lanes, sums.dtype),
        words=np.zeros((machine.config.array.streams_per_lane, lanes), np.uint64),
        noise=np.zeros(geometry.group, np.uint64),
        vector=np.zeros(elements, np.int64),
        walked=np.zeros(elements, np.int64),
        sensed=np.zeros(max(elements, lanes), np.int64),
        collected=np.zeros(elements, np.int64),
        outputs=np.zeros(geometry.sizes[-1], np.int64),
    )


def program(config: MachineConfig) -> NDArray[np.void]:
    """Write the sample section as an array of records.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Returns
    -------
    ndarray of records, shape (instructions,)
        The fields of `Instruction`, and `done`: the operation's last cycle where it does not depend on data.
    """
    names = [field.name for field in fields(Instruction)]
    section = config.program.sample
    records = np.zeros(len(section), [(name, np.int64) for name in (*names, "done")])
    for record, instruction in zip(records, section, strict=True):
        for name in names:
            record[name] = getattr(instruction, name)
        record["done"] = _done(instruction, config.array_latency)
    return records


def _done(instruction: Instruction, latency: int) -> int:
    if instruction.op == Op.DRIVE:
        return cycles.drive(instruction.groups)
    if instruction.op in (Op.SENSE_COLUMNS, Op.SENSE_SEGMENTS):
        count = instruction.groups if instruction.op == Op.SENSE_COLUMNS else instruction.rows
        return cycles.sense_columns(count, latency, overlap=instruction.overlap)
    if instruction.op == Op.SENSE_ROWS:
        return cycles.sense_rows(instruction.rows, latency, last=instruction.last, overlap=instruction.overlap)
    fixed = {Op.MAP_ERRORS: cycles.map_errors, Op.POOL: cycles.pool, Op.UNPOOL: cycles.unpool}
    return fixed[instruction.op](instruction.groups) if instruction.op in fixed else 0
