"""Dense networks trained elsewhere, and how a machine holds them.

A hidden neuron of such a network fires +1 where its sum s is at least `high`, and -1 where it is at most `low`; the
machine's fires where ``|s - centre| >= threshold``. The two are the same where ``high + low`` is even, or where sums
reach one of them at most. Classes are compared by ``s - centre``.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig
from golden.input_buffer import InputParameters
from golden.lib import headed_arrays

#: A file of another form is refused.
FORMAT = 1


class DenseError(ValueError):
    """A network does not fit a machine, or a file holds none; the message is one line."""


def centred(middle: float, half: float, least: int, most: int) -> tuple[int, int, bool]:
    """Find the centre and the threshold of a neuron.

    Parameters
    ----------
    middle, half : float
        The neuron fires +1 from ``middle + half`` on, and -1 up to ``middle - half``; half > 0.
    least, most : int
        Range of its sums.

    Returns
    -------
    centre, threshold : int
        Of the machine's neuron; the threshold is at least 1, and `most` + 1 - `least` at most. A neuron that no sum can
        make fire has the greatest.
    exact : bool
        Whether it fires as asked for every sum; else one of its two bounds is one off.
    """
    never = most + 1 - least
    high = math.ceil(middle + half) if middle + half <= most else None
    low = math.floor(middle - half) if middle - half >= least else None
    if high is None and low is None:
        return least, never, True
    if low is None:
        assert high is not None
        high = max(high, least)
        low = least - 1 - (high - least + 1) % 2
    elif high is None:
        low = min(low, most)
        high = most + 1 + (most + 1 - low) % 2
    elif (high + low) % 2:
        # keep one bound, the one from which the other is less wrong
        threshold = math.ceil(half)
        centre = min(high - threshold, low + threshold, key=lambda centre: abs(centre - middle))
        return centre, threshold, False
    return (high + low) // 2, (high - low) // 2, True


@dataclass(frozen=True)
class Dense:
    """A dense network of trits with integer thresholds.

    Attributes
    ----------
    weights : tuple of ndarray of int8, shape (inputs, outputs)
        -1, 0 or 1, layer by layer.
    centres : tuple of ndarray of int64, shape (outputs,)
        What is subtracted from sums, layer by layer.
    thresholds : tuple of ndarray of int64, shape (outputs,)
        Of the hidden layers, >= 1.
    coding : InputParameters
        From pixels to the trits of the input.
    dataset : str
        Name of the data set that it was trained on.
    predictions : ndarray of uint8, shape (n,)
        Classes of the first n test samples, as its maker evaluates it.
    """

    weights: tuple[NDArray[np.int8], ...]
    centres: tuple[NDArray[np.int64], ...]
    thresholds: tuple[NDArray[np.int64], ...]
    coding: InputParameters
    dataset: str
    predictions: NDArray[np.uint8]

    @property
    def sizes(self) -> list[int]:
        """Layer sizes: inputs, hidden layers, classes."""
        return [self.weights[0].shape[0], *(layer.shape[1] for layer in self.weights)]

    def save(self, path: Path) -> None:
        """Write the network as a NumPy archive, whole or not at all."""
        header = {"format": FORMAT, "layers": len(self.weights), "dataset": self.dataset, "coding": asdict(self.coding)}
        arrays: dict[str, Any] = {"predictions": self.predictions}
        for name in ("weights", "centres", "thresholds"):
            arrays |= {f"{name}_{index}": array for index, array in enumerate(getattr(self, name))}
        headed_arrays.write(path, header, arrays)

    @classmethod
    def load(cls, path: Path) -> "Dense":
        """Read what `save` wrote.

        Raises
        ------
        DenseError
            If there is no such file, or it is of another form.
        """
        if not path.is_file():
            raise DenseError(f"no weights file {path}: mtj-gxnor accuracy --config mnist makes one")
        try:
            header, arrays = headed_arrays.read(path)
            if header.get("format") != FORMAT:
                raise DenseError(f"weights file {path} has format {header.get('format')}, not {FORMAT}: make it again")
            return cls._checked(header, arrays)
        except DenseError:
            raise
        except (OSError, KeyError, TypeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DenseError(f"weights file {path} cannot be read ({reason}): make it again") from error

    @classmethod
    def _checked(cls, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "Dense":
        """Make the network of a file, of which all parts fit together."""
        layers = range(header["layers"])
        if len(layers) < 1:
            raise ValueError("it has no layers")
        weights, centres = ([arrays[f"{name}_{index}"] for index in layers] for name in ("weights", "centres"))
        thresholds = [arrays[f"thresholds_{index}"] for index in layers[:-1]]
        for index, matrix in enumerate(weights):
            if matrix.ndim != 2 or (index and matrix.shape[0] != weights[index - 1].shape[1]):
                raise ValueError(f"weights_{index} has the shape {list(matrix.shape)}, which does not fit")
            if np.abs(matrix).max(initial=0) > 1:
                raise ValueError(f"weights_{index} are not all -1, 0 or 1")
        for name, vectors in (("centres", centres), ("thresholds", thresholds)):
            for index, vector in enumerate(vectors):
                if vector.shape != weights[index].shape[1:]:
                    raise ValueError(f"{name}_{index} has the shape {list(vector.shape)}, which does not fit")
        if any((vector < 1).any() for vector in thresholds):
            raise ValueError("thresholds are not all >= 1")
        predictions, dataset = arrays["predictions"], header["dataset"]
        if predictions.ndim != 1 or not isinstance(dataset, str):
            raise ValueError("predictions or name of the data set are of another form")
        coding = InputParameters(**header["coding"])
        return cls(tuple(weights), tuple(centres), tuple(thresholds), coding, dataset, predictions)

    def place(self, config: MachineConfig) -> dict[str, NDArray[np.int64]]:
        """Lay the network out in a machine.

        Parameters
        ----------
        config : MachineConfig
            The machine.

        Returns
        -------
        dict of str to ndarray of int64
            ``r1``, ``r2``, shape (rows, lanes), and ``offset``, ``scale``, shape (elements,): what the machine loads.

        Raises
        ------
        DenseError
            If the machine has other layers or another input coding, or cannot hold a weight, a centre or a threshold.
        """
        if self.sizes != list(config.layers):
            raise DenseError(
                f"the network has the layers {self.sizes}, the machine {list(config.layers)}: "
                "choose another configuration"
            )
        if self.coding != config.input:
            raise DenseError(
                f"the network was trained for {self.coding}, the machine has {config.input}: "
                "choose another configuration"
            )
        geometry, lanes = config.geometry, config.array.lanes
        weights = np.zeros((geometry.rows, lanes), np.int64)
        elements = geometry.vector_groups * geometry.group
        offset, scale = np.zeros(elements, np.int64), np.zeros(elements, np.int64)
        for layer, matrix in zip(geometry.layers, self.weights, strict=True):
            across = matrix if layer.inputs_on_rows else matrix.T
            for block in range(layer.blocks):
                part = across[:, block * lanes : (block + 1) * lanes]
                first = layer.row + block * layer.rows_per_block
                weights[first : first + layer.rows_per_block, : part.shape[1]] = part
            first = geometry.group_base[layer.index + 1] * geometry.group
            at = slice(first, first + layer.outputs)
            offset[at] = _offsets(self.centres[layer.index], config, layer.index)
            if not layer.last:
                scale[at] = _scales(self.thresholds[layer.index], config, layer.index)
        if config.array.devices == 1:
            # lanes beyond a layer's size hold any weight
            if any((matrix == 0).any() for matrix in self.weights):
                raise DenseError(
                    "the network has weights 0, the machine's synapses are binary: choose another configuration"
                )
            return {"r1": (weights + 1) // 2, "r2": np.zeros_like(weights), "offset": offset, "scale": scale}
        return {"r1": weights.clip(0), "r2": (-weights).clip(0), "offset": offset, "scale": scale}


def _offsets(centres: NDArray[np.int64], config: MachineConfig, layer: int) -> NDArray[np.int64]:
    """Offsets of which the whole part are the centres."""
    bits = config.geometry.sum_bits
    wrong = np.flatnonzero((centres < -(1 << bits - 1)) | (centres >= 1 << bits - 1))
    if len(wrong):
        raise DenseError(
            f"layer {layer}, neuron {wrong[0]}: the centre must be -2^{bits - 1} .. 2^{bits - 1} - 1, not "
            f"{centres[wrong[0]]}"
        )
    return centres << config.neuron.fraction


def _scales(thresholds: NDArray[np.int64], config: MachineConfig, layer: int) -> NDArray[np.int64]:
    """Spreads of which the machine's threshold, a fixed part, is the one given."""
    neuron = config.neuron
    eighths, shift = neuron.threshold_eighths, 3 + neuron.fraction
    # the least scale that reaches the threshold; without eighths the threshold is 1 whatever the scale
    scales = -(-(thresholds << shift) // eighths) if eighths else np.zeros_like(thresholds)
    reached = np.maximum((eighths * scales) >> shift, 1)
    bits = neuron.scale_bits(config.geometry.sum_bits)
    wrong = np.flatnonzero((reached != thresholds) | (scales >= 1 << bits))
    if len(wrong):
        raise DenseError(
            f"layer {layer}, neuron {wrong[0]}: no scale of {bits} bits gives the threshold {thresholds[wrong[0]]}; "
            f"change neuron.threshold_eighths = {eighths} or neuron.fraction = {neuron.fraction}"
        )
    return scales
