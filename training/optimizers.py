"""From gradients to changes: how far every weight should move; nothing is moved here. One interface, three ways."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Descent(Protocol):
    """A source of changes over a flat tensor of weights."""

    def change(self, gradient: Tensor, rate: float) -> Tensor:
        """Take a gradient, shape (n,), give the changes, shape (n,), in units of the weights, for a learning rate."""
        ...

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        ...


class Adam:
    """Adam (Kingma and Ba, 2015): two running means for every weight.

    Parameters
    ----------
    like : Tensor, shape (n,)
        Whose changes are computed.
    """

    #: Of the running means of gradients and of their squares. The second forgets within a hundred steps: gradients fall
    #: a hundredfold in the first epochs, and a longer memory would hold every change back for as long.
    BETAS = 0.9, 0.99
    _EPSILON = 1e-8

    def __init__(self, like: Tensor) -> None:
        self.mean, self.square = torch.zeros_like(like), torch.zeros_like(like)
        self.steps = 0

    def change(self, gradient: Tensor, rate: float) -> Tensor:
        """Take a gradient, give the change for a learning rate."""
        first, second = self.BETAS
        self.steps += 1
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        # with the bias of the second moment in the factor, one root and one division are all
        bias = (1 - second**self.steps) ** 0.5
        scale = self.square.sqrt().add_(self._EPSILON * bias)
        return torch.div(self.mean, scale, out=scale).mul_(-rate * bias / (1 - first**self.steps))

    def state(self) -> dict[str, Any]:
        """Give both means and the count of steps."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.mean.copy_(state["mean"])
        self.square.copy_(state["square"])
        self.steps = state["steps"]


class Scaled:
    """The plain gradient, one factor per layer: a gradient of its layer's running rms asks for one `rate`.

    The factor is what the machine has as its rate per layer; nothing is kept for a single weight.

    Parameters
    ----------
    sizes : sequence of int
        Weights of every layer, in the order of the flat tensor.
    device : torch.device
        Where the gradients are.
    """

    #: Of the running mean square of a layer's gradient.
    BETA = 0.99
    _EPSILON = 1e-20

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self.sizes = list(sizes)
        self.square = torch.zeros(len(self.sizes), device=device)
        self.steps = 0

    def change(self, gradient: Tensor, rate: float) -> Tensor:
        """Take a gradient, give the change for a learning rate."""
        self.steps += 1
        parts = gradient.split(self.sizes)
        squares = torch.stack([torch.dot(part, part) / len(part) for part in parts])
        self.square.lerp_(squares, 1 - self.BETA)
        factors = -rate / (self.square / (1 - self.BETA**self.steps) + self._EPSILON).sqrt()
        return torch.cat([part * factor for part, factor in zip(parts, factors, strict=True)])

    def state(self) -> dict[str, Any]:
        """Give the mean squares and the count of steps."""
        return {"square": self.square, "steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.square.copy_(state["square"])
        self.steps = state["steps"]


class Averaged:
    """An exponential average of `Scaled` gradients over 1 / rate steps; parameters as of `Scaled`."""

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        self.scaled = Scaled(sizes, device)
        self.mean = torch.zeros(sum(sizes), device=device)

    def change(self, gradient: Tensor, rate: float) -> Tensor:
        """Take a gradient, give the average, downhill, in units of the layer's rms."""
        return self.mean.lerp_(self.scaled.change(gradient, 1.0), rate)

    def state(self) -> dict[str, Any]:
        """Give the averages and what scales them."""
        return {"mean": self.mean, "scaled": self.scaled.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.mean.copy_(state["mean"])
        self.scaled.restore(state["scaled"])
