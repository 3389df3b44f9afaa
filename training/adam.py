"""Adam as a source of changes: it says how far a weight should move, and moves nothing."""

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma and Ba, 2015) over a flat tensor.

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
