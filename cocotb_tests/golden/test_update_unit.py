"""From gradient sums to pulses, and the law of the whole update against GXNOR's formula."""

import math
from collections import Counter

import numpy as np
import pytest

from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.lfsr import LfsrParameters
from golden.tables import PulseParameters, SwitchingParameters
from golden.update_unit import UpdateUnit

#: States (R1, R2) of a ternary synapse and their weights.
STATES = {(0, 1): -1, (0, 0): 0, (1, 1): 0, (1, 0): 1}


def _split(value: int, update_shift: int, nu_bits: int, steps: int) -> tuple[int, int]:
    """Kappa and the table index of nu, from the definitions."""
    magnitude = value if value >= 0 else -1 - value
    kappa, rest = divmod(magnitude, 2**update_shift)
    return min(kappa, steps), rest * 2**nu_bits // 2**update_shift


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("nu_bits", [1, 3, 5])
def test_split(nu_bits: int, steps: int) -> None:
    """Every sum of a small width at every update shift."""
    unit = UpdateUnit(PulseParameters(nu_bits), SwitchingParameters(), steps)
    values = np.arange(-512, 512, dtype=np.int32)
    for update_shift in range(nu_bits, nu_bits + 10):
        kappa, nu = unit.split(values, update_shift)
        expected = [_split(value, update_shift, nu_bits, steps) for value in values.tolist()]
        assert list(zip(kappa.tolist(), nu.tolist(), strict=True)) == expected


def test_split_of_the_widest_sums() -> None:
    """The ends of the widest gradient sums, at the largest update shift."""
    unit = UpdateUnit(PulseParameters(8), SwitchingParameters(), 2)
    ends = np.array([-(2**23), -(2**23) + 1, -1, 0, 2**23 - 1], np.int32)
    for update_shift in (8, 20, 23, 31):
        kappa, nu = unit.split(ends, update_shift)
        assert list(zip(kappa.tolist(), nu.tolist(), strict=True)) == [
            _split(v, update_shift, 8, 2) for v in ends.tolist()
        ]


@pytest.mark.parametrize("steps", [1, 2])
def test_pulses(steps: int) -> None:
    """Kappa comes first with the last code, then nu; polarity is the sign; a pulse that no lane needs is left out."""
    switching = SwitchingParameters("ideal", 3, 8)
    pulse = PulseParameters(3, 3.0, dead_zone=2)
    unit, table = UpdateUnit(pulse, switching, steps), pulse.codes(switching).tolist()
    rng = np.random.default_rng(4)
    lengths = Counter()
    for _ in range(300):
        scale = int(rng.choice([3, 12, 40, 120]))
        sums = rng.integers(-scale, scale, int(rng.integers(1, 6))).astype(np.int32)
        expected = []
        splits = [_split(value, 5, 3, steps) for value in sums.tolist()]
        for step in range(steps):
            expected.append([7 if kappa > step else 0 for kappa, _ in splits])
        expected.append([table[nu] for _, nu in splits])
        expected = [codes for codes in expected if any(codes)]
        found = list(unit.pulses(sums, 5))
        assert [entry.codes.tolist() for entry in found] == expected
        for entry in found:
            assert entry.codes.dtype == np.uint8
            assert entry.increase.tolist() == [value >= 0 for value in sums.tolist()]
        lengths[len(found)] += 1
    assert set(lengths) == set(range(steps + 2))


def _law(weight: int, value: int, update_shift: int, quantise: int | None) -> dict[int, float]:
    """GXNOR's law of the new weight: a step kappa, one more with tanh(m nu), inside [-1, 1]; m = 3."""
    sign = 1 if value >= 0 else -1
    magnitude = value if value >= 0 else -1 - value
    kappa, rest = divmod(magnitude, 2**update_shift)
    psi = math.tanh(3 * rest / 2**update_shift)
    if quantise is not None:
        psi = round(psi * quantise) / quantise
    law: dict[int, float] = {}
    for steps, probability in ((kappa, 1 - psi), (kappa + 1, psi)):
        moved = max(-1, min(1, weight + sign * steps))
        law[moved] = law.get(moved, 0.0) + probability
    return {moved: probability for moved, probability in law.items() if probability}


