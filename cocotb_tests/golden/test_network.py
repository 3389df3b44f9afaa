"""Layers by their names: shapes, and one clear line for what cannot be."""

import re

import pytest

from golden.network import Shape, Synapses, parse


def test_shapes() -> None:
    """Kernel, stride, padding and pooling give the positions that a drawing gives."""
    convolution, pooled, dense, output = parse(("28x28x2", "16C5s2", "8C3p1", "MP2", "32FC", 10))
    assert convolution == Synapses(Shape(28, 28, 2), Shape(12, 12, 16), 5, 2, 0)
    assert pooled == Synapses(Shape(12, 12, 16), Shape(12, 12, 8), 3, 1, 1, pooled=True)
    assert (pooled.result, pooled.patch, convolution.patch) == (Shape(6, 6, 8), 144, 50)
    assert dense == Synapses(Shape(6, 6, 8), Shape(1, 1, 32))
    assert (dense.patch, output.outputs.size) == (288, 10)
    assert parse((64, 256, 10)) == (
        Synapses(Shape(1, 1, 64), Shape(1, 1, 256)),
        Synapses(Shape(1, 1, 256), Shape(1, 1, 10)),
    )
    assert parse(("7x5", "1C3s3", 2))[0].outputs == Shape(2, 1, 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("8x8", "4C9", 10), "layers[1] = '4C9': a kernel must be 1 .. 7 wide, not 9"),
        (("8x8", "4C3s4", 10), "layers[1] = '4C3s4': a stride must be 1 .. 3, not 4"),
        (("8x8", "4C3p2", 10), "layers[1] = '4C3p2': padding must be 0 .. half the kernel = 1, not 2"),
        (("8x4", "4C5", 10), "layers[1] = '4C5': a kernel of 5 leaves no position of its input of 8x4x1"),
        (("8x8", "4C4", "MP2", 10), "layers[2] = 'MP2': 2 x 2 positions do not divide those before it, 5x5x4"),
        (("8x8", "MP2", 10), "layers[1] = 'MP2': pooling must follow a convolution"),
        (("8x8", "4C5", "MP2", "MP2", 10), "layers[3] = 'MP2': pooling must follow a convolution"),
        (
            (64, "4C3", 10),
            "layers[1] = '4C3': a convolution must follow an image like '28x28x1', or another convolution",
        ),
        (
            ("8x8", "4C3", 12, "4C3", 10),
            "layers[3] = '4C3': a convolution must follow an image like '28x28x1', or another convolution",
        ),
        (("8x8", 10), "layers[1] = 10: behind an image must be a convolution; a dense network begins with a size"),
        (("8x8", "4C3"), "the last of layers must be a number of classes, not '4C3'"),
        (("8x8", "0C3", 10), "layers must be 1 .. 65536 neurons each, not 0"),
        (("0x8", "4C3", 10), "layers must be 1 .. 65536 neurons each, not 0"),
        (("8x8", "4D3", 10), "layers[1] must be an integer or '16C5', '16C5s2p1', '512FC', 'MP2', not '4D3'"),
        (("8by8", "4C3", 10), "layers[0] must be an integer or an image like '28x28x1', not '8by8'"),
    ],
)
def test_bad_layers(layers: tuple[int | str, ...], message: str) -> None:
    """One line that names the entry, the rule and the value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(layers)
