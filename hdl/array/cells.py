"""Which device bin every device of a row is of, as logic on bit-planes (twin of `golden/array/cells.py`)."""

from amaranth.hdl import Const, Module, Value
from numpy.typing import NDArray

from golden.array.cells import constants
from golden.config import MachineConfig
from hdl.lib.planes import broadcast, wire


def _plane(bits: NDArray) -> Const:
    """Make a constant plane of one bit per lane."""
    return Const(sum(int(bit) << lane for lane, bit in enumerate(bits)), len(bits))


def device_bins(m: Module, config: MachineConfig, row: Value) -> list[Value]:
    """Compute the device bins of all devices of a row.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    config : MachineConfig
        The machine.
    row : Value
        The row.

    Returns
    -------
    list of Value
        `bin_bits` planes for device 0, then those of device 1.
    """
    p, planes = config.array, []
    found = constants(config.nonideal.seed, config.geometry.rows, p.lanes, p.devices, config.switching.bin_bits)
    for device, of_device in enumerate(found):
        for bit, (first, *others) in enumerate(of_device):
            plane: Value = _plane(first)
            for at, (number, mask) in enumerate(zip(row, others, strict=True)):
                name = f"device_bin_{device}_{bit}_{at}"
                plane = wire(m, name, plane ^ (broadcast(number, p.lanes) & _plane(mask)))
            planes.append(plane)
    return planes
