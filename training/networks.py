"""The networks of the papers, and dense ones that the machine can hold.

A network is written as in the literature: ``32C5-MP2-64C5-MP2-512FC-10``. Every layer but the last is followed by
pooling where there is one, batch normalisation and a quantised activation. The last layer has one scale for all
classes and a shift per class, so that a class is chosen by comparing shifted sums, as the machine does.
"""

import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.errors import TrainingError
from training.quantize import activate

#: Networks of the data sets. 5x5 convolutions are unpadded as in LeNet, 3x3 ones keep the size.
PUBLISHED = {
    "mnist": "32C5-MP2-64C5-MP2-512FC-10",
    "cifar10": "128C3-128C3-MP2-256C3-256C3-MP2-512C3-512C3-MP2-1024FC-10",
    "svhn": "128C3-128C3-MP2-256C3-256C3-MP2-512C3-512C3-MP2-1024FC-10",
}


#: Orders of an image's values in memory: all channels of a pixel together, or all pixels of a channel.
LAYOUTS = {"channels_last": torch.channels_last, "channels_first": torch.contiguous_format}


class Synapses(nn.Module):
    """The weights of a layer, dense or convolutional.

    Parameters
    ----------
    inputs, outputs : int
        Size, or channels.
    kernel : int
        Side of a convolution's kernel; 0 for a dense layer.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 0) -> None:
        super().__init__()
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        self.weight = nn.Parameter(torch.zeros(shape))
        self.kernel = kernel
        self.padding = kernel // 2 if kernel == 3 else 0

    @property
    def fan_in(self) -> int:
        """Inputs of a neuron."""
        return self.weight[0].numel()

    def forward(self, x: Tensor, dtype: torch.dtype, layout: str) -> Tensor:
        """Form sums of products."""
        if not self.kernel:
            return F.linear(x.flatten(1), self.weight.to(dtype))
        weight = self.weight.to(dtype, memory_format=LAYOUTS[layout])
        return F.conv2d(x, weight, padding=self.padding)


class Hidden(nn.Module):
    """Synapses, pooling, batch normalisation and activation.

    Parameters
    ----------
    synapses : Synapses
        The weights.
    pool : int
        Side of the pooling window; 0 for none.
    activations : str
        ``ternary`` or ``binary``.
    """

    def __init__(self, synapses: Synapses, pool: int, activations: str) -> None:
        super().__init__()
        self.synapses, self.pool, self.activations = synapses, pool, activations
        outputs = synapses.weight.shape[0]
        self.norm = nn.BatchNorm2d(outputs) if synapses.kernel else nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor, dtype: torch.dtype, layout: str) -> Tensor:
        """Give activations."""
        sums = self.synapses(x, dtype, layout)
        if self.pool:
            sums = F.max_pool2d(sums, self.pool)
        return activate(self.norm(sums), self.activations)


class Output(nn.Module):
    """The last layer: real sums, normalised together, shifted by class.

    Parameters
    ----------
    synapses : Synapses
        The weights.
    """

    def __init__(self, synapses: Synapses) -> None:
        super().__init__()
        self.synapses = synapses
        # one group of all classes: one mean, one variance, one scale
        self.norm = nn.BatchNorm1d(1)
        self.shift = nn.Parameter(torch.zeros(synapses.weight.shape[0]))

    def forward(self, x: Tensor, dtype: torch.dtype, layout: str) -> Tensor:
        """Give scores, in float32."""
        sums = self.synapses(x, dtype, layout).float()
        return self.norm(sums.reshape(-1, 1)).reshape(sums.shape) + self.shift


class Network(nn.Module):
    """A feed-forward network.

    Parameters
    ----------
    text : str
        Layers as in the literature; the last is the number of classes.
    shape : tuple of int
        Channels, height, width of a sample.
    width : float
        Factor of all channels and hidden neurons.
    activations : str
        ``ternary`` or ``binary``.
    layout : str
        Order of an image's values in memory, a name of `LAYOUTS`.

    Attributes
    ----------
    text : str
        The layers after the factor.
    """

    def __init__(
        self,
        text: str,
        shape: tuple[int, int, int],
        *,
        width: float = 1.0,
        activations: str = "ternary",
        layout: str = "channels_last",
    ) -> None:
        super().__init__()
        channels, height, sideways = shape
        inputs, flat = channels, False
        hidden: list[Hidden] = []
        *parts, last = text.split("-")
        scaled: list[str] = []
        for part in parts:
            if match := re.fullmatch(r"MP(\d+)", part):
                side = int(match[1])
                if not hidden or not hidden[-1].synapses.kernel:
                    raise TrainingError(f"network {text!r}: {part} must follow a convolution")
                hidden[-1].pool = side
                height, sideways = height // side, sideways // side
                scaled.append(part)
                continue
            if not (match := re.fullmatch(r"(\d+)(?:C(\d+)|FC)", part)):
                raise TrainingError(
                    f"network {text!r}: {part!r} is none of nCk (convolution), MPk (pooling), nFC (dense)"
                )
            outputs, kernel = max(1, round(int(match[1]) * width)), int(match[2] or 0)
            scaled.append(f"{outputs}{part[len(match[1]) :]}")
            if kernel and flat:
                raise TrainingError(f"network {text!r}: {part} follows a dense layer")
            if not kernel and not flat:
                inputs, flat = inputs * height * sideways, True
            synapses = Synapses(inputs, outputs, kernel)
            if kernel:
                height, sideways = (side + 2 * synapses.padding - kernel + 1 for side in (height, sideways))
            hidden.append(Hidden(synapses, 0, activations))
            inputs = outputs
        if not last.isdecimal() or min(height, sideways) < 1:
            raise TrainingError(f"network {text!r} must end with a number of classes and fit {shape}")
        self.hidden = nn.ModuleList(hidden)
        self.output = Output(Synapses(inputs if flat else inputs * height * sideways, int(last)))
        self.text = "-".join([*scaled, last])
        self.shape, self.layout = shape, layout

    @property
    def layers(self) -> list[Hidden]:
        """The hidden layers, first to last."""
        return [layer for layer in self.hidden if isinstance(layer, Hidden)]

    @property
    def synapses(self) -> list[Synapses]:
        """All layers of weights, first to last."""
        return [layer.synapses for layer in (*self.layers, self.output)]

    def forward(self, x: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Give scores of samples, shape (n, classes)."""
        if self.synapses[0].kernel:
            x = x.to(memory_format=LAYOUTS[self.layout])
        for layer in self.layers:
            x = layer(x, dtype, self.layout)
        return self.output(x, dtype, self.layout)


def squared_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean over samples and classes of max(0, 1 - t y)^2, t = 1 for the label's class and -1 for all others."""
    targets = F.one_hot(labels, scores.shape[1]) * 2 - 1
    return torch.clamp_min(1 - targets * scores, 0).square().mean()


def parameters(network: Network) -> int:
    """Count weights, scales and shifts."""
    return sum(math.prod(parameter.shape) for parameter in network.parameters())
