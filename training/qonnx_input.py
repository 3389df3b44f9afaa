"""What a network in QONNX does to its input before the first weights: passed over where that is exact on trits.

A network may take trits, or pixels between 0 and 1, of which it makes trits by itself. Either way every value that can
come out must follow from the machine's trit by one factor and one shift; the first layer's sums take both.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.input_buffer import InputParameters
from training.errors import TrainingError

#: Value of a constant operand of a node.
Constant = Callable[[str, Any], NDArray[np.float64]]


def recoding(
    nodes: Sequence[Any], value: Constant, attributes: dict[str, dict[str, Any]], coding: InputParameters
) -> tuple[float, NDArray[np.float64]]:
    """Find the factor and the shift that nodes are on the machine's trits.

    Parameters
    ----------
    nodes : sequence of NodeProto
        Nodes between the input and the first weights, in their order: Quant, Add, Sub, Mul, Div.
    value : callable
        Gives the constant of a name, for a node.
    attributes : dict
        Attributes of the nodes by the name of their output.
    coding : InputParameters
        From pixels to trits.

    Returns
    -------
    factor : float
        Not 0.
    shift : ndarray of float64, shape (1,) or (inputs,)
        The first layer's input is factor * trit + shift.

    Raises
    ------
    TrainingError
        If there is no such pair.
    """
    pixels = np.arange(256)
    coded = coding.trits(pixels.astype(np.uint8)).astype(np.float64)
    trits = np.unique(coded)
    for inputs, meant in ((trits, trits), (pixels / 255, coded)):
        values = inputs[:, None]
        for node in nodes:
            values = _applied(node, values, value, attributes[node.output[0]])
        found = _line(meant, values)
        if found is not None:
            return found
    names = ", ".join(node.name or node.op_type for node in nodes)
    raise TrainingError(
        f"nodes {names}: what they make of the input follows neither from the trits "
        f"{', '.join(f'{trit:g}' for trit in trits)} nor from the pixels that CONFIG codes into them by one factor and "
        f"shift"
    )


def _line(trits: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]] | None:
    """Factor and shift of values, shape (n, 1) or (n, inputs), over trits, shape (n,); None if they are on no line."""
    low, high = np.argmin(trits), np.argmax(trits)
    factors = (values[high] - values[low]) / (trits[high] - trits[low])
    shifts = values[low] - factors * trits[low]
    exact = np.allclose(values, np.outer(trits, factors) + shifts, rtol=1e-9, atol=1e-9)
    if not exact or not np.allclose(factors, factors[0], rtol=1e-9) or factors[0] == 0:
        return None
    return float(factors[0]), shifts


def _applied(node: Any, values: NDArray[np.float64], value: Constant, given: dict[str, Any]) -> NDArray[np.float64]:
    """Do what a node does to values, shape (n, 1) or (n, inputs)."""
    if node.op_type == "Quant":
        scale, zero, bits = (value(name, node).reshape(-1) for name in node.input[1:4])
        return quantised(values, scale, zero, float(bits[0]), given)
    operations = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    if node.op_type not in operations:
        raise TrainingError(f"node {node.name or node.op_type} ({node.op_type}) comes before any weights")
    return operations[node.op_type](values, value(node.input[1], node).reshape(-1))


def quantised(
    values: NDArray[np.float64],
    scale: NDArray[np.float64],
    zero: NDArray[np.float64],
    bits: float,
    given: dict[str, Any],
) -> NDArray[np.float64]:
    """Do what a Quant node does, as QONNX defines it, rounding halves to even."""
    signed, narrow = bool(given.get("signed", 1)), bool(given.get("narrow", 0))
    least = -(2 ** (bits - 1)) + narrow if signed else 0
    most = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return scale * (np.clip(np.rint(values / scale + zero), least, most) - zero)
