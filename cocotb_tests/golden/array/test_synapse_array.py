"""The array of synapses: every device state under every pulse, reads against matrix algebra, counts of events."""

import itertools
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.golden import recurrence, word
from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.lfsr import LfsrParameters
from golden.tables import SwitchingParameters

#: Device, state to which it is driven.
Drive = tuple[int, int]

#: What a write pulse drives, by synapse, scheme, polarity (True: increase) and states (R1, R2), after the design.
#: A device that is there already receives the pulse and stays.
DRIVEN: dict[tuple[str, str, bool, tuple[int, int]], tuple[Drive, ...]] = {
    # both devices, without reading: R1 towards P and R2 towards AP for an increase, the reverse for a decrease
    **{("ternary", "blind", True, state): ((1, 1), (2, 0)) for state in ((0, 0), (0, 1), (1, 0), (1, 1))},
    **{("ternary", "blind", False, state): ((1, 0), (2, 1)) for state in ((0, 0), (0, 1), (1, 0), (1, 1))},
    # one device, one step; -1 and +1 move to the weak zero (0, 0)
    ("ternary", "verified", True, (0, 1)): ((2, 0),),
    ("ternary", "verified", True, (0, 0)): ((1, 1),),
    ("ternary", "verified", True, (1, 1)): ((2, 0),),
    ("ternary", "verified", True, (1, 0)): (),
    ("ternary", "verified", False, (1, 0)): ((1, 0),),
    ("ternary", "verified", False, (0, 0)): ((2, 1),),
    ("ternary", "verified", False, (1, 1)): ((1, 0),),
    ("ternary", "verified", False, (0, 1)): (),
    # one device: +1 is parallel
    ("binary", "blind", True, (0, 0)): ((1, 1),),
    ("binary", "blind", True, (1, 0)): ((1, 1),),
    ("binary", "blind", False, (0, 0)): ((1, 0),),
    ("binary", "blind", False, (1, 0)): ((1, 0),),
    ("binary", "verified", True, (0, 0)): ((1, 1),),
    ("binary", "verified", True, (1, 0)): (),
    ("binary", "verified", False, (0, 0)): (),
    ("binary", "verified", False, (1, 0)): ((1, 0),),
}

#: Few enough bits to go through all words, and two directions that differ.
SWITCHING = SwitchingParameters(
    "erf",
    code_bits=3,
    threshold_bits=4,
    slope=1.5,
    device="perpendicular_50nm",
    current_to_antiparallel=40e-6,
    current_to_parallel=50e-6,
    width_max=25e-9,
    shared_widths=True,
)
RANDOM = LfsrParameters(31, 3, 5, 77)
KINDS = list(itertools.product(("ternary", "binary"), ("blind", "verified")))


def _array(synapse: str, scheme: str, lanes: int = 256, rows: int = 1, **more: Any) -> SynapseArray:
    switching = more.get("switching", SWITCHING)
    parameters = ArrayParameters(lanes, 4, synapse, scheme, slices=more.get("slices", 1))
    return SynapseArray(parameters, switching, more.get("random", RANDOM), rows)


def _states(synapse: str) -> list[tuple[int, int]]:
    return [(0, 0), (0, 1), (1, 0), (1, 1)] if synapse == "ternary" else [(0, 0), (1, 0)]


def _weight(synapse: str, state: tuple[int, int]) -> int:
    return state[0] - state[1] if synapse == "ternary" else 2 * state[0] - 1


@pytest.mark.parametrize(("synapse", "scheme"), KINDS)
def test_every_state_code_and_word(synapse: str, scheme: str) -> None:
    """All states, polarities, codes and words: who is pulsed, who switches, what is counted, how streams go on."""
    array = _array(synapse, scheme)
    streams = 2 if (synapse, scheme) == ("ternary", "blind") else 1
    assert array.parameters.streams_per_lane == streams
    assert len(array.lfsr.states) == 256 * streams
    # every pair of words of four bits, once per lane; the higher bits keep the registers from locking
    first, second = np.divmod(np.arange(256), 16)
    chosen = np.concatenate([first, second]) if streams == 2 else first
    states = (chosen | 0x2A5F0).astype(np.uint64)
    reached = Counter()
    for state, increase, code in itertools.product(_states(synapse), (True, False), range(8)):
        array.r1[0], array.r2[0] = state
        array.lfsr.states = states.copy()
        before = array.pulses, array.pulse_width, array.switches
        array.pulse(0, np.full(256, increase), np.full(256, code, np.uint8))
        driven = DRIVEN[synapse, scheme, increase, state] if code else ()
        switched = 0
        for lane in range(256):
            expected = list(state)
            for device, target in driven:
                drawn = (first if device == 1 or streams == 1 else second)[lane]
                if expected[device - 1] != target and drawn < SWITCHING.thresholds[target, code]:
                    expected[device - 1] = target
                    switched += 1
            found = int(array.r1[0, lane]), int(array.r2[0, lane])
            assert found == tuple(expected), (state, increase, code, lane)
            reached[_weight(synapse, state), increase, _weight(synapse, found)] += 1
        after = array.pulses, array.pulse_width, array.switches
        assert np.subtract(after, before).tolist() == [256 * len(driven), 256 * len(driven) * code, switched]
        for lane in (0, 77, 256 * streams - 1):
            assert array.lfsr.states[lane] == word(recurrence(int(states[lane]), 31, 3, 36), 5, 31)
    # the consequence for weights: never against the polarity, verified one step at most, blind from end to end
    moves = {(new - old) * (1 if increase else -1) for old, increase, new in reached}
    assert moves == {("ternary", "blind"): {0, 1, 2}, ("ternary", "verified"): {0, 1}}.get((synapse, scheme), {0, 2})


