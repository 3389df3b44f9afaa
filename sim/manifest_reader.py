"""Packing and unpacking of port values as the manifest describes them."""

import json
from pathlib import Path
from typing import Any

import dacite
import numpy as np
from numpy.typing import NDArray

from golden.config import MachineConfig


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a generated design."""
    return json.loads((folder / "manifest.json").read_text())


def config(manifest: dict[str, Any]) -> MachineConfig:
    """Rebuild the configuration that a design was generated from."""
    return dacite.from_dict(MachineConfig, manifest["config"], dacite.Config(strict=True, cast=[tuple]))


def pack(shape: dict[str, Any], value: Any) -> int:
    """Pack a value into the bits of a port.

    Parameters
    ----------
    shape : dict
        Description of the port from the manifest.
    value : int, dict or sequence
        A number, one value per field (fields left out are 0), or one value per element.

    Returns
    -------
    int
        Unsigned bits.
    """
    if "fields" in shape and isinstance(value, dict):
        unknown = set(value) - set(shape["fields"])
        if unknown:
            raise KeyError(f"no field {sorted(unknown)} in {sorted(shape['fields'])}")
        return sum(pack(field, value.get(name, 0)) << field["offset"] for name, field in shape["fields"].items())
    if "elements" in shape and not isinstance(value, int):
        element = shape["elements"]
        if len(value) != element["count"]:
            raise ValueError(f"{len(value)} values for {element['count']} elements")
        return sum(pack(element, item) << (at * element["width"]) for at, item in enumerate(value))
    number = int(value)
    low = -(1 << (shape["width"] - 1)) if shape["signed"] else 0
    high = (1 << (shape["width"] - int(shape["signed"]))) - 1
    if not low <= number <= high:
        raise ValueError(f"{number} does not fit {shape['width']} bits, {low} .. {high}")
    return number & ((1 << shape["width"]) - 1)


def unpack(shape: dict[str, Any], bits: int) -> Any:
    """Unpack the bits of a port: the inverse of `pack`; fields become a dict, elements a list."""
    if "fields" in shape:
        return {name: unpack(field, bits >> field["offset"]) for name, field in shape["fields"].items()}
    if "elements" in shape:
        element = shape["elements"]
        return [unpack(element, bits >> (at * element["width"])) for at in range(element["count"])]
    number = bits & ((1 << shape["width"]) - 1)
    if shape["signed"] and number >> (shape["width"] - 1):
        number -= 1 << shape["width"]
    return number


def weights(bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Weights of a number's bits, lowest first; the highest is negative in two's complement."""
    found = 1 << np.arange(bits, dtype=np.int64)
    if signed:
        found[-1] = -found[-1]
    return found


def planes_of(numbers: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Turn one number per lane, shape (words, lanes), into words of `bits` planes, one bit per element."""
    planes = np.asarray(numbers, np.int64)[:, None, :] >> np.arange(bits)[None, :, None] & 1
    return planes.astype(np.uint8).reshape(len(numbers), -1)


def numbers_of(words: NDArray[np.uint8], bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Turn words of `bits` planes, one bit per element, into one number per lane, shape (words, lanes)."""
    planes = words.reshape(len(words), bits, -1)
    numbers = np.zeros((len(words), planes.shape[2]), np.int64)
    for bit, weight in enumerate(weights(bits, signed=signed)):
        numbers += planes[:, bit] * weight
    return numbers


def plane_registers(path: str, planes: int) -> str:
    """Write the registers PATH0, PATH1 and so on, the planes of one number, as Verilog: the lowest comes last."""
    return f"{{{', '.join(f'{path}{plane}' for plane in reversed(range(planes)))}}}"


def to_planes(numbers: NDArray[Any], bits: int) -> list[int]:
    """Turn one number per lane into `bits` planes, each an integer with bit l for lane l."""
    planes = planes_of(np.asarray(numbers)[None], bits).reshape(bits, -1)
    return [int.from_bytes(np.packbits(plane, bitorder="little").tobytes(), "little") for plane in planes]


def from_planes(word: int, lanes: int, bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Turn `bits` planes, packed one above the other into one word, into one number per lane."""
    raw = np.frombuffer(word.to_bytes((lanes * bits + 7) // 8, "little"), np.uint8)
    return numbers_of(np.unpackbits(raw, bitorder="little")[None, : lanes * bits], bits, signed=signed)[0]
