"""How far apart the random streams of a configuration are: exact, by algebra over GF(2)."""

import math

from golden.config import MachineConfig
from golden.lfsr import LfsrParameters

#: A square matrix over GF(2): its columns, bit i of each for row i.
Matrix = list[int]


class StreamError(ValueError):
    """Streams are not where they should be; the message is one line."""


def step_matrix(width: int, tap: int) -> Matrix:
    """One step of the register: where every bit of the state goes."""
    return [(1 << i >> 1) ^ (1 << (width - 1) if i in (0, tap) else 0) for i in range(width)]


def apply(matrix: Matrix, vector: int) -> int:
    """Multiply a matrix and a vector."""
    result = 0
    for at, column in enumerate(matrix):
        if vector >> at & 1:
            result ^= column
    return result


def power(matrix: Matrix, exponent: int) -> Matrix:
    """Raise a matrix to a power, most significant bit of the exponent first."""
    result = [1 << at for at in range(len(matrix))]
    for bit in f"{exponent:b}":
        result = [apply(result, column) for column in result]
        if bit == "1":
            result = [apply(matrix, column) for column in result]
    return result


def check(lfsr: LfsrParameters, states: list[int]) -> int:
    """Check that streams start in equal distances, and say how near any two of them come on the cycle.

    Parameters
    ----------
    lfsr : LfsrParameters
        The streams; its polynomial is primitive, so that all states but zero lie on one cycle.
    states : list of int
        Where they start.

    Returns
    -------
    int
        Least number of steps from any stream to any other, in either direction around the cycle.

    Raises
    ------
    StreamError
        If stream i does not start i separations after stream 0, or the streams go around the cycle more than once.
    """
    apart, period = lfsr.separation(len(states)), (1 << lfsr.width) - 1
    jump = power(step_matrix(lfsr.width, lfsr.tap), apart)
    if not 0 < states[0] <= period:
        raise StreamError(f"stream 0 starts in {states[0]:#x}, not in one of the {period} states of the cycle")
    expected = states[0]
    for at, state in enumerate(states):
        if state != expected:
            raise StreamError(f"stream {at} starts in {state:#x}, not {apart} steps after stream {at - 1}")
        expected = apply(jump, expected)
    if len(states) == 1:
        return period
    # positions are 0, J, 2 J, ... below one turn: the nearest are neighbours, or the last and, a turn on, the first
    around = period - (len(states) - 1) * apart
    if around <= 0:
        raise StreamError(f"{len(states)} streams, {apart} steps apart, do not fit one turn of {period} steps")
    return min(apart, around)


def separation_log2(config: MachineConfig) -> float:
    """Log2 of the steps between the two nearest streams of a configuration: of lanes, devices and converters."""
    return math.log2(check(config.random, [int(state) for state in config.random.seeds(config.streams)]))
