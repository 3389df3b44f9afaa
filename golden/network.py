"""The layers of a network, from their names in a configuration: shapes, kernels, strides, padding, pooling."""

import re
from dataclasses import dataclass

#: Largest kernel and stride of a convolution.
MAX_KERNEL, MAX_STRIDE = 7, 3

_IMAGE = re.compile(r"(\d+)x(\d+)(?:x(\d+))?")
_DENSE = re.compile(r"(\d+)FC")
_CONVOLUTION = re.compile(r"(\d+)C(\d+)(?:s(\d+))?(?:p(\d+))?")
_POOL = "MP2"


@dataclass(frozen=True)
class Shape:
    """Shape of a vector: positions in raster order, each with its channels."""

    height: int
    width: int
    channels: int

    @property
    def positions(self) -> int:
        """Positions."""
        return self.height * self.width

    @property
    def size(self) -> int:
        """Elements."""
        return self.positions * self.channels

    def __str__(self) -> str:
        """Write it as a configuration does."""
        return f"{self.height}x{self.width}x{self.channels}"


@dataclass(frozen=True)
class Synapses:
    """One layer of synapses.

    Attributes
    ----------
    inputs : Shape
        Of what it reads.
    kernel, stride, padding : int
        Of a convolution; a dense layer has kernel 0.
    outputs : Shape
        Of its neurons.
    pooled : bool
        Whether pooling over 2x2 positions follows.
    """

    inputs: Shape
    outputs: Shape
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    pooled: bool = False

    @property
    def result(self) -> Shape:
        """Shape of what the next layer reads."""
        if not self.pooled:
            return self.outputs
        return Shape(self.outputs.height // 2, self.outputs.width // 2, self.outputs.channels)

    @property
    def patch(self) -> int:
        """Elements that a neuron reads."""
        return self.kernel**2 * self.inputs.channels if self.kernel else self.inputs.size


def parse(layers: tuple[int | str, ...]) -> tuple[Synapses, ...]:
    """Read the layers of a configuration.

    Parameters
    ----------
    layers : tuple of int and str
        As `MachineConfig.layers`.

    Returns
    -------
    tuple of Synapses
        The layers of synapses, in order.

    Raises
    ------
    ValueError
        If an entry is none, or does not fit what is before it; one line.
    """
    if len(layers) < 2:
        raise ValueError(f"layers must name at least inputs and classes, not {list(layers)}")
    shape = _input(layers[0])
    image = isinstance(layers[0], str) and bool(_IMAGE.fullmatch(layers[0]))
    found: list[Synapses] = []
    for at, entry in enumerate(layers[1:], 1):
        where = f"layers[{at}] = {entry!r}"
        behind = found[-1] if found else None
        if entry == _POOL:
            found[-1:] = [_pooled(where, behind)]
        elif isinstance(entry, str) and (match := _CONVOLUTION.fullmatch(entry)):
            if not image or (behind and not behind.kernel):
                raise ValueError(f"{where}: a convolution must follow an image like '28x28x1', or another convolution")
            found.append(_convolution(where, shape, *(int(value or 0) for value in match.groups())))
        else:
            outputs = Shape(1, 1, _dense(at, entry))
            if image and not behind:
                raise ValueError(f"{where}: behind an image must be a convolution; a dense network begins with a size")
            found.append(Synapses(shape, outputs))
        shape = found[-1].result
    if found[-1].kernel:
        raise ValueError(f"the last of layers must be a number of classes, not {layers[-1]!r}")
    return tuple(found)


def _sized(size: int) -> int:
    """Refuse a layer that is too small or too large."""
    if not 1 <= size <= 65536:
        raise ValueError(f"layers must be 1 .. 65536 neurons each, not {size}")
    return size


def _input(entry: int | str) -> Shape:
    if isinstance(entry, str) and (match := _IMAGE.fullmatch(entry)):
        shape = Shape(*(int(value or 1) for value in match.groups()))
        _sized(shape.size)
        return shape
    return Shape(1, 1, _dense(0, entry))


def _dense(at: int, entry: int | str) -> int:
    if isinstance(entry, int):
        return _sized(entry)
    if at and (match := _DENSE.fullmatch(entry)):
        return _sized(int(match[1]))
    kinds = "'16C5', '16C5s2p1', '512FC', 'MP2'" if at else "an image like '28x28x1'"
    raise ValueError(f"layers[{at}] must be an integer or {kinds}, not {entry!r}")


def _convolution(where: str, inputs: Shape, channels: int, kernel: int, stride: int, padding: int) -> Synapses:
    stride = stride or 1
    if not 1 <= kernel <= MAX_KERNEL:
        raise ValueError(f"{where}: a kernel must be 1 .. {MAX_KERNEL} wide, not {kernel}")
    if not 1 <= stride <= MAX_STRIDE:
        raise ValueError(f"{where}: a stride must be 1 .. {MAX_STRIDE}, not {stride}")
    if padding > kernel // 2:
        raise ValueError(f"{where}: padding must be 0 .. half the kernel = {kernel // 2}, not {padding}")
    height, width = (side + 2 * padding - kernel for side in (inputs.height, inputs.width))
    if min(height, width) < 0:
        raise ValueError(f"{where}: a kernel of {kernel} leaves no position of its input of {inputs}")
    outputs = Shape(height // stride + 1, width // stride + 1, _sized(channels))
    _sized(outputs.size)
    return Synapses(inputs, outputs, kernel, stride, padding)


def _pooled(where: str, behind: Synapses | None) -> Synapses:
    if behind is None or not behind.kernel or behind.pooled:
        raise ValueError(f"{where}: pooling must follow a convolution")
    outputs = behind.outputs
    if outputs.height % 2 or outputs.width % 2:
        raise ValueError(f"{where}: 2 x 2 positions do not divide those before it, {outputs}")
    return Synapses(behind.inputs, outputs, behind.kernel, behind.stride, behind.padding, pooled=True)
