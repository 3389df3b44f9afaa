"""The memory layout: rows and groups that neither overlap nor leave gaps, sums that fit their widths."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from golden.geometry import Geometry, ceil_div, signed_bits


def _geometries() -> list[Geometry]:
    rng = np.random.default_rng(7)
    made = [
        Geometry((64, 256, 10), 256, 16, 31),
        Geometry((784, 512, 10), 512, 32, 31),
        Geometry((10, 6, 5, 3), 4, 2, 7),
        Geometry((2, 2), 2, 2, 1),
    ]
    for _ in range(60):
        group = int(rng.integers(2, 6))
        sizes = tuple(int(n) for n in rng.integers(1, 40, rng.integers(2, 7)))
        made.append(Geometry(sizes, group * int(rng.integers(1, 5)), group, int(rng.choice([1, 7, 127]))))
    return made


def _for_all(check: Callable[[Geometry], None]) -> Callable[[], None]:
    """Make one test of a check of every geometry."""

    def test() -> None:
        for geometry in _geometries():
            try:
                check(geometry)
            except AssertionError as error:
                error.add_note(f"of {geometry}")
                raise

    test.__doc__ = check.__doc__
    return test


@_for_all
def test_rows(g: Geometry) -> None:
    """Layers and their blocks follow one another without overlap or gap, and every synapse has one place."""
    owners = np.zeros(g.rows, int)
    places = 0
    for index, layer in enumerate(g.layers):
        assert (layer.index, layer.inputs, layer.outputs) == (index, g.sizes[index], g.sizes[index + 1])
        assert layer.inputs_on_rows == (index % 2 == 0)
        assert layer.last == (index == len(g.sizes) - 2)
        row_vector, lane_vector = g.sides(layer)
        assert {row_vector, lane_vector} == {index, index + 1}
        assert lane_vector % 2 == 1
        assert row_vector % 2 == 0
        assert layer.rows_per_block == g.sizes[row_vector]
        for block in range(layer.blocks):
            first = layer.row + block * layer.rows_per_block
            owners[first : first + layer.rows_per_block] += 1
            assert 1 <= g.elements(lane_vector, block) <= g.lanes
            places += layer.rows_per_block * g.elements(lane_vector, block)
    assert (owners == 1).all()
    assert places == sum(a * b for a, b in zip(g.sizes, g.sizes[1:], strict=False))


@_for_all
def test_groups(g: Geometry) -> None:
    """Vectors behind the input follow one another in group memory and have room; on the lanes' side in whole blocks."""
    assert g.group_base[0] == 0
    at = 0
    for vector in range(1, len(g.sizes)):
        assert g.group_base[vector] == at
        at += g.groups(vector)
    assert g.vector_groups == at
    for vector, size in enumerate(g.sizes):
        room = g.groups(vector) * g.group
        unit = g.lanes if vector % 2 else g.group
        assert room % unit == 0
        assert size <= room < size + unit
    assert g.groups_per_block * g.group == g.lanes


@_for_all
def test_sum_widths(g: Geometry) -> None:
    """All weights, activations and errors at their extremes, summed place by place: the widths just hold the sums."""
    columns, rows, totals = [], [1], []
    for layer in g.layers:
        # forward with activations of +-1; backward, but never into the inputs, with the largest errors
        passes = [(layer.inputs_on_rows, layer.inputs, 1)]
        if layer.index:
            passes.append((not layer.inputs_on_rows, layer.outputs, g.error_limit))
        for through_rows, terms, value in passes:
            totals.append(terms * value)
            if through_rows:
                columns.append(terms * value)
            else:
                rows.append(max(min(g.lanes, terms - block * g.lanes) * value for block in range(layer.blocks)))
    for bits, extreme in ((g.row_bits, max(rows)), (g.sum_bits, max(totals))):
        assert extreme <= 2 ** (bits - 1) - 1 < 2 * extreme + 1
    # a column also counts the errors of a first layer on its lanes, which the program never sends there
    assert max(columns) <= 2 ** (g.column_bits - 1) - 1
    assert g.column_bits <= max(signed_bits(e) for e in columns)


@_for_all
def test_converted_sums_fit(g: Geometry) -> None:
    """What converters may say at worst, added over all blocks, does not overflow; exact sums keep their width."""
    wide = replace(g, converted=True)
    blocks = max(layer.blocks for layer in g.layers)
    least, most = -(2 ** (wide.sum_bits - 1)), 2 ** (wide.sum_bits - 1) - 1
    for bits, terms in ((g.column_bits, 1), (g.row_bits, blocks)):
        assert least <= -terms * 2 ** (bits - 1)
        assert terms * (2 ** (bits - 1) - 1) <= most
    assert wide.sum_bits >= g.sum_bits
    assert (wide.column_bits, wide.row_bits) == (g.column_bits, g.row_bits)


def test_helpers() -> None:
    """Bits of a symmetric range, and division rounding up."""
    for magnitude in range(1, 300):
        bits = signed_bits(magnitude)
        assert 2 ** (bits - 2) - 1 < magnitude <= 2 ** (bits - 1) - 1
    for a in range(60):
        for b in range(1, 9):
            assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b
