"""Neurons against a plain transcription of their definition."""

import re
from typing import Any

import numpy as np
import pytest

from golden.neuron import NeuronParameters, Neurons, Position

SUM_BITS = 7


class Plain:
    """One neuron in Python integers; `//` rounds down."""

    def __init__(self, p: NeuronParameters, sum_bits: int) -> None:
        self.p, self.one = p, 2**p.fraction
        self.most = 2 ** (sum_bits + p.fraction - 1) - 1
        self.offset, self.scale = 0, p.initial_scale * self.one

    def move(self, step: int) -> None:
        """Move the offset, saturating."""
        self.offset = min(max(self.offset + step, -self.most - 1), self.most)

    def fire(self, total: int, training: bool) -> tuple[int, bool]:
        """Activation and window of a sum."""
        p = self.p
        centred = total - self.offset // self.one
        threshold = max(1, p.threshold_eighths * self.scale // (8 * self.one))
        half = p.window_eighths * self.scale // (8 * self.one)
        activation = 0 if abs(centred) < threshold else (1 if centred > 0 else -1)
        window = abs(abs(centred) - threshold) <= half
        if training:
            self.scale += (abs(centred) * self.one - self.scale) // 2**p.ema_shift
            if p.offset_tracks_mean:
                self.move((total * self.one - self.offset) // 2**p.ema_shift)
        return activation, window

    def train(self, error: int) -> None:
        """Learn from an error."""
        self.move(-error * 2**self.p.train_shift)


PARAMETERS = [
    NeuronParameters(),
    NeuronParameters(0, 0, 0, 0, True, True, 0, 1),
    NeuronParameters(4, 4, 6, 4, True, True, 2, 2),
    NeuronParameters(3, 15, 31, 1, True, False, 0, 60),
    NeuronParameters(12, 7, 9, 15, False, True, 12, 5),
    NeuronParameters(6, 1, 2, 6, False, False, 4, 30),
]


@pytest.mark.parametrize("p", PARAMETERS, ids=range(len(PARAMETERS)))
def test_random_courses(p: NeuronParameters) -> None:
    """Firing, following and learning over a random course, state by state; parts of the neurons at a time."""
    rng = np.random.default_rng(p.fraction)
    neurons = Neurons(p, 6, SUM_BITS)
    neurons.reset()
    plain = [Plain(p, SUM_BITS) for _ in range(6)]
    outcomes = set()
    for _ in range(500):
        first = int(rng.integers(0, 6))
        at = slice(first, int(rng.integers(first + 1, 7)))
        # half of the time the extremes, so that everything saturates
        sums = rng.integers(-64, 64, at.stop - first) if rng.integers(2) else rng.choice([-64, 63], at.stop - first)
        training = bool(rng.integers(2))
        centred = neurons.centre(sums, at).tolist()
        assert centred == [int(s) - n.offset // n.one for s, n in zip(sums, plain[at], strict=True)]
        activations, window = neurons.fire(sums, at, training=training)
        expected = [n.fire(int(s), training) for s, n in zip(sums, plain[at], strict=True)]
        assert list(zip(activations.tolist(), window.tolist(), strict=True)) == expected
        assert (activations.dtype, window.dtype) == (np.int8, np.bool_)
        outcomes |= set(expected)
        if rng.integers(2):
            errors = rng.integers(-15, 16, at.stop - first)
            neurons.train(errors, at)
            for error, n in zip(errors, plain[at], strict=True):
                n.train(int(error))
        assert neurons.offset.tolist() == [n.offset for n in plain]
        assert neurons.scale.tolist() == [n.scale for n in plain]
        # the widths that the hardware gives them
        assert all(
            -(2 ** (p.offset_bits(SUM_BITS) - 1)) <= v < 2 ** (p.offset_bits(SUM_BITS) - 1) for v in neurons.offset
        )
        assert all(0 <= v < 2 ** p.scale_bits(SUM_BITS) for v in neurons.scale)
    assert {activation for activation, _ in outcomes} >= {-1, 1}


def test_threshold_and_window_edges() -> None:
    """Spread 8, threshold 4, half-width 2: fires from 4 on; the window is 2 .. 6, both ends included."""
    p = NeuronParameters(fraction=5, threshold_eighths=4, window_eighths=2, initial_scale=8)
    neurons = Neurons(p, 19, SUM_BITS)
    neurons.reset()
    sums = np.arange(-9, 10)
    activations, window = neurons.fire(sums, slice(0, 19), training=False)
    assert activations.tolist() == [0 if abs(s) < 4 else (1 if s > 0 else -1) for s in range(-9, 10)]
    assert window.tolist() == [2 <= abs(s) <= 6 for s in range(-9, 10)]


def test_smallest_threshold() -> None:
    """However small the scale, a sum of zero does not fire and a sum of one does."""
    neurons = Neurons(NeuronParameters(threshold_eighths=0), 3, SUM_BITS)
    activations, _ = neurons.fire(np.array([-1, 0, 1]), slice(0, 3), training=False)
    assert activations.tolist() == [-1, 0, 1]


def test_offset_saturates() -> None:
    """Training for ever stops at both ends of the offset's width, and comes back at once."""
    p = NeuronParameters(fraction=2, train_shift=4)
    neurons = Neurons(p, 2, SUM_BITS)
    for _ in range(100):
        neurons.train(np.array([15, -15]), slice(0, 2))
    assert neurons.offset.tolist() == [-(2**8), 2**8 - 1]
    neurons.train(np.array([-1, 1]), slice(0, 2))
    assert neurons.offset.tolist() == [-(2**8) + 16, 2**8 - 1 - 16]


def test_testing_leaves_the_state() -> None:
    """Nothing adapts outside training."""
    neurons = Neurons(NeuronParameters(ema_shift=0, offset_tracks_mean=True), 4, SUM_BITS)
    neurons.reset()
    before = neurons.offset.copy(), neurons.scale.copy()
    neurons.fire(np.array([63, -64, 5, 0]), slice(0, 4), training=False)
    assert (neurons.offset == before[0]).all()
    assert (neurons.scale == before[1]).all()


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("fraction", 0, 12),
        ("threshold_eighths", 0, 15),
        ("window_eighths", 0, 31),
        ("ema_shift", 0, 15),
        ("train_shift", 0, 12),
        ("initial_scale", 1, 1023),
    ],
)
def test_bad_parameters(field: str, low: int, high: int) -> None:
    """The ends are allowed; one beyond is refused with field, rule and value."""
    for value in (low, high):
        NeuronParameters(**dict[str, Any]({field: value}))
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"^{re.escape(f'neuron.{field} must be {low} .. {high}, not {value}')}$"):
            NeuronParameters(**dict[str, Any]({field: value}))


