"""Where layers and vectors live: the memory layout of docs/contract.md, derived from layers and lanes.

Layers of a dense network alternate their orientation. Layer 0 has its inputs on the rows and its outputs on the lanes
(columns), layer 1 its inputs on the lanes and its outputs on the rows, and so on: an activation vector is always on the
side where the next layer needs it, and nothing is transposed. In a convolutional network every layer has its outputs on
the rows and, position by position, its patch on the lanes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.network import Shape, Synapses, parse


def signed_bits(magnitude: int) -> int:
    """Bits of a two's-complement number that holds -magnitude .. magnitude."""
    return magnitude.bit_length() + 1


def ceil_div(a: int, b: int) -> int:
    """Divide and round up."""
    return -(-a // b)


@dataclass(frozen=True)
class Vector:
    """A vector in memory: positions in raster order, each with whole groups of channels.

    Attributes
    ----------
    shape : Shape
        Positions and channels.
    base : int
        First group; the input has a memory of its own.
    groups : int
        Groups, those included that no element has.
    channel_groups : int
        Groups of one position.
    """

    shape: Shape
    base: int
    groups: int
    channel_groups: int

    @property
    def held(self) -> int:
        """Groups in which there are elements."""
        return self.shape.positions * self.channel_groups


@dataclass(frozen=True)
class Layer:
    """One layer of synapses in the array.

    Attributes
    ----------
    index : int
        Position, 0 for the first.
    synapses : Synapses
        Shapes, kernel, stride, padding, pooling.
    source, target, result : int
        Vectors: what it reads, what its neurons give, and what the next layer reads, which pooling sets apart.
    inputs_on_rows : bool
        Orientation: True when inputs drive rows and outputs are sensed on columns in the forward pass.
    row : int
        First array row.
    blocks : int
        Column blocks over which the lanes' side is folded.
    rows_per_block : int
        Rows of one column block.
    segments : int
        Outputs that share a row, each with a segment of the lanes: the lanes per group, or 1.
    neuron_base : int
        First group of its neurons.
    last : bool
        Whether it is the output layer.
    """

    index: int
    synapses: Synapses
    source: int
    target: int
    result: int
    inputs_on_rows: bool
    row: int
    blocks: int
    rows_per_block: int
    segments: int
    neuron_base: int
    last: bool

    @property
    def inputs(self) -> int:
        """Inputs of a neuron."""
        return self.synapses.patch

    @property
    def outputs(self) -> int:
        """Outputs, of a convolution at one position."""
        return self.synapses.outputs.channels

    @property
    def positions(self) -> int:
        """Positions; 1 of a dense layer."""
        return self.synapses.outputs.positions

    @property
    def convolution(self) -> bool:
        """Whether its program is a loop over positions."""
        return self.synapses.kernel > 0

    @property
    def rows(self) -> int:
        """Rows in all; block b occupies ``row + b * rows_per_block`` and following."""
        return self.blocks * self.rows_per_block


@dataclass(frozen=True)
class Geometry:
    """Memory layout of a network.

    Attributes
    ----------
    network : tuple of int and str
        As `MachineConfig.layers`.
    lanes, group : int
        Lanes of the array and lanes per group.
    error_limit : int
        Largest magnitude of an error, for the width of the sums.
    converted : bool
        Whether sums are what converters say, which may be anything that their widths hold.
    """

    network: tuple[int | str, ...]
    lanes: int
    group: int
    error_limit: int
    converted: bool = False

    @cached_property
    def synapses(self) -> tuple[Synapses, ...]:
        """The layers of synapses, without their places."""
        return parse(self.network)

    @property
    def convolutional(self) -> bool:
        """Whether the network has convolutions."""
        return self.synapses[0].kernel > 0

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Elements of the input and of the outputs of every layer, all positions together."""
        return (self.synapses[0].inputs.size, *(each.outputs.size for each in self.synapses))

    @property
    def groups_per_block(self) -> int:
        """Groups of one column block."""
        return self.lanes // self.group

    @cached_property
    def vectors(self) -> tuple[Vector, ...]:
        """All vectors: the input, then those in vector memory, one after another."""
        first = self.synapses[0]
        vectors = [self._input(first.inputs)]
        base = 0
        for index, layer in enumerate(self.synapses):
            dense_behind = index + 1 < len(self.synapses) and not self.synapses[index + 1].kernel
            for shape in (layer.outputs, layer.result)[: 1 + layer.pooled]:
                channel_groups = ceil_div(shape.channels, self.group)
                groups = shape.positions * channel_groups
                on_lanes = dense_behind and shape == layer.result if self.convolutional else index % 2 == 0
                if on_lanes:
                    groups = ceil_div(groups, self.groups_per_block) * self.groups_per_block
                vectors.append(Vector(shape, base, groups, channel_groups))
                base += groups
        return tuple(vectors)

    def _input(self, shape: Shape) -> Vector:
        """Lay the input out: an image row by row, each in whole groups."""
        row = ceil_div(shape.width * shape.channels, self.group)
        return Vector(shape, 0, shape.height * row, ceil_div(shape.channels, self.group))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order, their rows one after another."""
        layers, row, source, neuron = [], 0, 0, 0
        for index, synapses in enumerate(self.synapses):
            target = source + 1
            on_rows = not self.convolutional and index % 2 == 0
            blocks, rows, segments = self._places(index, synapses, self.vectors[source])
            result, last = target + synapses.pooled, index == len(self.synapses) - 1
            layer = Layer(index, synapses, source, target, result, on_rows, row, blocks, rows, segments, neuron, last)
            layers.append(layer)
            row, source = row + layer.rows, layer.result
            vector = self.vectors[target]
            neuron += vector.channel_groups if self.convolutional else vector.groups
        return tuple(layers)

    def _places(self, index: int, synapses: Synapses, source: Vector) -> tuple[int, int, int]:
        """Column blocks of a layer, rows of each, and segments of a row."""
        outputs = synapses.outputs.channels
        if not self.convolutional:
            inputs = synapses.inputs.size
            on_lanes, on_rows = (outputs, inputs) if index % 2 == 0 else (inputs, outputs)
            return ceil_div(on_lanes, self.lanes), on_rows, 1
        if index == 0:
            segmented = synapses.patch <= self.groups_per_block
            return (1, ceil_div(outputs, self.group), self.group) if segmented else (1, outputs, 1)
        return ceil_div(self._patch_groups(synapses, source), self.groups_per_block), outputs, 1

    def _patch_groups(self, synapses: Synapses, source: Vector) -> int:
        """Groups of the patch on the lanes."""
        if not synapses.kernel:
            return source.held
        return synapses.kernel**2 * source.channel_groups

    def patch_groups(self, layer: Layer) -> int:
        """Groups of the patch of a layer on the lanes."""
        return self._patch_groups(layer.synapses, self.vectors[layer.source])

    def patches(self, layer: Layer) -> NDArray[np.int64]:
        """Where the patches of a convolution are.

        Returns
        -------
        ndarray of int64, shape (positions, patch)
            For every position the groups of its patch within the source, of the first layer the elements within the
            image; -1 for those outside of it.
        """
        s, source = layer.synapses, self.vectors[layer.source]
        each = source.channel_groups if layer.index else s.inputs.channels
        y = np.arange(s.outputs.height)[:, None, None, None] * s.stride + np.arange(s.kernel)[:, None] - s.padding
        x = np.arange(s.outputs.width)[:, None, None] * s.stride + np.arange(s.kernel) - s.padding
        inside = (y >= 0) & (y < s.inputs.height) & (x >= 0) & (x < s.inputs.width)
        at = np.where(inside, y * s.inputs.width + x, -1).reshape(layer.positions, s.kernel**2, 1)
        return np.where(at < 0, -1, at * each + np.arange(each)).reshape(layer.positions, -1)

    @property
    def rows(self) -> int:
        """Rows of the array and of the gradient memory."""
        return self.layers[-1].row + self.layers[-1].rows

    @property
    def folded(self) -> bool:
        """Whether a layer is folded over column blocks: the row sums of several are added up."""
        return any(layer.blocks > 1 for layer in self.layers)

    def sides(self, layer: Layer) -> tuple[int, int]:
        """Vectors on the rows' side and on the lanes' side of a layer, backward and for gradients."""
        return (layer.source, layer.target) if layer.inputs_on_rows else (layer.target, layer.source)

    def groups(self, vector: int) -> int:
        """Groups of a vector; on the lanes' side of a dense layer whole blocks."""
        return self.vectors[vector].groups

    def elements(self, vector: int, block: int) -> int:
        """Valid elements of one column block of a vector on the lanes' side, padded channels included."""
        v = self.vectors[vector]
        stored = v.shape.size if v.shape.positions == 1 else v.held * self.group
        return min(stored - block * self.lanes, self.lanes)

    @cached_property
    def group_base(self) -> tuple[int, ...]:
        """First group of every vector: the input in the input buffer, all others one after another."""
        return tuple(vector.base for vector in self.vectors)

    @property
    def vector_groups(self) -> int:
        """Groups of all vectors but the input: the depth of activation and error memory."""
        return self.vectors[-1].base + self.vectors[-1].groups

    @property
    def neuron_groups(self) -> int:
        """Groups of all neurons: the depth of neuron memory."""
        last = self.vectors[-1]
        return self.layers[-1].neuron_base + (last.channel_groups if self.convolutional else last.groups)

    @cached_property
    def map_groups(self) -> int:
        """Groups of the error map: those of the largest vector that a convolution behind another reads."""
        return max((self.vectors[layer.source].held for layer in self.layers[1:] if layer.convolution), default=0)

    @property
    def vector_depth(self) -> int:
        """Words of the largest memory of vectors: the input buffer's for one sample, or that of activations."""
        return max(self.vector_groups, self.groups(0))

    @cached_property
    def column_bits(self) -> int:
        """Width of a column sum, signed: no sum that the program forms can overflow it."""
        sums = [layer.outputs * self.error_limit for layer in self.layers if layer.index or not self.convolutional]
        for layer in self.layers:
            if layer.inputs_on_rows:
                sums[layer.index] = layer.inputs
            elif layer.segments > 1:
                sums.append(layer.inputs)
        return signed_bits(max(sums))

    @cached_property
    def row_bits(self) -> int:
        """Width of the sum of one row read over all lanes, signed."""
        terms = [1]
        for layer in self.layers if self.convolutional else self.layers[1:]:
            across = min(self.lanes, layer.outputs if layer.inputs_on_rows else layer.inputs)
            if layer.segments == 1:
                terms.append(across * self.error_limit if layer.inputs_on_rows else across)
        return signed_bits(max(terms))

    @property
    def trit_rows(self) -> bool:
        """Whether all rows are sensed with trits on the lanes, never with errors."""
        return not any(layer.inputs_on_rows for layer in self.layers[1:])

    def overlap(self, layer: Layer) -> int:
        """Positions of a convolution that can have the same element in their patch, at most; 1 of a dense layer."""
        s = layer.synapses
        if not s.kernel:
            return 1
        across = ceil_div(s.kernel, s.stride)
        return min(across, s.outputs.height) * min(across, s.outputs.width)

    @cached_property
    def sum_bits(self) -> int:
        """Width of a sum after all blocks and positions are added, signed."""
        forward = max(layer.inputs for layer in self.layers)
        backward = [layer.outputs * self.error_limit * self.overlap(layer) for layer in self.layers[1:]]
        exact = signed_bits(max([forward, *backward]))
        if not self.converted:
            return exact
        # the sums of all blocks of a row, and of all positions of an element, each at the end of its range
        blocks = max(layer.blocks for layer in self.layers)
        overlap = max((self.overlap(layer) for layer in self.layers[1:]), default=1)
        columns = self.column_bits + (overlap - 1).bit_length()
        return max(exact, columns, self.row_bits + (blocks - 1).bit_length())
