"""The discrete spaces of weights and activations, and the step functions with a derivative window."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

#: Threshold r of an activation, and half-width a of its derivative window: derivative 1 / (2 a) where ||x| - r| <= a.
THRESHOLD, WINDOW = 0.5, 0.5

_hardtanh_backward = torch.ops.aten.hardtanh_backward


@dataclass(frozen=True)
class Space:
    """A discrete weight space Z_N over [-1, 1].

    Attributes
    ----------
    name : str
        ``ternary`` or ``binary``, as of a synapse of the machine.
    dz : float
        Step between neighbouring values.
    steps : int
        Steps across the space; as many devices has a synapse.
    """

    name: str
    dz: float
    steps: int

    def nearest(self, x: Tensor) -> Tensor:
        """Round to the space; values midway go up."""
        return (torch.floor((x + 1) / self.dz + 0.5) * self.dz - 1).clamp_(-1, 1)


SPACES = {"ternary": Space("ternary", 1.0, 2), "binary": Space("binary", 2.0, 1)}


class _Ternary(torch.autograd.Function):
    """GXNOR's activation: sign(x) where |x| >= r, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        # hardshrink zeroes up to its bound inclusively, which is the largest number below r, a power of two
        return F.hardshrink(x, THRESHOLD * (1 - torch.finfo(x.dtype).eps / 2)).sign_()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        # with a = r = 1/2 the derivative is 1 where |x| <= 1; hardtanh leaves its bounds out, the smallest number above
        bound = 1 + torch.finfo(x.dtype).eps
        return _hardtanh_backward(gradients[0], x, -bound, bound)


class _Binary(torch.autograd.Function):
    """Sign, with 0 as +1; its derivative is a window around 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype) * 2 - 1

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * (x.abs() <= 2 * WINDOW).to(x.dtype) * (0.5 / WINDOW)


def activate(x: Tensor, space: str) -> Tensor:
    """Quantise activations: ``ternary`` or ``binary``."""
    return (_Ternary if space == "ternary" else _Binary).apply(x)  # pyright: ignore[reportReturnType]