def test_binary_activations() -> None:
    """The sign of the centred sum, +1 for 0; the window lies around 0."""
    p = NeuronParameters(fraction=4, window_eighths=4, activation="binary", initial_scale=8)
    neurons = Neurons(p, 21, 8)
    neurons.reset()
    sums = np.arange(-10, 11)
    activations, window = neurons.fire(sums, slice(0, 21), training=False)
    assert activations.tolist() == [-1] * 10 + [1] * 11
    assert window.tolist() == [abs(s) <= 4 for s in sums]


@pytest.mark.parametrize("positions", [1, 2, 5, 8])
def test_scale_of_many_positions(positions: int) -> None:
    """The scale moves once, with the last position, by the mean over a power of two that holds all positions."""
    p, rng = NeuronParameters(fraction=6, ema_shift=3, initial_scale=5), np.random.default_rng(positions)
    neurons = Neurons(p, 4, 12)
    neurons.reset()
    for _ in range(3):
        before, sums = neurons.scale.copy(), rng.integers(-200, 200, (positions, 4))
        for index, each in enumerate(sums):
            assert (neurons.scale == before).all()
            neurons.fire(each, slice(0, 4), training=True, position=Position(index, positions))
        whole = 2 ** int(np.ceil(np.log2(positions)))
        mean = np.floor(np.abs(sums).sum(axis=0) * 2**6 / whole)
        assert (neurons.scale == before + np.floor((mean - before) / 8)).all()
