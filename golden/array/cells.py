"""Which device bin every device of the array is of (twin of `hdl/array/cells.py`).

A device is named by its row, its lane and its number in the synapse. Its bin, a number of `bits` bits, is an affine
function of the bits of its row over GF(2), with constants of its own for every lane, device and bit: a few XORs on
bit-planes. The constants are random bits of a seed. Over the choice of the seed then

* every device is of every device bin with the same probability,
* devices of different lanes or numbers are independent, and any three of one lane and number as well (four are not
  where their rows cancel),
* and for one seed: where a lane's constants have full rank, as nearly all do, every aligned block of 2^k rows that its
  rank reaches holds all device bins equally often.
"""

import numpy as np
from numpy.typing import NDArray

from golden.lib import seeded_hash


def row_bits(rows: int) -> int:
    """Bits of a row's number."""
    return max(1, (rows - 1).bit_length())


def constants(seed: int, rows: int, lanes: int, devices: int, bits: int) -> NDArray[np.uint8]:
    """Constants of the device bins.

    Parameters
    ----------
    seed : int
        0 .. 2^64 - 1.
    rows, lanes, devices : int
        Shape of the array; devices per synapse.
    bits : int
        Bits of a device bin, >= 0.

    Returns
    -------
    ndarray of uint8, shape (devices, bits, 1 + row_bits, lanes)
        0 or 1: along the third axis what every bit of the device bin begins with, then what each bit of the row, lowest
        first, adds to it.
    """
    return seeded_hash.bits(seed, "kinds", (devices, bits, 1 + row_bits(rows), lanes))


def device_bins(seed: int, rows: int, lanes: int, devices: int, bits: int) -> NDArray[np.uint8]:
    """Device bins of all devices; parameters as of `constants`.

    Returns
    -------
    ndarray of uint8, shape (devices, rows, lanes)
        0 .. 2^bits - 1.
    """
    chosen = constants(seed, rows, lanes, devices, bits)
    # one column of ones for the constant, then the bits of the row
    row = np.arange(rows)[:, None] >> np.arange(row_bits(rows)) & 1
    terms = np.concatenate([np.ones((rows, 1), np.int64), row], axis=1)
    found = np.zeros((devices, rows, lanes), np.uint8)
    for device in range(devices):
        for bit in range(bits):
            found[device] |= ((terms @ chosen[device, bit].astype(np.int64) & 1) << bit).astype(np.uint8)
    return found
