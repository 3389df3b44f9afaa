"""Random streams: primitive trinomials by GF(2) algebra, whole periods by exhaustion, separation of the streams."""

import math
import re
from typing import Any

import numpy as np
import pytest

from cocotb_tests.golden import recurrence, word
from gen import config as named
from golden.lfsr import TRINOMIALS, Lfsr, LfsrParameters, multiply_modulo, power_of_x
from sim.device.lfsr_separation import apply, power, step_matrix

#: Prime factors of 2^n - 1, with multiplicity.
FACTORS = {
    5: (31,),
    7: (127,),
    11: (23, 89),
    15: (7, 31, 151),
    31: (2147483647,),
    63: (7, 7, 73, 127, 337, 92737, 649657),
}

ALL = [(width, tap) for width, taps in TRINOMIALS.items() for tap in taps]
SMALL = [(width, tap) for width, tap in ALL if width <= 11]


def _product(a: int, b: int) -> int:
    """Multiply two polynomials over GF(2) without reduction."""
    return _sum(a << i for i in range(b.bit_length()) if b >> i & 1)


def _sum(terms: Any) -> int:
    total = 0
    for term in terms:
        total ^= term
    return total


def _remainder(a: int, modulus: int) -> int:
    """Divide polynomials over GF(2) on paper."""
    while a.bit_length() >= modulus.bit_length():
        a ^= modulus << (a.bit_length() - modulus.bit_length())
    return a


def _power_of_x(exponent: int, modulus: int) -> int:
    """x^exponent by the bits of the exponent, most significant first."""
    result = 1
    for bit in f"{exponent:b}":
        result = _remainder(_product(result, result) << int(bit), modulus)
    return result


def test_factorisations() -> None:
    """The factors are primes and their product is 2^n - 1; every offered width has its own."""
    assert FACTORS.keys() == TRINOMIALS.keys()
    for width, factors in FACTORS.items():
        assert math.prod(factors) == 2**width - 1
        for factor in factors:
            assert all(factor % divisor for divisor in range(2, math.isqrt(factor) + 1)), factor


