"""Ternary dense networks in QONNX, as Brevitas exports them, as networks of the machine.

What is understood is a chain: per layer MatMul or Gemm with weights from a Quant node (an initializer, perhaps
transposed), then any of Add, Sub, Mul, Div, BatchNormalization with constants, then a ternary Quant; Flatten, Reshape
and Identity are passed over. What comes before the first weights is `training.qonnx_input`'s. Everything else is
refused by the name of its node.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from golden.dense import Dense, centred
from golden.input_buffer import InputParameters
from training.errors import TrainingError
from training.export import reach
from training.qonnx_input import recoding

_PASSED = ("Flatten", "Reshape", "Identity", "Squeeze")


class _Graph:
    """A graph with its constants at hand."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise TrainingError(f"no QONNX file {path}")
        try:
            self.graph = onnx.load(str(path)).graph
        except Exception as error:  # whatever the parser of the format raises
            raise TrainingError(f"{path} is no ONNX file ({' '.join(str(error).split())})") from error
        self.constants = {item.name: numpy_helper.to_array(item) for item in self.graph.initializer}
        self.makers = {name: node for node in self.graph.node for name in node.output}

    def value(self, name: str, node: Any) -> NDArray[np.float64]:
        """Compute a constant; quantised ones as what they stand for."""
        if name in self.constants:
            return self.constants[name].astype(np.float64)
        maker = self.makers.get(name)
        if maker is None:
            raise TrainingError(f"node {node.name or node.op_type}: its operand {name!r} is not constant")
        if maker.op_type == "Constant":
            return numpy_helper.to_array(attributes(maker)["value"]).astype(np.float64)
        if maker.op_type == "Transpose":
            return self.value(maker.input[0], maker).transpose(attributes(maker).get("perm"))
        if maker.op_type == "Quant":
            trits, scale = self.trits(name, maker)
            return trits * scale
        raise TrainingError(f"node {maker.name or maker.op_type} ({maker.op_type}) is none that can be imported here")

    def trits(self, name: str, node: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute quantised weights: trits (inputs, outputs), and their scale."""
        maker = self.makers.get(name)
        if maker is not None and maker.op_type == "Transpose":
            trits, scale = self.trits(maker.input[0], maker)
            order = attributes(maker).get("perm")
            return trits.transpose(order), scale.transpose(order) if scale.ndim == trits.ndim else scale
        if maker is None or maker.op_type != "Quant":
            raise TrainingError(f"node {node.name or node.op_type}: its weights do not come from a Quant node")
        values, scale = self.value(maker.input[0], maker), self.value(maker.input[1], maker)
        self.check_ternary(maker)
        # numpy rounds as the format says, halves to even
        return np.clip(np.rint(values / scale), -1, 1), scale

    def check_ternary(self, node: Any) -> None:
        """Refuse a Quant node that gives other values than -1, 0 and 1 times its scale."""
        zero, bits = (float(self.value(node.input[index], node).reshape(-1)[0]) for index in (2, 3))
        held = attributes(node)
        mode = held.get("rounding_mode", b"ROUND").decode()
        if (zero, bits, held.get("signed"), held.get("narrow"), mode) != (0.0, 2.0, 1, 1, "ROUND"):
            raise TrainingError(
                f"node {node.name or 'Quant'} is not ternary: it must have zero point 0, 2 bits, signed 1, narrow 1, "
                f"rounding mode ROUND, not {zero:g}, {bits:g}, {held.get('signed')}, {held.get('narrow')}, {mode}"
            )


def attributes(node: Any) -> dict[str, Any]:
    """Attributes of a node by name."""
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


@dataclass(frozen=True)
class Imported:
    """A network that was read.

    Attributes
    ----------
    dense : Dense
        Without predictions.
    moved : int
        Hidden neurons of which one bound moved by one, see `golden.dense.centred`.
    ties : int
        Hidden neurons that have a sum exactly on a bound, a half between two activations. Halves round to even here. An
        evaluator that adds in floating point rounds such a sum by what the last bits of its terms come to.
    """

    dense: Dense
    moved: int
    ties: int


def read(path: Path, coding: InputParameters, dataset: str = "mnist") -> Imported:
    """Read a network.

    Parameters
    ----------
    path : Path
        A QONNX file.
    coding : InputParameters
        From pixels to the trits of its input.
    dataset : str
        What it was trained on.

    Returns
    -------
    Imported
        The network.

    Raises
    ------
    TrainingError
        If the file cannot be read, or holds something else.
    """
    held = _Graph(path)
    layers: list[tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64], bool]] = []
    weights = slope = shift = None
    unit, offset = 1.0, np.zeros(1)  # what a trit of the layer's input stands for, and what is added to it
    before: list[Any] = []
    for node in _chain(held):
        if node.op_type in _PASSED:
            continue
        if node.op_type in ("MatMul", "Gemm"):
            if weights is not None:
                raise TrainingError(
                    f"node {node.name or node.op_type}: the layer before it has no Quant of activations"
                )
            weights, scale = _product(held, node)
            if before:
                given = {made.output[0]: attributes(made) for made in before}
                unit, offset = recoding(before, held.value, given, coding)
                before = []
            scale = np.broadcast_to(scale, (1, weights.shape[1])).reshape(-1)
            slope = scale * unit
            shift = scale * (np.broadcast_to(offset, len(weights)) @ weights)
            offset = np.zeros(1)
            if node.op_type == "Gemm" and len(node.input) > 2:
                shift = shift + held.value(node.input[2], node).reshape(-1)
            continue
        if weights is None or slope is None or shift is None:
            before.append(node)
            continue
        if node.op_type == "Quant":
            held.check_ternary(node)
            scale = held.value(node.input[1], node).reshape(-1)
            if len(scale) > 1:
                raise TrainingError(f"node {node.name or 'Quant'}: activations must have one scale, not {len(scale)}")
            unit = float(scale[0])
            layers.append((weights, slope / unit, shift / unit, False))
            weights = None
        else:
            slope, shift = _affine(held, node, slope, shift)
    if weights is None or slope is None or shift is None:
        raise TrainingError(f"{path}: the last layer must end with sums, not with a Quant")
    layers.append((weights, slope, shift, True))
    return _fold(layers, coding, dataset, path)


def _chain(held: _Graph) -> list[Any]:
    """Nodes from the input to the output, which must be one after the other."""
    constant = set(held.constants)
    (name,) = [item.name for item in held.graph.input if item.name not in constant][:1] or [""]
    nodes = []
    while users := [node for node in held.graph.node if node.input and node.input[0] == name]:
        if len(users) > 1:
            raise TrainingError(f"{name!r} goes to {len(users)} nodes: only chains can be imported")
        nodes.append(users[0])
        name = users[0].output[0]
    if name not in [item.name for item in held.graph.output]:
        raise TrainingError(f"the chain of nodes ends at {name!r}, which is not the output")
    return nodes


def _product(held: _Graph, node: Any) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Weights (inputs, outputs) of a product, and what its sums of trits have to be multiplied with."""
    trits, scale = held.trits(node.input[1], node)
    given = attributes(node)
    if node.op_type == "Gemm" and given.get("transB"):
        trits, scale = trits.T, scale.T
    if scale.size > 1 and scale.shape[0] > 1:
        raise TrainingError(f"node {node.name or node.op_type}: its weights have a scale per input, not per neuron")
    return trits.astype(np.int8), scale.reshape(1, -1) * given.get("alpha", 1.0)


def _affine(
    held: _Graph, node: Any, slope: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let a node change what sums are multiplied with, and what is added."""
    if node.op_type == "BatchNormalization":
        gamma, beta, mean, variance = (held.value(name, node) for name in node.input[1:5])
        factor = gamma / np.sqrt(variance + attributes(node).get("epsilon", 1e-5))
        return slope * factor, (shift - mean) * factor + beta
    if node.op_type not in ("Add", "Sub", "Mul", "Div"):
        raise TrainingError(f"node {node.name or node.op_type} ({node.op_type}) is none that can be imported here")
    operand = held.value(node.input[1], node).reshape(-1)
    if node.op_type in ("Mul", "Div"):
        factor = operand if node.op_type == "Mul" else 1 / operand
        return slope * factor, shift * factor
    return slope, shift + (operand if node.op_type == "Add" else -operand)


def _fold(
    layers: list[tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64], bool]],
    coding: InputParameters,
    dataset: str,
    path: Path,
) -> Imported:
    """Turn slopes and shifts into centres and thresholds."""
    weights, centres, thresholds, moved, ties = [], [], [], 0, 0
    least = min(coding.dark, coding.middle if coding.uses_middle else 1)
    for matrix, slope, shift, last in layers:
        if (slope == 0).any():
            raise TrainingError(f"{path}: neuron {int(np.argmax(slope == 0))} of a layer has a scale of 0")
        matrix = matrix * np.where(slope < 0, -1, 1).astype(np.int8)
        middle, size = -shift / np.abs(slope), np.abs(slope)
        if last:
            if (slope < 0).any() or not np.allclose(size, size[0], rtol=1e-6):
                raise TrainingError(f"{path}: the last layer must have one positive scale for all classes")
            centres.append(np.rint(middle).astype(np.int64))
        else:
            low, high = reach(matrix, least)
            # a half rounds to even, that is to 0: a neuron fires just beyond it
            halves = 0.5 / size + _error(middle, size)
            found = [centred(*each) for each in zip(middle, halves, low.tolist(), high.tolist(), strict=True)]
            centres.append(np.array([centre for centre, _, _ in found]))
            thresholds.append(np.array([threshold for _, threshold, _ in found]))
            moved += sum(not exact for _, _, exact in found)
            ties += _tied(middle, size, low, high)
        weights.append(matrix)
        least = -1
    nothing = np.zeros(0, np.uint8)
    return Imported(Dense(tuple(weights), tuple(centres), tuple(thresholds), coding, dataset, nothing), moved, ties)


def _tied(
    middle: NDArray[np.float64], size: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> int:
    """Count neurons that have a bound that is one of their sums, low .. high."""
    bounds = np.stack([middle - 0.5 / size, middle + 0.5 / size])
    nearest = np.rint(bounds)
    equal = np.abs(bounds - nearest) <= _error(middle, size)
    return int(np.count_nonzero(np.any(equal & (nearest >= low) & (nearest <= high), axis=0)))


def _error(middle: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a bound may be off, as the numbers of a file are those of float32."""
    return 4 * np.finfo(np.float32).eps * (np.abs(middle) + 0.5 / size)
