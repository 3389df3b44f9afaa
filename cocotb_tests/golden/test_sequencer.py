"""The microprogram: every layer once per pass and block, nothing read before it is written."""

import numpy as np
import pytest

from gen import config as named
from golden.config import MachineConfig
from golden.sequencer import HostOp, Instruction, Op, Phase, Source, Unit
from sim.random_config import convolutional, nonideal, random_config

NAMED = [named.load(name) for name in named.names()]
CONFIGS = [config for config in NAMED if not config.geometry.convolutional]
CONFIGS += [random_config(11, number) for number in range(12)]
CONFIGS += [nonideal(random_config(12, number), 12, number) for number in range(4)]
CONVOLUTIONAL = [config for config in NAMED if config.geometry.convolutional]
CONVOLUTIONAL += [convolutional(random_config(13, number), 13, number) for number in range(12)]


def _each(configs: list[MachineConfig]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("config", configs, ids=lambda c: "-".join(map(str, c.layers)))


each_config = _each(CONFIGS)


def _layer_rows(config: MachineConfig, first: int = 0) -> list[int]:
    """How often a pass over the layers from `first` on touches every row: once."""
    g = config.geometry
    return [int(row >= g.layers[first].row) if first < len(g.layers) else 0 for row in range(g.rows)]


def _touched(config: MachineConfig, program: list[Instruction]) -> list[int]:
    """How often the instructions touch every row; a walk's rows are those of the layer's block at its first row."""
    g = config.geometry
    count = np.zeros(g.rows, int)
    for i in program:
        rows = i.rows
        if i.op in (Op.ACCUMULATE, Op.GRADIENT):
            rows = next(la.rows_per_block for la in g.layers if la.row <= i.row < la.row + la.rows)
        count[i.row : i.row + rows] += 1
    return count.tolist()


def _split(config: MachineConfig) -> tuple[list[Instruction], list[Instruction], list[Instruction]]:
    """Sections of the sample program: forward, backward, gradient."""
    sample = list(config.program.sample)
    assert sample.pop() == Instruction(Op.END)
    branch = [i for i, instruction in enumerate(sample) if instruction.op == Op.BRANCH]
    assert len(branch) == 1
    forward, rest = sample[: branch[0]], sample[branch[0] + 1 :]
    gradient = next(i for i, instruction in enumerate(rest) if instruction.phase == Phase.GRADIENT)
    for part, phase in ((forward, Phase.FORWARD), (rest[:gradient], Phase.BACKWARD), (rest[gradient:], Phase.GRADIENT)):
        assert {instruction.phase for instruction in part} <= {phase}
    assert sample[branch[0]].phase == Phase.FORWARD
    return forward, rest[:gradient], rest[gradient:]


@each_config
def test_coverage(config: MachineConfig) -> None:
    """Each pass works on each row once: forward and gradient on all, backward on all but the first layer's."""
    forward, backward, gradient = _split(config)
    reads = (Op.ACCUMULATE, Op.SENSE_ROWS)
    assert _touched(config, [i for i in forward if i.op in reads]) == _layer_rows(config)
    assert _touched(config, [i for i in backward if i.op in reads]) == _layer_rows(config, 1)
    assert _touched(config, [i for i in gradient if i.op == Op.GRADIENT]) == _layer_rows(config)
    *update, end = config.program.update
    assert end.op == Op.END
    if config.gradient.reset_on_switch:
        assert update.pop() == Instruction(Op.CLEAR_SWITCHED, Phase.UPDATE, rows=config.geometry.rows)
    assert [i.op for i in update] == [Op.UPDATE] * len(config.geometry.layers)
    assert _touched(config, update) == _layer_rows(config)
    for instruction in update:
        assert config.geometry.layers[instruction.layer].row == instruction.row
    initialise, reset, end = config.program.initialise
    assert (initialise.op, initialise.rows) == (Op.INIT_RANDOM, config.geometry.rows)
    assert (reset.op, reset.groups) == (Op.RESET, config.geometry.vector_groups)
    assert end.op == Op.END


@each_config
def test_order_of_layers(config: MachineConfig) -> None:
    """Forward from the first layer to the last, backward from the last to the second."""
    forward, backward, gradient = _split(config)

    def order(program: list[Instruction]) -> list[int]:
        layers = config.geometry.layers
        walks = [i for i in program if i.op in (Op.ACCUMULATE, Op.SENSE_ROWS, Op.GRADIENT)]
        at = [next(la.index for la in layers if la.row <= i.row < la.row + la.rows) for i in walks]
        for one, two, layer, following in zip(walks, walks[1:], at, at[1:], strict=False):
            assert layer != following or one.row < two.row, "blocks in order"
        return [layer for i, layer in enumerate(at) if i == 0 or at[i - 1] != layer]

    everything = list(range(len(config.geometry.layers)))
    assert order(forward) == everything
    assert order(backward) == everything[:0:-1]
    assert order(gradient) == everything


@each_config
def test_dataflow(config: MachineConfig) -> None:
    """Vectors are read after they were written, whole, from the right memory; column drive matches the rows' block."""
    g = config.geometry
    forward, backward, gradient = _split(config)
    written: dict[Source, set[int]] = {
        Source.INPUT: set(range(g.groups(0))),
        Source.ACTIVATION: set(),
        Source.ERROR: set(),
    }
    drive: tuple[Source, int, int] | None = None
    pending: list[Instruction] = []
    for instruction in [*forward, *backward, *gradient]:
        groups = set(range(instruction.group, instruction.group + instruction.groups))
        if instruction.op in (Op.DRIVE, Op.ACCUMULATE, Op.GRADIENT):
            assert groups
            assert groups <= written[instruction.source], instruction
        if instruction.op == Op.DRIVE:
            assert instruction.groups == g.groups_per_block
            drive = (instruction.source, instruction.group, instruction.groups)
        elif instruction.op == Op.ACCUMULATE:
            assert not pending, "column sums must be sensed before the next walk"
            pending.append(instruction)
        elif instruction.op == Op.SENSE_COLUMNS:
            assert pending.pop().row in range(g.rows)
        if instruction.op in (Op.SENSE_COLUMNS, Op.SENSE_ROWS):
            vector = next(v for v in range(1, len(g.sizes)) if 0 <= instruction.group - g.group_base[v] < g.groups(v))
            start = (instruction.group - g.group_base[vector]) * g.group
            assert instruction.elements == min(g.sizes[vector] - start, instruction.groups * g.group)
            if instruction.phase == Phase.FORWARD:
                assert instruction.unit == (Unit.OUTPUT if vector == len(g.sizes) - 1 else Unit.NEURON)
            else:
                assert instruction.unit == Unit.HIDDEN
            target = Source.ACTIVATION if instruction.unit == Unit.NEURON else Source.ERROR
            if instruction.op == Op.SENSE_COLUMNS or instruction.last:
                assert not groups & written[target], "a vector is written once per sample"
                written[target] |= groups
        if instruction.op in (Op.SENSE_ROWS, Op.GRADIENT):
            assert drive is not None
            layer = next(la for la in g.layers if la.row <= instruction.row < la.row + la.rows)
            row_vector, lane_vector = g.sides(layer)
            block, rest = divmod(instruction.row - layer.row, layer.rows_per_block)
            assert rest == 0
            assert drive[1] == g.group_base[lane_vector] + block * g.groups_per_block
            assert instruction.group == g.group_base[row_vector]
            if instruction.op == Op.SENSE_ROWS:
                assert (instruction.first, instruction.last) == (block == 0, block == layer.blocks - 1)
                expected = (
                    Source.ERROR
                    if instruction.phase == Phase.BACKWARD
                    else (Source.ACTIVATION if lane_vector else Source.INPUT)
                )
                assert drive[0] == expected
            else:
                # the layer's inputs on one side, the errors of its outputs on the other
                inputs = Source.INPUT if layer.index == 0 else Source.ACTIVATION
                sides = (instruction.source, drive[0]) if layer.inputs_on_rows else (drive[0], instruction.source)
                assert sides == (inputs, Source.ERROR)
    assert written[Source.ERROR] == set(range(g.vector_groups))
    assert written[Source.ACTIVATION] == set(range(g.group_base[-1]))


def _unrolled(config: MachineConfig) -> list[tuple[Instruction, int]]:
    """The sample program with its loops unrolled: instructions, each with its position."""
    program, unrolled, at, position = config.program.sample, [], 0, 0
    while program[at].op != Op.END:
        i = program[at]
        unrolled.append((i, position))
        at += 1
        if i.op == Op.NEXT:
            position = (position + 1) % config.geometry.layers[i.layer].positions
            at -= (i.body + 1) * (position > 0)
    return unrolled


@_each(CONVOLUTIONAL)
def test_loops(config: MachineConfig) -> None:
    """A pass works on every row once per position, and writes every group of its vectors once."""
    g = config.geometry
    reads = {Phase.FORWARD: np.zeros(g.rows, int), Phase.BACKWARD: np.zeros(g.rows, int)}
    reads[Phase.GRADIENT] = np.zeros(g.rows, int)
    activations, errors = np.zeros(g.vector_groups, int), np.zeros(g.vector_groups, int)
    for i, position in _unrolled(config):
        group = slice(i.group + position * i.step, i.group + position * i.step + i.groups)
        layer = next(la for la in g.layers if la.row <= i.row < la.row + la.rows)
        if i.op in (Op.SENSE_ROWS, Op.SENSE_SEGMENTS, Op.ACCUMULATE, Op.GRADIENT, Op.GRADIENT_SEGMENTS):
            reads[i.phase][i.row : i.row + layer.rows_per_block] += 1
        if i.op in (Op.ACCUMULATE, Op.GRADIENT, Op.GRADIENT_SEGMENTS):
            assert (errors[group] == 1).all(), "errors are read after they are written"
        if i.op in (Op.SENSE_SEGMENTS, Op.SENSE_ROWS) and (i.last or i.op == Op.SENSE_SEGMENTS):
            (activations if i.unit == Unit.NEURON else errors)[group] += 1
        if i.op == Op.POOL:
            activations[group] += 1
        if i.op == Op.MAP_ERRORS or (i.op == Op.SENSE_COLUMNS and i.unit == Unit.HIDDEN):
            errors[group] += 1
        if i.op == Op.UNPOOL:
            full = g.vectors[g.layers[i.layer].target]
            errors[full.base : full.base + full.held] += 1
    once = np.concatenate([np.full(layer.rows, layer.positions) for layer in g.layers])
    for phase, first in ((Phase.FORWARD, 0), (Phase.BACKWARD, 1), (Phase.GRADIENT, 0)):
        assert (reads[phase] == once * (np.arange(g.rows) >= g.layers[first].row)).all(), phase
    for vector in g.vectors[1:]:
        held = slice(vector.base, vector.base + vector.held)
        assert (activations[held] == (vector is not g.vectors[-1])).all()
        assert (errors[held] == 1).all()


@each_config
def test_transfers(config: MachineConfig) -> None:
    """Every load that the machine has, and the dumps: as many words as the table of packets in docs/bus.md says."""
    g, c = config.geometry, config
    width = 2 * g.group
    neuron = c.neuron.offset_bits(g.sum_bits) + c.neuron.scale_bits(g.sum_bits)
    noisy = (c.nonideal.columns.noise > 0) + (c.nonideal.rows.noise > 0)
    expected = {
        HostOp.LOAD_WEIGHTS: g.rows * g.lanes // g.group,
        HostOp.LOAD_NEURONS: g.vector_groups * -(-neuron // 2),
        HostOp.DUMP_WEIGHTS: g.rows * g.lanes // g.group,
        HostOp.DUMP_NEURONS: g.vector_groups * -(-neuron // 2),
    }
    if c.random.loadable:
        expected[HostOp.LOAD_SEEDS] = (c.array.streams_per_lane + noisy) * c.random.width * g.lanes // g.group
    if c.pulse.loadable:
        expected[HostOp.LOAD_PULSES] = -(-c.switching.code_bits * 2**c.pulse.nu_bits // width)
    if c.switching.loadable:
        entries = c.switching.bin_thresholds.size
        expected[HostOp.LOAD_SWITCHING] = -(-entries * c.switching.threshold_bits // width)
    transfers = c.program.transfers
    assert all(section[-1] == Instruction(Op.END) for section in transfers.values())
    found = {op: sum(i.words * (i.rows or i.groups) for i in section) for op, section in transfers.items()}
    assert found == expected
    # a whole memory from its beginning, and every bank of streams once
    for section in transfers.values():
        for i in section[:-1]:
            assert (i.row, i.phase) == (0, Phase.WAIT)
            assert (i.rows, i.groups)[i.op not in (Op.LOAD_NEURONS, Op.DUMP_NEURONS)] == 0
            assert i.group == 0 or i.op == Op.SEED
    banks = [i.group for i in transfers.get(HostOp.LOAD_SEEDS, ())[:-1]]
    assert banks == list(c.seed_banks)
