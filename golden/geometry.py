"""Where layers and vectors live: the memory layout of docs/contract.md, derived from layer sizes and lanes.

Layers alternate their orientation. Layer 0 has its inputs on the rows and its outputs on the lanes (columns), layer 1
its inputs on the lanes and its outputs on the rows, and so on: an activation vector is always on the side where the
next layer needs it, and nothing is transposed.
"""

from dataclasses import dataclass
from functools import cached_property


def signed_bits(magnitude: int) -> int:
    """Bits of a two's-complement number that holds -magnitude .. magnitude."""
    return magnitude.bit_length() + 1


def ceil_div(a: int, b: int) -> int:
    """Divide and round up."""
    return -(-a // b)


@dataclass(frozen=True)
class Layer:
    """One fully connected layer in the array.

    Attributes
    ----------
    index : int
        Position, 0 for the first.
    inputs, outputs : int
        Size.
    row : int
        First array row.
    blocks : int
        Column blocks over which the lanes' side is folded.
    last : bool
        Whether it is the output layer.
    """

    index: int
    inputs: int
    outputs: int
    row: int
    blocks: int
    last: bool

    @property
    def inputs_on_rows(self) -> bool:
        """Orientation: True when inputs drive rows and outputs are sensed on columns in the forward pass."""
        return self.index % 2 == 0

    @property
    def rows_per_block(self) -> int:
        """Rows of one column block: the size of the vector on the rows' side."""
        return self.inputs if self.inputs_on_rows else self.outputs

    @property
    def rows(self) -> int:
        """Rows in all; block b occupies ``row + b * rows_per_block`` and following."""
        return self.blocks * self.rows_per_block


@dataclass(frozen=True)
class Geometry:
    """Memory layout of a network.

    Attributes
    ----------
    sizes : tuple of int
        Layer sizes, input first; vector v has ``sizes[v]`` elements.
    lanes, group : int
        Lanes of the array and lanes per group.
    error_limit : int
        Largest magnitude of an error, for the width of the sums.
    converted : bool
        Whether sums are what converters say, which may be anything that their widths hold.
    """

    sizes: tuple[int, ...]
    lanes: int
    group: int
    error_limit: int
    converted: bool = False

    @property
    def groups_per_block(self) -> int:
        """Groups of one column block."""
        return self.lanes // self.group

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order, their rows one after another."""
        layers, row = [], 0
        for index, (inputs, outputs) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            on_lanes = outputs if index % 2 == 0 else inputs
            layer = Layer(index, inputs, outputs, row, ceil_div(on_lanes, self.lanes), index == len(self.sizes) - 2)
            layers.append(layer)
            row += layer.rows
        return tuple(layers)

    @property
    def rows(self) -> int:
        """Rows of the array and of the gradient memory."""
        return self.layers[-1].row + self.layers[-1].rows

    @property
    def folded(self) -> bool:
        """Whether a layer is folded over column blocks: the row sums of several are added up."""
        return any(layer.blocks > 1 for layer in self.layers)

    def on_lanes(self, vector: int) -> bool:
        """Whether a vector lives on the lanes' side."""
        return vector % 2 == 1

    def sides(self, layer: Layer) -> tuple[int, int]:
        """Vectors on the rows' side and on the lanes' side of a layer."""
        i = layer.index
        return (i, i + 1) if layer.inputs_on_rows else (i + 1, i)

    def groups(self, vector: int) -> int:
        """Groups of a vector; on the lanes' side whole blocks."""
        if self.on_lanes(vector):
            return ceil_div(self.sizes[vector], self.lanes) * self.groups_per_block
        return ceil_div(self.sizes[vector], self.group)

    def elements(self, vector: int, block: int) -> int:
        """Valid elements of one column block of a vector on the lanes' side."""
        return min(self.sizes[vector] - block * self.lanes, self.lanes)

    @cached_property
    def group_base(self) -> tuple[int, ...]:
        """First group of every vector: the input in the input buffer, all others one after another."""
        bases, base = [0], 0
        for vector in range(1, len(self.sizes)):
            bases.append(base)
            base += self.groups(vector)
        return tuple(bases)

    @property
    def vector_groups(self) -> int:
        """Groups of all vectors but the input: the depth of activation and error memory."""
        return self.group_base[-1] + self.groups(len(self.sizes) - 1)

    @property
    def vector_depth(self) -> int:
        """Words of the largest memory of vectors: the input buffer's for one sample, or that of activations."""
        return max(self.vector_groups, self.groups(0))

    @cached_property
    def column_bits(self) -> int:
        """Width of a column sum, signed: no sum that the program forms can overflow it."""
        return signed_bits(
            max(layer.inputs if layer.inputs_on_rows else layer.outputs * self.error_limit for layer in self.layers)
        )

    @cached_property
    def row_bits(self) -> int:
        """Width of the sum of one row read over all lanes, signed."""
        terms = [1]
        for layer in self.layers[1:]:
            across = min(self.lanes, layer.outputs if layer.inputs_on_rows else layer.inputs)
            terms.append(across * self.error_limit if layer.inputs_on_rows else across)
        return signed_bits(max(terms))

    @property
    def trit_rows(self) -> bool:
        """Whether all rows are sensed with trits on the lanes, never with errors."""
        return not any(layer.inputs_on_rows for layer in self.layers[1:])

    @cached_property
    def sum_bits(self) -> int:
        """Width of a sum after all blocks are added, signed."""
        forward = max(layer.inputs for layer in self.layers)
        backward = max((layer.outputs * self.error_limit for layer in self.layers[1:]), default=0)
        exact = signed_bits(max(forward, backward))
        if not self.converted:
            return exact
        # the sums of all blocks of a row, each at the end of its range
        blocks = max(layer.blocks for layer in self.layers)
        return max(exact, self.column_bits, self.row_bits + (blocks - 1).bit_length())
