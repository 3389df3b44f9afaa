"""Update rules: how a real-valued change dW reaches a discrete weight. One interface, five rules.

* `Gxnor`: clip, kappa whole steps, one more with probability tanh(m |nu| / dz), in floating point.
* `Mtj` (training/mtj.py): the same through the machine's tables and devices.
* `Accumulate` (training/accumulate.py): the machine's own, gradient sums that ask for pulses.
* `Bop`: a weight moves a step where an exponential average of its gradient is large (Helwegen et al., 2019).
* `Ste`: a hidden real weight takes every change and is rounded, the baseline that needs a second copy.
"""

from typing import Any, Protocol

import torch
from torch import Tensor

from training.quantize import Space

#: The m of tanh(m |nu| / dz).
SLOPE = 3.0


class Rule(Protocol):
    """How changes reach weights.

    Attributes
    ----------
    name : str
        As on the command line.
    """

    name: str

    def apply(self, change: Tensor) -> Tensor:
        """Take a change of all weights, shape (n,), in units of the weights; count the weights that it moved."""
        ...

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs besides the weights."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        ...


def _evenly(like: Tensor, space: Space, generator: torch.Generator) -> Tensor:
    """Draw every value of a space equally often, shape as `like`."""
    drawn = torch.rand(like.shape, generator=generator, device=like.device)
    return torch.floor(drawn * (space.steps + 1)) * space.dz - 1


class Gxnor:
    """Probabilistic projection in floating point.

    Parameters
    ----------
    weights : Tensor, shape (n,)
        Weights, values of the space; changed in place.
    space : Space
        Their space.
    generator : torch.Generator
        Source of all draws.
    """

    name = "gxnor"

    def __init__(self, weights: Tensor, space: Space, generator: torch.Generator) -> None:
        self.weights, self.space, self.generator = weights, space, generator
        weights.copy_(_evenly(weights, space, generator))

    def apply(self, change: Tensor) -> Tensor:
        """Project the changes."""
        before = self.weights.clone()
        steps = change / self.space.dz
        whole = torch.trunc(steps)
        chance = torch.tanh(SLOPE * (steps - whole).abs())
        switched = torch.rand(steps.shape, generator=self.generator, device=steps.device) < chance
        whole += switched * torch.sign(steps)
        # clipping afterwards equals clipping the change first: no step leads out of the space, or back into it
        self.weights.add_(whole, alpha=self.space.dz).clamp_(-1, 1)
        return (self.weights != before).sum()

    def state(self) -> dict[str, Any]:
        """Give nothing: the weights are all."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take nothing."""


class Ste:
    """A hidden real weight, rounded; parameters as of `Gxnor`."""

    name = "ste"

    def __init__(self, weights: Tensor, space: Space, generator: torch.Generator) -> None:
        self.weights, self.space = weights, space
        self.hidden = torch.rand(weights.shape, generator=generator, device=weights.device) * 2 - 1
        weights.copy_(space.nearest(self.hidden))

    def apply(self, change: Tensor) -> Tensor:
        """Let the hidden weights take the changes."""
        self.hidden.add_(change).clamp_(-1, 1)
        after = self.space.nearest(self.hidden)
        moved = (self.weights != after).sum()
        self.weights.copy_(after)
        return moved

    def state(self) -> dict[str, Any]:
        """Give the hidden weights."""
        return {"hidden": self.hidden}

    def restore(self, state: dict[str, Any]) -> None:
        """Take hidden weights."""
        self.hidden.copy_(state["hidden"])


class Bop:
    """A step wherever an average of gradients passes a threshold; parameters as of `Gxnor`.

    With binary weights this is the binary optimiser of Helwegen et al., "Latent Weights Do Not Exist" (2019), its
    threshold in units of the layer's rms gradient.
    """

    name = "bop"

    #: Averages below it, in units of the layer's rms gradient, move nothing.
    THRESHOLD = 0.05

    def __init__(self, weights: Tensor, space: Space, generator: torch.Generator) -> None:
        self.weights, self.space = weights, space
        weights.copy_(_evenly(weights, space, generator))

    def apply(self, change: Tensor) -> Tensor:
        """Take averages, and step."""
        before = self.weights.clone()
        self.weights.add_(change.sign() * (change.abs() > self.THRESHOLD), alpha=self.space.dz).clamp_(-1, 1)
        return (self.weights != before).sum()

    def state(self) -> dict[str, Any]:
        """Give nothing: the weights are all."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take nothing."""
