"""Numbers that follow from a seed and a purpose alone: what golden model and hardware know of a made array."""

import hashlib

import numpy as np
from numpy.typing import NDArray

_BLOCK = 64


def expand(seed: int, purpose: str, count: int) -> NDArray[np.uint8]:
    """Expand a seed into uniform bytes.

    Parameters
    ----------
    seed : int
        0 .. 2^64 - 1.
    purpose : str
        What the bytes are for, at most 16 ASCII characters; every purpose has its own.
    count : int
        Number of bytes.

    Returns
    -------
    ndarray of uint8, shape (count,)
        Block i of 64 bytes is the BLAKE2b digest of i (8 bytes, little endian), keyed with the seed (likewise) and
        personalised with the purpose.
    """
    key, person = seed.to_bytes(8, "little"), purpose.encode("ascii")
    blocks = (
        hashlib.blake2b(block.to_bytes(8, "little"), key=key, person=person).digest()
        for block in range(-(-count // _BLOCK))
    )
    return np.frombuffer(b"".join(blocks), np.uint8)[:count]


def bits(seed: int, purpose: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Expand a seed into fair bits: the bytes' bits, lowest first, in C order of `shape`."""
    count = int(np.prod(shape))
    return np.unpackbits(expand(seed, purpose, -(-count // 8)), bitorder="little")[:count].reshape(shape)


def words(seed: int, purpose: str, shape: tuple[int, ...]) -> NDArray[np.uint32]:
    """Expand a seed into uniform 32-bit words: little endian, in C order of `shape`."""
    return expand(seed, purpose, 4 * int(np.prod(shape))).view("<u4").astype(np.uint32).reshape(shape)
