"""Converters between analog sums and numbers: noise, offset, steps, saturation (twin of `hdl/array/converter.py`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.lfsr import Lfsr
from golden.lib import seeded_hash


@dataclass(frozen=True)
class ConverterParameters:
    """Parameters of all converters of one side; everything 0 is the ideal sum.

    A converter turns a sum s into ``clamp((s + o + n + step / 2) >> log2(step)) << log2(step)`` with its offset o and
    the noise n of this conversion: steps of 2^step, the clamp to `bits` bits, two's complement.

    Attributes
    ----------
    bits : int, 2 .. 24 or 0
        Bits of the result in steps; 0 for as many as the sum has, which saturates at the ends of its range.
    step : int, 0 .. 16
        log2 of a step, in units of one weight.
    offset : int, 0 .. 65535
        Largest offset of a converter, in units of one weight; each has its own, uniform on -offset .. offset, by the
        seed.
    noise : int, 0 .. 32
        Random bits per conversion, an even number: the noise is the number of ones less its mean. It is binomial, with
        mean 0, variance noise / 4 and excess kurtosis -2 / noise: normal but for its tails, which end at noise / 2.
    noise_step : int, 0 .. 16
        log2 of the unit of the noise.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    bits: int = 0
    step: int = 0
    offset: int = 0
    noise: int = 0
    noise_step: int = 0

    def __post_init__(self) -> None:
        if self.bits and not 2 <= self.bits <= 24:
            raise ValueError(f"bits of a converter must be 2 .. 24, or 0 for as many as the sum has, not {self.bits}")
        for name, largest in (("step", 16), ("offset", 65535), ("noise", 32), ("noise_step", 16)):
            if not 0 <= getattr(self, name) <= largest:
                raise ValueError(f"{name} of a converter must be 0 .. {largest}, not {getattr(self, name)}")
        if self.noise % 2:
            raise ValueError(f"noise of a converter must be an even number of bits, not {self.noise}")
        if self.noise_step and not self.noise:
            raise ValueError(f"noise_step = {self.noise_step} of a converter needs noise: set noise > 0")

    @property
    def on(self) -> bool:
        """Whether there is anything but the ideal sum."""
        return self != ConverterParameters()

    def result_bits(self, sum_bits: int) -> int:
        """Bits of the result in steps.

        Parameters
        ----------
        sum_bits : int
            Width of the sum, signed.

        Raises
        ------
        ValueError
            If the result would be wider than the sum.
        """
        bits = self.bits or sum_bits - self.step
        if bits < 2 or bits + self.step > sum_bits:
            raise ValueError(
                f"bits + step of a converter must be at most the {sum_bits} bits of the sum, and step leave 2 of them, "
                f"not bits = {self.bits}, step = {self.step}"
            )
        return bits

    def offsets(self, seed: int, purpose: str, count: int) -> NDArray[np.int64]:
        """Offsets of `count` converters, shape (count,), -offset .. offset."""
        chosen = seeded_hash.words(seed, purpose, (count,)).astype(np.int64)
        return (chosen * (2 * self.offset + 1) >> 32) - self.offset


class Converter:
    """Golden model of converters side by side.

    Parameters
    ----------
    parameters : ConverterParameters
        Common to all.
    sum_bits : int
        Width of the sums, signed.
    offsets : ndarray of int64, shape (n,)
        Offset of each.
    lfsr : Lfsr
        One stream for each; drawn from only where there is noise.
    """

    def __init__(self, parameters: ConverterParameters, sum_bits: int, offsets: NDArray[np.int64], lfsr: Lfsr) -> None:
        self.parameters, self.offsets, self.lfsr = parameters, offsets, lfsr
        self.limit = 1 << (parameters.result_bits(sum_bits) - 1)

    def convert(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """Convert sums, all converters together, one row after another.

        Parameters
        ----------
        sums : ndarray of int64, shape (conversions, n)
            Exact sums.

        Returns
        -------
        ndarray of int64, shape (conversions, n)
            What the converters say, in units of one weight.
        """
        p = self.parameters
        if not p.on:
            return sums
        biased = sums + self.offsets
        if p.noise:
            ones = np.array([np.bitwise_count(self.lfsr.draw(p.noise)) for _ in range(len(sums))], np.int64)
            biased = biased + (ones.reshape(sums.shape) - p.noise // 2 << p.noise_step)
        steps = biased + ((1 << p.step) >> 1) >> p.step
        return np.clip(steps, -self.limit, self.limit - 1) << p.step
