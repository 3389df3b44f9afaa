"""Random streams and switching in RTL: where streams start, how words correlate, how often devices switch."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from gen import config as named
from golden.lfsr import LfsrParameters, multiply_modulo, power_of_x
from golden.tables import TO_PARALLEL, SwitchingParameters
from sim import runner
from sim.device import attempts, lfsr_separation
from sim.device.hardware import BIAS, machine, measure

FOLDER = runner.ROOT / "build" / "attempts"
#: Probability that a right machine fails a test of this module.
ALPHA = 1e-4
#: Two random streams per lane: those of R1, then those of R2.
BLIND = machine(SwitchingParameters(), 1, 64, "blind")
#: Few codes, far enough apart that every one of them is tested.
SWITCHING = SwitchingParameters(
    "macrospin",
    code_bits=2,
    device="perpendicular_50nm",
    current_to_antiparallel=47e-6,
    current_to_parallel=47e-6,
)


@pytest.mark.parametrize("name", named.names())
def test_streams_are_far_apart(name: str) -> None:
    """At least 2^40 steps between any two streams of every named configuration."""
    assert lfsr_separation.separation_log2(named.load(name)) >= 40


def test_swapped_seeds_are_caught() -> None:
    """Two lanes that exchange their starting points, or one that starts elsewhere."""
    lfsr = LfsrParameters()
    states = [int(state) for state in lfsr.seeds(40)]
    assert lfsr_separation.check(lfsr, states) == lfsr.separation(40)
    states[7], states[23] = states[23], states[7]
    with pytest.raises(lfsr_separation.StreamError, match=r"^stream 7 starts in 0x\w+, not \d+ steps after stream 6$"):
        lfsr_separation.check(lfsr, states)
    with pytest.raises(lfsr_separation.StreamError, match=r"^stream 0 starts in 0x0, not in one"):
        lfsr_separation.check(lfsr, [0] * 3)


def test_separation_on_a_cycle_written_out() -> None:
    """The least distance is that between the positions of all states on the whole cycle."""
    for count in (1, 2, 3, 5, 31):
        lfsr = LfsrParameters(7, 1, 1, 5)
        position, state, step = {}, lfsr.start, lfsr_separation.step_matrix(7, 1)
        for at in range(127):
            position[state] = at
            state = lfsr_separation.apply(step, state)
        places = sorted(position[int(state)] for state in lfsr.seeds(count))
        gaps = np.diff([*places, places[0] + 127])
        assert lfsr_separation.check(lfsr, [int(state) for state in lfsr.seeds(count)]) == gaps.min()


@pytest.mark.parametrize("name", named.names())
def test_words_of_two_streams_are_not_tied(name: str) -> None:
    """No XOR of bits of the words of two streams is the same at every draw, whichever two."""
    config = named.load(name)
    lfsr, bits = config.random, config.switching.threshold_bits
    assert not _tied(lfsr.polynomial, lfsr.separation(config.streams), bits, config.streams)


def test_ties_are_seen() -> None:
    """With 5/8 in the place of the golden section five bits of two streams are tied, 3 streams apart."""
    lfsr = LfsrParameters()
    assert _tied(lfsr.polynomial, ((1 << 63) - 1) // 512 * 5 // 8 | 1, 16, 512) == [3]


def _tied(polynomial: int, apart: int, bits: int, count: int) -> list[int]:
    """Distances between streams whose words, as polynomials in the step x, are linearly dependent."""
    jump, place = power_of_x(apart, polynomial), 1
    own = [1 << bit for bit in range(bits)]
    found = []
    for distance in range(1, count):
        place = multiply_modulo(place, jump, polynomial)
        basis: dict[int, int] = {}
        for vector in (*own, *(multiply_modulo(place, bit, polynomial) for bit in own)):
            left = vector
            while left and left.bit_length() in basis:
                left ^= basis[left.bit_length()]
            if not left:
                found.append(distance)
                break
            basis[left.bit_length()] = left
    return found


@pytest.fixture(scope="module")
def consumed() -> NDArray[np.uint32]:
    """Words that the array uses in RTL, 2^16 draws of 64 lanes and 2 devices."""
    return attempts.words(BLIND, 1 << 16, FOLDER)


def test_words_are_those_of_the_model(consumed: NDArray[np.uint32]) -> None:
    """The recorded words are the golden model's."""
    lfsr = BLIND.random.model(BLIND.streams)
    assert (consumed[:500] == [lfsr.draw(16) for _ in range(500)]).all()