@pytest.mark.parametrize("slices", [1, 2, 8])
@pytest.mark.parametrize(("synapse", "scheme"), KINDS)
def test_pulses_draw_from_the_streams(synapse: str, scheme: str, slices: int) -> None:
    """Slices of S lanes: lane l, device d follows stream l mod S + S d; a pulse draws once per slice, the first first.

    Other rows and unpulsed lanes stay.
    """
    lanes, rng = 8, np.random.default_rng(5)
    switching = SwitchingParameters("ideal", code_bits=4, threshold_bits=9, slope=2.0)
    random = LfsrParameters(63, 5, 19, 99)
    array = _array(synapse, scheme, lanes, 3, switching=switching, random=random, slices=slices)
    streams, part = len(array.lfsr.states), lanes // slices
    assert streams == (2 * part if (synapse, scheme) == ("ternary", "blind") else part)
    sequences = [recurrence(int(s), 63, 5, 63 + 19 * 60 * slices) for s in random.seeds(streams)]
    array.r1[:] = rng.integers(0, 2, array.r1.shape)
    if synapse == "ternary":
        array.r2[:] = rng.integers(0, 2, array.r2.shape)
    expected = np.stack([array.r1, array.r2]).astype(int)
    for draw in range(60):
        row = int(rng.integers(0, 3))
        increase, codes = rng.integers(0, 2, lanes).astype(bool), rng.integers(0, 16, lanes).astype(np.uint8)
        codes[rng.integers(0, 2, lanes) == 0] = 0
        array.pulse(row, increase, codes)
        for lane in range(lanes):
            state = int(expected[0, row, lane]), int(expected[1, row, lane])
            for device, target in DRIVEN[synapse, scheme, bool(increase[lane]), state] if codes[lane] else ():
                stream = lane % part + (part * (device - 1) if streams == 2 * part else 0)
                if (
                    word(sequences[stream], 19 * (draw * slices + lane // part), 9)
                    < switching.thresholds[target, codes[lane]]
                ):
                    expected[device - 1, row, lane] = target
        assert (array.r1 == expected[0]).all()
        assert (array.r2 == expected[1]).all()


@pytest.mark.parametrize("slices", [1, 4])
@pytest.mark.parametrize(("synapse", "scheme"), KINDS)
def test_forming(synapse: str, scheme: str, slices: int) -> None:
    """Forming takes the leading bits of one draw per stream and slice; states equally likely, devices independent."""
    lanes, rows, random = 256, 64, LfsrParameters(63, 31, 19, 0x123456789ABCDEF1)
    switching = SwitchingParameters(threshold_bits=12)
    array = _array(synapse, scheme, lanes, rows, switching=switching, random=random, slices=slices)
    streams, part = len(array.lfsr.states), lanes // slices
    sequences = [recurrence(int(s), 63, 31, 63 + 19 * rows * slices) for s in random.seeds(streams)]
    for row in range(rows):
        array.initialise(row)

    def drawn(bit: int, first: int) -> NDArray[np.int64]:
        """One bit of the draws of all lanes, of a bank of streams that begins with `first`."""
        draws = [[sequences[first + lane][19 * draw + bit] for lane in range(part)] for draw in range(rows * slices)]
        return np.array(draws).reshape(rows, lanes)

    assert (array.r1 == drawn(11, 0)).all()
    if synapse == "binary":
        assert not array.r2.any()
    elif streams == 2 * part:
        assert (array.r2 == drawn(11, part)).all()
    else:
        assert (array.r2 == drawn(10, 0)).all()
    states = _states(synapse)
    counts = [int(((array.r1 == r1) & (array.r2 == r2)).sum()) for r1, r2 in states]
    mean = lanes * rows / len(states)
    assert sum(counts) == lanes * rows
    # within five standard deviations of a fair draw; lanes and rows next to each other do not follow one another
    assert max(abs(count - mean) for count in counts) < 5 * (mean * (1 - 1 / len(states))) ** 0.5
    signs = 2 * array.r1.astype(int) - 1
    for neighbour in (signs[1:] * signs[:-1], signs[:, 1:] * signs[:, :-1]):
        assert abs(int(neighbour.sum())) < 5 * neighbour.size**0.5
    assert (array.pulses, array.switches) == (0, 0)


def _random_weights(array: SynapseArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Set random devices; return the weights as a plain matrix."""
    synapse = array.parameters.synapse
    array.r1[:] = rng.integers(0, 2, array.r1.shape)
    if synapse == "ternary":
        array.r2[:] = rng.integers(0, 2, array.r2.shape)
    states = zip(array.r1.ravel().tolist(), array.r2.ravel().tolist(), strict=True)
    return np.array([_weight(synapse, state) for state in states]).reshape(array.r1.shape)


@pytest.mark.parametrize("synapse", ["ternary", "binary"])
def test_reads(synapse: str) -> None:
    """Sums over rows and over lanes are matrix products; products count what is non-zero on both sides."""
    rng = np.random.default_rng(9)
    array = _array(synapse, "verified", lanes=12, rows=20)
    for _ in range(10):
        w = _random_weights(array, rng)
        assert array.weights().dtype == np.int8
        assert (array.weights() == w).all()
        assert (array.weights(slice(3, 7)) == w[3:7]).all()
        # two commands add up until the sums are sensed; sensing clears them
        array.products = 0
        expected, products = np.zeros(12, int), 0
        for _ in range(2):
            rows = np.flatnonzero(rng.integers(0, 2, 20))
            coefficients = rng.choice([-7, -1, 1, 7], len(rows))
            array.drive_rows(rows, coefficients)
            for row, coefficient in zip(rows, coefficients, strict=True):
                expected += coefficient * w[row]
                products += int((w[row] != 0).sum())
        assert array.products == products
        assert array.sense_columns().tolist() == expected.reshape(3, 4).tolist()
        assert not array.sense_columns().any()
        drive = rng.integers(-3, 4, 12)
        array.products = 0
        sums = array.sense_rows(slice(5, 17), drive)
        assert sums.tolist() == [
            sum(int(w[row, lane]) * int(drive[lane]) for lane in range(12)) for row in range(5, 17)
        ]
        assert array.products == sum(int(w[row, lane] * drive[lane] != 0) for row in range(5, 17) for lane in range(12))


def test_driving_no_row() -> None:
    """A vector of zeros adds nothing."""
    array = _array("ternary", "verified", lanes=4)
    array.r1[:] = 1
    array.drive_rows(np.zeros(0, np.intp), np.zeros(0, np.int64))
    assert not array.sense_columns().any()
    assert array.products == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lanes": 4, "group": 1}, "array.group must be 2 .. 64 columns, not 1"),
        ({"lanes": 65, "group": 65}, "array.group must be 2 .. 64 columns, not 65"),
        ({"lanes": 1, "group": 2}, "array.lanes must be 2 .. 4096, not 1"),
        ({"lanes": 4098, "group": 2}, "array.lanes must be 2 .. 4096, not 4098"),
        ({"lanes": 6, "group": 4}, "array.lanes must be a multiple of array.group = 4, not 6"),
        (
            {"lanes": 4, "group": 2, "synapse": "analog"},
            "array.synapse must be 'ternary' or 'binary', not 'analog'",
        ),
        ({"lanes": 4, "group": 2, "scheme": "lazy"}, "array.scheme must be 'blind' or 'verified', not 'lazy'"),
        ({"lanes": 4, "group": 2, "adders": "trees"}, "array.adders must be 'planes' or 'chains', not 'trees'"),
        *(
            (
                {"lanes": 12, "group": 2, "slices": slices},
                f"array.slices must be a power of two that divides array.lanes = 12, not {slices}",
            )
            for slices in (0, -1, 3, 8)
        ),
        ({"lanes": 4, "group": 2, "stages": 0}, "array.stages must be 1 .. 3 cycles, not 0"),
        ({"lanes": 4, "group": 2, "stages": 4}, "array.stages must be 1 .. 3 cycles, not 4"),
    ],
)
def test_bad_parameters(fields: dict[str, Any], message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ArrayParameters(**fields)


def test_limits_are_allowed() -> None:
    """What stands in a message's range is accepted, the ends included."""
    for lanes, slices in ((12, 4), (4096, 4096), (6, 2), (2, 1)):
        assert ArrayParameters(lanes, 2, slices=slices).slice_lanes == lanes // slices
    for stages in (1, 3):
        assert ArrayParameters(4, 2, stages=stages).stages == stages
