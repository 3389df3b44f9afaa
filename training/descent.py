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

    _FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-12

    def __init__(self, like: Tensor) -> None:
        self.mean, self.square = torch.zeros_like(like), torch.zeros_like(like)
        self.steps = 0

    def change(self, gradient: Tensor, rate: float) -> Tensor:
        """Take a gradient, give the change for a learning rate."""
        self.steps += 1
        self.mean.lerp_(gradient, 1 - self._FIRST)
        self.square.mul_(self._SECOND).addcmul_(gradient, gradient, value=1 - self._SECOND)
        unbiased = 1 - self._FIRST**self.steps, 1 - self._SECOND**self.steps
        # with the bias of the second moment in the factor, one root and one division are all
        scale = self.square.sqrt().add_(self._EPSILON)
        return torch.div(self.mean, scale, out=scale).mul_(-rate * unbiased[1] ** 0.5 / unbiased[0])
