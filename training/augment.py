"""Data augmentation: random copies of training images, on the device, drawn from a given generator."""

import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor

from training.errors import TrainingError

#: Largest rotation in degrees, and largest relative change of size and shear, of ``affine``.
_ROTATION, _CHANGE = 12.0, 0.12


class Augmentation:
    """A chain of augmentations.

    Parameters
    ----------
    text : str
        Names after one another with commas, or nothing: ``flip`` mirrors half of the images, ``shiftN`` moves each by
        up to N pixels in both directions, ``affine`` turns, scales and shears each a little.
    """

    def __init__(self, text: str) -> None:
        self._steps = [part for part in text.split(",") if part]
        for step in self._steps:
            if not re.fullmatch(r"flip|affine|shift[1-9]\d*", step):
                raise TrainingError(f"unknown augmentation {step!r}: give flip, affine, shiftN, or several with commas")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch of pixels, uint8, shape (n, channels, height, width)."""
        for step in self._steps:
            if step == "flip":
                mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
                images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
            elif step == "affine":
                images = _affine(images, generator)
            else:
                images = _shift(images, int(step.removeprefix("shift")), generator)
        return images


def _shift(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Move every image by its own distance; what comes in is dark."""
    count, _, height, width = images.shape
    padded = F.pad(images, (reach,) * 4)
    drawn = torch.randint(2 * reach + 1, (2, count), generator=generator, device=images.device)
    rows = drawn[0][:, None] + torch.arange(height, device=images.device)
    columns = drawn[1][:, None] + torch.arange(width, device=images.device)
    sample = torch.arange(count, device=images.device)[:, None, None]
    # indexing puts the channels last
    return padded[sample, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _affine(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, scale and shear every image by its own amounts."""
    count = len(images)
    drawn = torch.rand((4, count), generator=generator, device=images.device) * 2 - 1
    turn = drawn[0] * math.radians(_ROTATION)
    across, along, shear = 1 + drawn[1] * _CHANGE, 1 + drawn[2] * _CHANGE, drawn[3] * _CHANGE
    zero = torch.zeros_like(turn)
    first = torch.stack([across * torch.cos(turn), shear - torch.sin(turn), zero], dim=1)
    second = torch.stack([torch.sin(turn), along * torch.cos(turn), zero], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images.float(), grid, align_corners=False).round_().to(images.dtype)