def _worst(consumed: NDArray[np.uint32], lag: int) -> tuple[float, int]:
    """Largest score of any correlation between two streams, `lag` draws apart, of words and of leading bits."""
    worst, tests = 0.0, 0
    for values in (consumed.astype(np.float32) - 32767.5, np.where(consumed >> 15, 1, -1).astype(np.float32)):
        scaled = values / np.sqrt((values**2).mean(axis=0))
        pairs = scaled[: len(scaled) - lag].T @ scaled[lag:] / (len(scaled) - lag) ** 0.5
        # at lag 0 a stream is itself, and each pair occurs twice
        pairs = pairs[np.triu_indices(len(pairs), 1)] if lag == 0 else pairs
        worst, tests = max(worst, float(np.abs(pairs).max())), tests + pairs.size
    return worst, tests


#: Draws between the two: 0 compares lanes and devices in one pulse, 1 and more successive rows.
LAGS = (0, 1, 2, 3, 4, 8, 16, 31, 32, 63)


def test_no_two_streams_correlate(consumed: NDArray[np.uint32]) -> None:
    """All pairs of lanes and devices, in one pulse and from one row to another, themselves included."""
    found = {lag: _worst(consumed, lag) for lag in LAGS}
    allowed = float(norm.isf(ALPHA / 2 / sum(tests for _, tests in found.values())))
    print({lag: round(worst, 2) for lag, (worst, _) in found.items()}, f"allowed {allowed:.2f}")
    assert max(worst for worst, _ in found.values()) < allowed


def test_correlation_is_seen(consumed: NDArray[np.uint32]) -> None:
    """A lane that repeats the draw of another one, two draws later, every tenth time."""
    copied = consumed.copy()
    copied[2::10, 5] = consumed[:-2:10, 90]
    assert _worst(copied, 2)[0] > 10


def test_autocorrelation(consumed: NDArray[np.uint32]) -> None:
    """Every stream against itself, up to 512 draws later, by the spectrum of its words."""
    values = consumed.astype(np.float64) - 32767.5
    values /= np.sqrt((values**2).mean(axis=0))
    spectrum = np.abs(np.fft.rfft(values, 2 * len(values), axis=0)) ** 2
    scores = np.fft.irfft(spectrum, axis=0)[1:513] / np.sqrt(len(values))
    assert np.abs(scores).max() < norm.isf(ALPHA / 2 / scores.size)


#: Number of a dieharder test -> repetitions that fit the recorded words.
DIEHARDER = {0: 100, 3: 20, 8: 20, 15: 50, 100: 50, 101: 50, 102: 20}


@pytest.mark.skipif(shutil.which("dieharder") is None, reason="dieharder is not installed (apt-get install dieharder)")
@pytest.mark.slow
def test_dieharder(tmp_path: Path) -> None:
    """A standard battery on the words in the order of their use: lane after lane, pulse after pulse."""
    path = tmp_path / "words.bin"
    attempts.words(machine(SwitchingParameters(), 1, 64), 1 << 20, FOLDER).astype("<u2").tofile(path)
    values = []
    for test, repetitions in DIEHARDER.items():
        command = ["dieharder", "-g", "201", "-f", str(path), "-d", str(test), "-p", str(repetitions), "-c", ","]
        done = subprocess.run(
            [*command, "-D", "test_name", "-D", "ntuple", "-D", "pvalues"], capture_output=True, text=True, check=True
        )
        lines = [line.split(",") for line in done.stdout.splitlines() if line.count(",") >= 2]
        for fields in lines:
            print(",".join(fields))
            values.append(float(fields[-1]))
    assert len(values) >= len(DIEHARDER)
    # Bonferroni on both ends: neither too far from fair, nor too near
    assert all(ALPHA / 2 / len(values) < value < 1 - ALPHA / 2 / len(values) for value in values)


def test_rtl_switches_as_physics_says() -> None:
    """All codes in both directions, half of the attempts on each device, inside the exact intervals."""
    found = measure(SWITCHING, 1, FOLDER, ALPHA / 6)
    assert len(found) == 6
    assert all(point.inside for point in found), found
    assert all(point.attempts >= 1 << 20 for point in found)


@pytest.mark.parametrize(("code", "bias"), [(1, 1 + BIAS), (2, 1 - BIAS)])
def test_biased_entry_is_caught(code: int, bias: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry of the table of the RTL is 1 % too large or too small: that one, and no other, is outside."""
    right = SWITCHING.bin_thresholds
    wrong = right.copy()
    wrong[0, TO_PARALLEL, code] = round(int(wrong[0, TO_PARALLEL, code]) * bias)
    monkeypatch.setitem(SWITCHING.__dict__, "bin_thresholds", wrong)
    found = measure(SWITCHING, 2, FOLDER, ALPHA / 6)
    assert [(point.code, point.direction) for point in found if not point.inside] == [(code, TO_PARALLEL)]
