"""Tests of the golden model; what several of them need stands here."""


def recurrence(state: int, width: int, tap: int, bits: int) -> list[int]:
    """Continue a random stream bit by bit: ``s[t + width] = s[t + tap] ^ s[t]``.

    Parameters
    ----------
    state : int
        The first `width` bits of the sequence, oldest in bit 0.
    width, tap : int
        Exponents of the trinomial.
    bits : int
        Length of the result.

    Returns
    -------
    list of int
        The sequence from its first bit on.
    """
    sequence = [state >> t & 1 for t in range(width)]
    while len(sequence) < bits:
        t = len(sequence) - width
        sequence.append(sequence[t + tap] ^ sequence[t])
    return sequence[:bits]


def word(sequence: list[int], start: int, bits: int) -> int:
    """Read a word out of a sequence, oldest bit in bit 0."""
    return sum(bit << i for i, bit in enumerate(sequence[start : start + bits]))