@pytest.mark.parametrize(("width", "tap"), ALL)
def test_trinomials_are_primitive(width: int, tap: int) -> None:
    """The order of x is 2^n - 1 and no less: all other residues are then powers of x, and the modulus is primitive."""
    modulus = 1 << width | 1 << tap | 1
    assert LfsrParameters(width, tap, leap=1, seed=1).polynomial == modulus
    order = 2**width - 1
    assert _power_of_x(order, modulus) == 1
    for factor in set(FACTORS[width]):
        assert _power_of_x(order // factor, modulus) != 1, f"order divides {order // factor}"


def test_order_sees_what_is_not_primitive() -> None:
    """The algebra of these tests rejects x^4 + x^3 + x^2 + x + 1, which is irreducible with order 5."""
    assert _power_of_x(5, 0b11111) == 1
    assert _power_of_x(15 // 5, 0b11111) != 1
    # x^8 + x^4 + 1 is a square: x never comes back after 255 steps
    assert _power_of_x(255, 1 << 8 | 1 << 4 | 1) != 1


@pytest.mark.parametrize(("width", "tap"), ALL)
def test_polynomial_arithmetic(width: int, tap: int) -> None:
    """Products and powers modulo the trinomials equal those done on paper."""
    rng = np.random.default_rng(width * 64 + tap)
    modulus = 1 << width | 1 << tap | 1
    for _ in range(20):
        a, b = (int(value) % (1 << width) for value in rng.integers(0, 1 << 62, 2))
        assert multiply_modulo(a, b, modulus) == _remainder(_product(a, b), modulus)
        assert power_of_x(a, modulus) == _power_of_x(a, modulus)


@pytest.mark.parametrize(("width", "tap"), SMALL)
def test_whole_period(width: int, tap: int) -> None:
    """Every leap visits all 2^n - 1 states once, and every draw is what the recurrence says."""
    period = 2**width - 1
    for leap in sorted({1, 2, 3, width - tap, width - tap + 1, width - 1, width}):
        assert math.gcd(leap, period) == 1
        seed = 1 + leap
        parameters = LfsrParameters(width, tap, leap, seed)
        sequence = recurrence(seed, width, tap, leap * period + width)
        lfsr = Lfsr(parameters, np.array([seed], np.uint64))
        seen = set()
        for draw in range(period):
            seen.add(int(lfsr.states[0]))
            assert int(lfsr.draw(width)[0]) == word(sequence, draw * leap, width), (leap, draw)
        assert len(seen) == period
        assert 0 not in seen
        assert int(lfsr.states[0]) == seed


@pytest.mark.parametrize("leap", [1, 16, 19, 32, 33, 63])
@pytest.mark.parametrize("tap", TRINOMIALS[63])
def test_draws_of_the_wide_register(tap: int, leap: int) -> None:
    """All streams of a bank follow the recurrence from their own seeds, whatever the word width."""
    parameters = LfsrParameters(63, tap, leap)
    lfsr = parameters.model(5)
    sequences = [recurrence(int(state), 63, tap, 63 + 60 * leap) for state in lfsr.states]
    rng = np.random.default_rng(leap)
    for draw in range(60):
        bits = int(rng.integers(1, 33))
        words = lfsr.draw(bits)
        assert words.dtype == np.uint32
        assert words.tolist() == [word(sequence, draw * leap, bits) for sequence in sequences]
    assert [int(state) for state in lfsr.states] == [word(sequence, 60 * leap, 63) for sequence in sequences]


@pytest.mark.parametrize("streams", [70, 256])
def test_no_three_streams_are_tied(streams: int) -> None:
    """The streams' starting points do not follow the trinomial themselves: no lane is the XOR of two others."""
    lfsr = LfsrParameters().model(streams)
    words = np.array([lfsr.draw(32) for _ in range(4)], np.uint64)
    lanes = {tuple(lane): i for i, lane in enumerate(words.T.tolist())}
    tied = [
        (i, j, lanes[both])
        for i in range(streams)
        for j in range(i)
        if (both := tuple((words[:, i] ^ words[:, j]).tolist())) in lanes
    ]
    assert not tied, f"{len(tied)} ties, the first between lanes {tied[0]}"


@pytest.mark.parametrize(
    "seed",
    [
        *(1, 2, 3, 42, 1000, 2**62),
        LfsrParameters.seed,
        0x123456789ABCDEF1,
    ],
)
def test_first_draws_are_fair_for_every_seed(seed: int) -> None:
    """A sparse seed does not show: ones and zeros balance in the first draws of many streams."""
    lfsr = LfsrParameters(seed=seed).model(256)
    words = np.array([lfsr.draw(16) for _ in range(16)])
    ones = int(np.bitwise_count(words).sum())
    bits = words.size * 16
    assert abs(ones - bits / 2) < 5 * bits**0.5 / 2


def test_neighbouring_seeds_give_other_streams() -> None:
    """Streams of seed 2 are not those of seed 1 one bit later."""
    one, two = (LfsrParameters(seed=seed).seeds(64) for seed in (1, 2))
    assert not (one == two >> np.uint64(1)).any()


def test_models_do_not_share_states() -> None:
    """Drawing from one bank leaves another one, and the seeds, as they were."""
    parameters = LfsrParameters()
    one, other = parameters.model(3), parameters.model(3)
    one.draw(16)
    assert (other.states == parameters.seeds(3)).all()
    assert (one.states != other.states).all()


@pytest.mark.parametrize("streams", [1, 2, 3, 8, 31])
@pytest.mark.parametrize(("width", "tap"), SMALL)
def test_seeds_lie_apart_on_the_cycle(width: int, tap: int, streams: int) -> None:
    """On a cycle written out, stream i starts i separations after stream 0, and no stream reaches the next."""
    parameters = LfsrParameters(width, tap, leap=1, seed=5)
    period = 2**width - 1
    sequence = recurrence(5, width, tap, period + width)
    position = {word(sequence, t, width): t for t in range(period)}
    assert len(position) == period
    apart = parameters.separation(streams)
    assert apart * streams <= period <= 4 * apart * streams
    seeds = [int(state) for state in parameters.seeds(streams)]
    assert [(position[state] - position[seeds[0]]) % period for state in seeds] == [i * apart for i in range(streams)]
    for steps in (0, 1, apart, period - 1, period):
        assert position[parameters.jump(5, steps)] == steps % period


@pytest.mark.parametrize(("width", "tap"), [(width, tap) for width, tap in ALL if width > 11])
def test_seeds_of_wide_registers(width: int, tap: int) -> None:
    """Every distance between neighbouring streams is the separation, by powers of the step matrix."""
    parameters = LfsrParameters(width, tap, leap=1, seed=12345)
    streams = 40
    apart = parameters.separation(streams)
    assert apart * streams <= 2**width - 1 <= 4 * apart * streams
    jump = power(step_matrix(width, tap), apart)
    seeds = [int(state) for state in parameters.seeds(streams)]
    assert seeds[1:] == [apply(jump, state) for state in seeds[:-1]]
    assert parameters.jump(seeds[3], apart) == seeds[4]


@pytest.mark.parametrize("name", named.names())
def test_streams_of_named_configurations_are_far_apart(name: str) -> None:
    """At least 2^40 steps between the streams of every named configuration, all of them distinct."""
    config = named.load(name)
    streams = config.array.streams
    apart = config.random.separation(streams)
    assert apart >= 2**40
    assert streams * apart <= 2**config.random.width - 1
    seeds = [int(state) for state in config.random.seeds(streams)]
    jump = power(step_matrix(config.random.width, config.random.tap), apart)
    assert seeds[1:] == [apply(jump, state) for state in seeds[:-1]]
    assert len(set(seeds)) == streams
    assert 0 not in seeds
    # a word uses fewer bits than a draw leaps over, so that no bit is used twice
    assert config.switching.threshold_bits <= config.random.leap


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 6}, "width must be one of [5, 7, 11, 15, 31, 63], not 6"),
        ({"tap": 2}, "tap must be one of (1, 5, 31) at width 63 (primitive trinomials), not 2"),
        ({"leap": 0}, "leap must be 1 .. width = 63 steps, not 0"),
        ({"leap": 64}, "leap must be 1 .. width = 63 steps, not 64"),
        ({"seed": -1}, "seed must be 0 .. 2^64 - 1, not -1"),
        ({"seed": 1 << 64}, f"seed must be 0 .. 2^64 - 1, not {1 << 64}"),
    ],
)
def test_bad_parameters(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=rf"^random\.{re.escape(message)}$"):
        LfsrParameters(**fields)


def test_too_many_streams() -> None:
    """31 streams are the most that a period of 31 steps has room for."""
    parameters = LfsrParameters(5, 2, 1, 1)
    assert parameters.separation(31) == 1
    with pytest.raises(ValueError, match=r"^32 random streams do not fit the period 2\^5 - 1: widen random\.width$"):
        parameters.separation(32)