def test_law_of_the_update_exactly() -> None:
    """Every gradient sum of eight bits on every device state, all random words once: the law holds count by count.

    As many table entries as codes and one slope: psi is met up to the rounding of the threshold, and at the last entry,
    whose neighbour is the certain code, up to the table's residual.
    """
    switching, pulse = SwitchingParameters("ideal", 3, 8, 3.0), PulseParameters(3, 3.0)
    unit = UpdateUnit(pulse, switching, 2)
    array = SynapseArray(ArrayParameters(256, 4), switching, LfsrParameters(31, 3, 8, 1), 1)
    words = (np.arange(256) | 0x3A500).astype(np.uint64)
    update_shift = 5
    for state, weight in STATES.items():
        for value in range(-128, 128):
            # the lowest two bits are below the split's resolution: nu is then the index, exactly
            whole = (value >> 2 << 2) + (3 if value < 0 else 0)
            array.r1[0], array.r2[0] = state
            for entry in unit.pulses(np.full(256, value, np.int32), update_shift):
                array.lfsr.states = words.copy()
                array.pulse(0, entry.increase, entry.codes)
            found = Counter(array.weights()[0].tolist())
            index = _split(value, update_shift, 3, 2)[1]
            law = _law(weight, whole, update_shift, 256 if index < 7 else None)
            allowed = 0 if index < 7 else pulse.residual(switching) * 256
            for moved in (-1, 0, 1):
                assert abs(found[moved] - 256 * law.get(moved, 0.0)) <= allowed, (state, value, moved)
    assert 0 < pulse.residual(switching) < 0.05


def _blind_law(state: tuple[int, int], value: int, update_shift: int) -> dict[int, float]:
    """Both devices by themselves: each that is not at its target goes there with probability psi, twice for psi = 1."""
    kappa, rest = divmod(value if value >= 0 else -1 - value, 2**update_shift)
    psi = 1.0 if kappa else math.tanh(3 * rest / 2**update_shift)
    target = (1, 0) if value >= 0 else (0, 1)
    law: dict[int, float] = {}
    for first, second in ((a, b) for a in (0, 1) for b in (0, 1)):
        end, probability = list(state), 1.0
        for device, switches in enumerate((first, second)):
            away = state[device] != target[device]
            probability *= (psi if switches else 1 - psi) if away else 1 - switches
            end[device] = target[device] if switches else state[device]
        if probability:
            law[STATES[end[0], end[1]]] = law.get(STATES[end[0], end[1]], 0.0) + probability
    return law


@pytest.mark.parametrize("scheme", ["verified", "blind"])
def test_law_of_the_update_by_sampling(scheme: str) -> None:
    """Words as the streams give them: over many pulses the frequencies meet the law within five deviations."""
    switching, pulse = SwitchingParameters("ideal", 5, 16, 3.0), PulseParameters(5, 3.0)
    unit = UpdateUnit(pulse, switching, 2)
    lanes, rounds, update_shift = 32, 64, 10
    random = LfsrParameters(seed=0x1B2C3D4E5F607182)
    array = SynapseArray(ArrayParameters(lanes, 32, "ternary", scheme), switching, random, rounds)
    for state, weight in STATES.items():
        for index, sign, kappa in (
            (0, 1, 0), (1, 1, 0), (3, -1, 0), (9, 1, 0), (31, -1, 0), (5, 1, 1), (4, -1, 1), (0, 1, 2),
        ):  # fmt: skip
            magnitude = kappa * 1024 + index * 32
            value = magnitude if sign > 0 else -1 - magnitude
            array.r1[:], array.r2[:] = state
            for row in range(rounds):
                for entry in unit.pulses(np.full(lanes, value, np.int32), update_shift):
                    array.pulse(row, entry.increase, entry.codes)
            found, trials = Counter(array.weights().ravel().tolist()), lanes * rounds
            law = (
                _law(weight, value, update_shift, None)
                if scheme == "verified"
                else _blind_law(state, value, update_shift)
            )
            for moved, probability in law.items():
                deviation = (probability * (1 - probability) / trials) ** 0.5
                assert abs(found[moved] / trials - probability) <= 5 * deviation + pulse.residual(switching)
            assert found.keys() <= law.keys()
