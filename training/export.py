"""From a trained network to the integers of the machine, and their evaluation in PyTorch.

Batch normalisation and the step function of a hidden neuron fold into the two bounds beyond which it fires. A negative
scale turns the neuron round, and so do weights of the other sign. The last layer has one scale for all classes, which
the comparison does not see.
"""

# types of PyTorch are not looked at: the API reference is built without it
from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from golden.dense import Dense, centred
from golden.input_buffer import InputParameters
from training.networks import Hidden, Network, Output
from training.quantize import THRESHOLD


def _weights(layer: Hidden | Output) -> NDArray[np.int8]:
    """Weights of a layer, shape (inputs, outputs)."""
    return layer.synapses.weight.detach().cpu().numpy().astype(np.int8).T


def _norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[NDArray[np.float64], ...]:
    """Scale, shift, mean and variance of a batch normalisation."""
    parts = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    return tuple(part.detach().cpu().numpy().astype(np.float64) for part in parts if part is not None)


def reach(weights: NDArray[np.int8], least: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Range of every neuron's sum, for inputs `least` .. 1."""
    wide = weights.astype(np.int64)
    up, down = wide.clip(0).sum(axis=0), (-wide).clip(0).sum(axis=0)
    return least * up - down, up - least * down


def bounds(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]:
    """Fold batch normalisation and step function: middle and half-width of every neuron, and the sign of its weights.

    With the weights times the sign, the neuron fires +1 from middle + half on, and -1 up to middle - half.
    """
    scale, shift, mean, variance = _norm(norm)
    sign = np.where(scale < 0, -1, 1)
    # a scale of 0 would leave the shift alone; this small, it does for all sums of any network
    slope = np.maximum(np.abs(scale), 1e-9) / np.sqrt(variance + norm.eps)
    return sign * mean - shift / slope, THRESHOLD / slope, sign.astype(np.int8)


def fold(network: Network, coding: InputParameters, dataset: str = "mnist") -> tuple[Dense, int]:
    """Fold a dense network of ternary activations.

    Parameters
    ----------
    network : Network
        Trained.
    coding : InputParameters
        From pixels to its inputs.
    dataset : str
        What it was trained on.

    Returns
    -------
    Dense
        Without predictions.
    int
        Hidden neurons of which one bound moved by one, because the machine's bounds lie evenly around an integer.
    """
    least = min(coding.dark, coding.middle if coding.uses_middle else 1, 1)
    weights, centres, thresholds, moved = [], [], [], 0
    for layer in network.layers:
        middles, halves, sign = bounds(layer.norm)
        matrix = _weights(layer) * sign
        low, high = reach(matrix, least)
        found = [centred(*neuron) for neuron in zip(middles, halves, low.tolist(), high.tolist(), strict=True)]
        silent = [threshold > top - bottom for (_, threshold, _), bottom, top in zip(found, low, high, strict=True)]
        # a neuron that never fires needs no weights, and then no large threshold
        matrix[:, silent] = 0
        centres.append(np.where(silent, 0, [centre for centre, _, _ in found]).astype(np.int64))
        thresholds.append(np.where(silent, 1, [threshold for _, threshold, _ in found]).astype(np.int64))
        moved += sum(not exact for _, _, exact in found)
        weights.append(matrix)
        least = -1
    scale, _, _, variance = _norm(network.output.norm)
    slope = float(scale[0] / np.sqrt(variance[0] + network.output.norm.eps))
    shift = network.output.shift.detach().cpu().numpy().astype(np.float64)
    weights.append(_weights(network.output) * np.int8(np.sign(slope)))
    centres.append(-np.rint(shift / abs(slope)).astype(np.int64))
    nothing = np.zeros(0, np.uint8)
    return Dense(tuple(weights), tuple(centres), tuple(thresholds), coding, dataset, nothing), moved


def evaluate(dense: Dense, trits: Tensor) -> NDArray[np.uint8]:
    """Predict in PyTorch, in integers: float32 holds every sum of these networks exactly.

    Parameters
    ----------
    dense : Dense
        The network.
    trits : Tensor, shape (n, inputs)
        Inputs.

    Returns
    -------
    ndarray of uint8, shape (n,)
        Classes, the lowest on a tie.
    """
    x = trits.float()
    device = x.device
    for matrix, centre, threshold in zip(dense.weights, dense.centres, [*dense.thresholds, None], strict=True):
        sums = x @ torch.tensor(matrix, dtype=torch.float32, device=device)
        x = sums - torch.tensor(centre, dtype=torch.float32, device=device)
        if threshold is not None:
            x = torch.sign(x) * (x.abs() >= torch.tensor(threshold, dtype=torch.float32, device=device))
    return x.cpu().numpy().argmax(axis=1).astype(np.uint8)
