"""Non-idealities of an array: device bins and stuck devices by counting, converters and loads by plain arithmetic."""

import hashlib
from collections import Counter

import numpy as np
import pytest

from golden.array import cells
from golden.array.converter import Converter, ConverterParameters
from golden.array.nonideal import NonidealParameters
from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.lfsr import Lfsr, LfsrParameters
from golden.lib.seeded_hash import expand
from golden.tables import SwitchingParameters


def test_expansion() -> None:
    """Blocks are keyed digests; purposes and seeds differ; a shorter one is the beginning of a longer."""
    second = hashlib.blake2b((1).to_bytes(8, "little"), key=(5).to_bytes(8, "little"), person=b"kinds").digest()
    assert expand(5, "kinds", 128)[64:].tobytes() == second
    assert (expand(5, "kinds", 100) == expand(5, "kinds", 128)[:100]).all()
    assert (expand(5, "stuck", 64) != expand(5, "kinds", 64)).any()


def test_kinds_by_the_formula() -> None:
    """Bit by bit, device by device."""
    rows, lanes, devices, bits = 13, 5, 2, 3
    constants, device_bins = (f(9, rows, lanes, devices, bits) for f in (cells.constants, cells.device_bins))
    for device, row, lane in np.ndindex(devices, rows, lanes):
        device_bin = 0
        for bit in range(bits):
            value = constants[device, bit, 0, lane]
            for k in range(4):
                value ^= (row >> k & 1) & constants[device, bit, 1 + k, lane]
            device_bin |= int(value) << bit
        assert device_bins[device, row, lane] == device_bin


def test_kinds_are_even_and_independent() -> None:
    """Over seeds: every bin equally often, and every pair of bins of two devices, wherever the two are."""
    bits, seeds = 2, 4000
    found = np.array([cells.device_bins(seed, 6, 3, 2, bits) for seed in range(seeds)])
    places = [(0, 0, 0), (0, 1, 0), (0, 5, 0), (0, 0, 1), (1, 0, 0), (1, 5, 2)]
    for at, one in enumerate(places):
        for other in places[:at]:
            pairs = Counter(zip(found[:, *one].tolist(), found[:, *other].tolist(), strict=True))
            mean = seeds / 16
            assert len(pairs) == 16
            # chi-square with 15 degrees of freedom: 1e-5 lies beyond 51
            assert sum((count - mean) ** 2 / mean for count in pairs.values()) < 51
    # four rows that cancel are tied: the price of an affine function
    assert (found[:, 0, 0] ^ found[:, 0, 1] ^ found[:, 0, 2] ^ found[:, 0, 3] == 0).all()


def test_kinds_fill_an_array_evenly() -> None:
    """In one array all device bins are within 5 % of their share, and exactly even in nearly every lane."""
    device_bins = cells.device_bins(1, 1024, 256, 2, 3)
    share = np.bincount(device_bins.ravel(), minlength=8) / device_bins.size
    assert np.abs(share * 8 - 1).max() < 0.05
    whole = [np.bincount(device_bins[0, :, lane], minlength=8) for lane in range(256)]
    assert np.mean([(counts == 128).all() for counts in whole]) > 0.95


def test_stuck_devices() -> None:
    """Rates in either state; named devices come on top; the same for the same seed alone."""
    wrong = NonidealParameters(3, 0.02, 0.05, ((7, 9, 1, 1), (8, 9, 0, 0)))
    stuck, states = wrong.stuck_devices(200, 256, 2)
    count = stuck.size
    for share, found in ((0.02, states), (0.05, stuck & (states == 0))):
        assert abs(found.sum() - share * count) < 5 * (share * count) ** 0.5
    assert not states[~stuck].any()
    assert (stuck[1, 7, 9], states[1, 7, 9], stuck[0, 8, 9], states[0, 8, 9]) == (True, 1, True, 0)
    assert (NonidealParameters(4, 0.02, 0.05).stuck_devices(200, 256, 2)[0] != stuck).any()
    assert not NonidealParameters().stuck_devices(9, 4, 2)[0].any()


@pytest.mark.parametrize("scheme", ["blind", "verified"])
def test_stuck_devices_never_move(scheme: str) -> None:
    """Through forming and pulses they keep their state and count no switch; draws are those of an array without."""
    wrong = NonidealParameters(3, 0.2, 0.2)
    parameters, switching, rng = ArrayParameters(64, 4, scheme=scheme), SwitchingParameters(), np.random.default_rng(2)
    array, ideal = (SynapseArray(parameters, switching, LfsrParameters(), 4, w) for w in (wrong, None))
    stuck, states = wrong.stuck_devices(4, 64, 2)
    for row in range(4):
        array.initialise(row)
        ideal.initialise(row)
    for at in range(40):
        row, increase = at % 4, rng.integers(0, 2, 64) == 1
        before = np.stack([array.r1, array.r2])
        counted = array.switches
        switched = array.pulse(row, increase, np.full(64, 31, np.uint8))
        ideal.pulse(row, increase, np.full(64, 31, np.uint8))
        moved = np.stack([array.r1, array.r2]) != before
        assert not moved[stuck].any()
        assert (np.stack([array.r1, array.r2])[stuck] == states[stuck]).all()
        assert array.switches - counted == moved.sum()
        assert (switched == moved[:, row].any(axis=0)).all()
    assert (array.lfsr.states == ideal.lfsr.states).all()
    assert array.pulses > array.switches > 0


