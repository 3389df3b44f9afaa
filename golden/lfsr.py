"""Random streams: one leap-forward Fibonacci LFSR per lane and device (twin of `hdl/lfsr.py`).

A stream is the bit sequence ``s`` with ``s[t + width] = s[t + tap] ^ s[t]``, that is the characteristic trinomial
``x^width + x^tap + 1``. The state is the next ``width`` bits of the sequence, oldest in bit 0. One draw reads a word
and moves the state ``leap`` bits along the sequence.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Primitive trinomials x^width + x^tap + 1 offered by the generator; `cocotb_tests/golden/test_lfsr.py` proves each.
TRINOMIALS = {5: (2,), 7: (1, 3), 11: (2,), 15: (1, 4, 7), 31: (3, 6, 7, 13), 63: (1, 5, 31)}

#: The golden section, (sqrt(5) - 1) / 2, times 2^64.
_GOLDEN = 0x9E3779B97F4A7C15


def multiply_modulo(a: int, b: int, modulus: int) -> int:
    """Multiply two polynomials over GF(2), each an integer with bit i for x^i, modulo a third.

    Parameters
    ----------
    a, b : int
        Factors, both of lower degree than `modulus`.
    modulus : int
        The modulus, of degree >= 1.

    Returns
    -------
    int
        The product, of lower degree than `modulus`.
    """
    degree = modulus.bit_length() - 1
    product = 0
    while b:
        if b & 1:
            product ^= a
        b >>= 1
        a <<= 1
        if a >> degree:
            a ^= modulus
    return product


def power_of_x(exponent: int, modulus: int) -> int:
    """Compute x^exponent modulo a polynomial over GF(2) of degree >= 2 by square and multiply."""
    result, base = 1, 2
    while exponent:
        if exponent & 1:
            result = multiply_modulo(result, base, modulus)
        base = multiply_modulo(base, base, modulus)
        exponent >>= 1
    return result


@dataclass(frozen=True)
class LfsrParameters:
    """Parameters of all random streams of one array.

    Attributes
    ----------
    width : {5, 7, 11, 15, 31, 63}
        State bits; the period of a stream is 2^width - 1.
    tap : int, 1 .. 31
        The middle exponent of the trinomial x^width + x^tap + 1, which must be primitive, `TRINOMIALS`: 2 at width 5; 1
        or 3 at 7; 2 at 11; 1, 4 or 7 at 15; 3, 6, 7 or 13 at 31; 1, 5 or 31 at 63.
    leap : int, 1 .. width
        Steps per draw. At least the word width, so that no bit is used twice; the default 19 also keeps
        the three-term recurrence from tying the leading bits of three words of one stream together.
    seed : int, 0 .. 2^64 - 1
        Any number; the streams start where its hash says.
    loadable : bool
        Whether states can be loaded at run time, `Lfsr.shift`; off, it costs no hardware.

    Raises
    ------
    ValueError
        If a field breaks its rule; the message names field, rule and value.
    """

    width: int = 63
    tap: int = 31
    leap: int = 19
    seed: int = 1
    loadable: bool = False

    def __post_init__(self) -> None:
        if self.width not in TRINOMIALS:
            raise ValueError(f"random.width must be one of {sorted(TRINOMIALS)}, not {self.width}")
        if self.tap not in TRINOMIALS[self.width]:
            raise ValueError(
                f"random.tap must be one of {TRINOMIALS[self.width]} at width {self.width} "
                f"(primitive trinomials), not {self.tap}"
            )
        if not 1 <= self.leap <= self.width:
            raise ValueError(f"random.leap must be 1 .. width = {self.width} steps, not {self.leap}")
        if not 0 <= self.seed < 1 << 64:
            raise ValueError(f"random.seed must be 0 .. 2^64 - 1, not {self.seed}")

    @property
    def polynomial(self) -> int:
        """The characteristic polynomial, bit i for x^i."""
        return 1 << self.width | 1 << self.tap | 1

    def separation(self, streams: int) -> int:
        """Steps between the starts of neighbouring streams: odd, the golden section of what the period allows.

        A number near a few powers of two would tie lanes together. For J = 2^k, x^J is a root of the trinomial as x is:
        at every draw lane i + width would equal lane i + tap XOR lane i. For J = 5 * 2^k - 1 still five bits of the
        words of two lanes can XOR to zero at every draw. No such tie is left where the digits of J are as irregular as
        those of the golden section.
        """
        room = ((1 << self.width) - 1) // streams
        if room < 1:
            raise ValueError(f"{streams} random streams do not fit the period 2^{self.width} - 1: widen random.width")
        return room * _GOLDEN >> 64 | 1

    @property
    def start(self) -> int:
        """State in which stream 0 starts: a hash of the seed, as dense for small seeds as for large ones."""
        mixed = hashlib.blake2b(self.seed.to_bytes(8, "little"), digest_size=8).digest()
        return int.from_bytes(mixed, "little") % ((1 << self.width) - 1) + 1

    def jump(self, state: int, steps: int) -> int:
        """Move a state `steps` bits along its sequence in O(width^2 log steps)."""
        return self._combine(power_of_x(steps, self.polynomial), state)

    def seeds(self, streams: int) -> NDArray[np.uint64]:
        """Starting states of all streams: stream i starts ``i * separation(streams)`` steps after `start`.

        Parameters
        ----------
        streams : int
            Number of streams, >= 1.

        Returns
        -------
        ndarray of uint64, shape (streams,)
            One state per stream, all different and none zero.
        """
        step = power_of_x(self.separation(streams), self.polynomial)
        states = np.empty(streams, np.uint64)
        # a jump by a constant number of steps is one linear map: tabulate it on the unit states
        columns = [self._combine(step, 1 << i) for i in range(self.width)]
        state = self.start
        for i in range(streams):
            states[i] = state
            moved = 0
            for bit in range(self.width):
                if state >> bit & 1:
                    moved ^= columns[bit]
            state = moved
        return states

    def _combine(self, mask: int, state: int) -> int:
        """Apply the polynomial `mask` in the shift operator to a state: bit t becomes XOR of s[t + i], i in mask."""
        sequence = state
        for t in range(self.width):
            sequence |= ((sequence >> (t + self.tap) ^ sequence >> t) & 1) << (t + self.width)
        moved = 0
        for t in range(self.width):
            moved |= ((sequence >> t & mask).bit_count() & 1) << t
        return moved

    @property
    def strides(self) -> tuple[int, ...]:
        """The leap in strides that do not need their own new bits, each at most width - tap steps."""
        longest = self.width - self.tap
        whole, rest = divmod(self.leap, longest)
        return (longest,) * whole + ((rest,) if rest else ())

    def model(self, streams: int) -> "Lfsr":
        """Make the golden model of `streams` parallel streams."""
        return Lfsr(self, self.seeds(streams))

    def banks(self, *sizes: int) -> list["Lfsr"]:
        """Make golden models of banks of streams, which draw independently; their streams are numbered on."""
        ends = np.cumsum(sizes)
        return [Lfsr(self, states) for states in np.split(self.seeds(int(ends[-1])), ends[:-1])]


class Lfsr:
    """Golden model of parallel streams.

    Parameters
    ----------
    parameters : LfsrParameters
        Common to all streams.
    states : ndarray of uint64, shape (streams,)
        Starting states, none zero.

    Attributes
    ----------
    states : ndarray of uint64, shape (streams,)
        Present states.
    shifts : ndarray of int64, shape (streams,)
        Bits shifted in so far, modulo the width.
    """

    def __init__(self, parameters: LfsrParameters, states: NDArray[np.uint64]) -> None:
        self.parameters = parameters
        self.states = states.copy()
        self.shifts = np.zeros(len(states), np.int64)

    def draw(self, bits: int) -> NDArray[np.uint32]:
        """Draw one word per stream and advance every stream by `leap` steps.

        Parameters
        ----------
        bits : int
            Word width, 1 .. min(width, 32); bit i of the word is bit i of the state (the oldest bit is bit 0).

        Returns
        -------
        ndarray of uint32, shape (streams,)
            One word per stream, uniform on 0 .. 2^bits - 1.
        """
        p = self.parameters
        words = (self.states & np.uint64((1 << bits) - 1)).astype(np.uint32)
        mask = np.uint64((1 << p.width) - 1)
        for steps in p.strides:
            new = (self.states ^ (self.states >> np.uint64(p.tap))) & np.uint64((1 << steps) - 1)
            self.states[:] = ((self.states >> np.uint64(steps)) | (new << np.uint64(p.width - steps))) & mask
        return words

    def shift(self, bits: NDArray[np.bool_], first: int = 0) -> None:
        """Shift one bit into every state of a bank: the newest, while the oldest leaves.

        As many shifts as the width load a state. The last of them makes a state that would be all zero, in which a
        stream would stay for ever, the state 2^(width - 1) instead.

        Parameters
        ----------
        bits : ndarray of bool, shape (n,)
            Newest bits.
        first : int
            The bank's first stream.
        """
        width, bank = self.parameters.width, slice(first, first + len(bits))
        self.shifts[bank] = (self.shifts[bank] + 1) % width
        rest = self.states[bank] >> np.uint64(1)
        newest = bits | ((self.shifts[bank] == 0) & (rest == 0))
        self.states[bank] = rest | newest.astype(np.uint64) << np.uint64(width - 1)
