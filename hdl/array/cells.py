"""Which device bin every device of a row is of, as logic on bit-planes (twin of `golden/array/cells.py`)."""

from amaranth.hdl import Const, Module, Value
from numpy.typing import NDArray

from golden.array.cells import constants
from hdl.lib.planes import broadcast, wire


def _plane(bits: NDArray) -> Const:
    """Make a constant plane of one bit per lane."""
    return Const(sum(int(bit) << lane for lane, bit in enumerate(bits)), len(bits))


def device_bins(
    m: Module, name: str, row: Value, *, seed: int, rows: int, lanes: int, devices: int, bits: int
) -> list[Value]:
    """Compute the device bins of all devices of a row.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    row : Value
        The row.
    seed, rows, lanes, devices, bits : int
        As of `golden.array.cells.constants`.

    Returns
    -------
    list of Value
        `bits` planes for device 0, then those of device 1.
    """
    planes: list[Value] = []
    for device, of_device in enumerate(constants(seed, rows, lanes, devices, bits)):
        for bit, (first, *others) in enumerate(of_device):
            plane: Value = _plane(first)
            for at, (number, mask) in enumerate(zip(row, others, strict=True)):
                plane = wire(m, f"{name}_{device}_{bit}_{at}", plane ^ (broadcast(number, lanes) & _plane(mask)))
            planes.append(plane)
    return planes