def test_kinds_switch_by_their_own_thresholds() -> None:
    """Each device bin switches as often as its own entry of the table says."""
    switching = SwitchingParameters(
        "erf",
        device="perpendicular_50nm",
        current_to_antiparallel=50e-6,
        current_to_parallel=50e-6,
        variation_bins=4,
        variation=0.08,
    )
    array = SynapseArray(ArrayParameters(4096, 4), switching, LfsrParameters(), 16)
    for row in range(16):
        array.pulse(row, np.ones(4096, bool), np.full(4096, 9, np.uint8))
    for device_bin in range(4):
        chosen = array.device_bins[0] == device_bin
        share, p = array.r1[chosen].mean(), switching.bin_thresholds[device_bin, 1, 9] / 65536
        assert abs(share - p) < 5 * (p * (1 - p) / chosen.sum()) ** 0.5


def test_converter() -> None:
    """Against plain arithmetic; noise of mean 0 and the stated deviation; all off is the exact sum."""
    rng = np.random.default_rng(8)
    for parameters in (
        ConverterParameters(5, 2, 3, 8, 1),
        ConverterParameters(0, 1, 0, 2, 0),
        ConverterParameters(4, 0, 6, 0, 0),
        ConverterParameters(),
    ):
        sums = rng.integers(-300, 300, (500, 3))
        offsets = parameters.offsets(2, "column offsets", 3)
        assert np.abs(offsets).max() <= parameters.offset
        states = LfsrParameters().seeds(3)
        noise, other = Lfsr(LfsrParameters(), states), Lfsr(LfsrParameters(), states)
        found = Converter(parameters, 10, offsets, noise).convert(sums)
        bits = parameters.bits or 10 - parameters.step
        for row, answers in zip(sums.tolist(), found.tolist(), strict=True):
            ones = [int(word).bit_count() for word in other.draw(parameters.noise)] if parameters.noise else [0] * 3
            for s, o, n, answer in zip(row, offsets.tolist(), ones, answers, strict=True):
                biased = s + o + (n - parameters.noise // 2) * 2**parameters.noise_step
                step = 2**parameters.step
                steps = (2 * biased + step) // (2 * step)
                assert answer == max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, steps)) * step
    quiet = Converter(ConverterParameters(0, 0, 0, 16, 1), 20, np.zeros(64, np.int64), LfsrParameters().model(64))
    values = quiet.convert(np.zeros((2000, 64), np.int64))
    assert abs(values.mean()) < 5 * 4 / values.size**0.5
    assert abs(values.std() - 4) < 0.05


def test_converter_offsets_spread() -> None:
    """Offsets are uniform on their range, both ends included."""
    counts = Counter(ConverterParameters(offset=2).offsets(1, "column offsets", 10_000).tolist())
    assert sorted(counts) == [-2, -1, 0, 1, 2]
    assert max(abs(count - 2000) for count in counts.values()) < 5 * 2000**0.5


@pytest.mark.parametrize("width", [5, 63])
def test_load(width: int) -> None:
    """As many shifts as the width load any state, oldest bit first; zero alone is repaired."""
    parameters = LfsrParameters(width, {5: 2, 63: 31}[width], leap=3, loadable=True)
    rng = np.random.default_rng(3)
    lfsr = parameters.model(31 if width == 5 else 100)
    for _ in range(3):
        bits = rng.integers(0, 2, (width, len(lfsr.states))) == 1
        bits[:, 0], bits[:, 1], bits[:, 2] = False, np.arange(width) == 0, np.arange(width) == width - 1
        lfsr.draw(4)
        for plane in bits:
            lfsr.shift(plane)
        wanted = [sum(int(bit) << at for at, bit in enumerate(lane)) for lane in bits.T]
        assert lfsr.states.tolist() == [state or 1 << (width - 1) for state in wanted]


def test_a_disturbed_zero_recovers_with_the_next_load() -> None:
    """A stream that has become zero stays so until it is loaded."""
    lfsr = LfsrParameters(loadable=True).model(2)
    lfsr.states[:] = 0
    lfsr.draw(16)
    assert not lfsr.states.any()
    for _ in range(63):
        lfsr.shift(np.zeros(2, bool))
    assert (lfsr.states == 1 << 62).all()
