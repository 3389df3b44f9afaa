"""Networks trained elsewhere: bounds, files, and their place in a machine."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gen import config as configs
from golden.config import MachineConfig
from golden.dense import Dense, DenseError, centred
from golden.input_buffer import InputParameters
from golden.machine import Machine
from golden.neuron import NeuronParameters, Neurons
from golden.samples import Samples
from sim.random_config import random_config
from sim.runner import seed

MNIST = configs.load("mnist")
NOTHING = np.zeros(0, np.uint8)


def _asked(sums: np.ndarray, middle: float, half: float) -> np.ndarray:
    return np.where(sums >= middle + half, 1, np.where(sums <= middle - half, -1, 0))


@pytest.mark.parametrize(("least", "most"), [(-6, 6), (0, 7), (-3, 5), (0, 0)])
def test_every_pair_of_bounds_becomes_a_centre_and_a_threshold(least: int, most: int) -> None:
    """All bounds on a grid of quarters, all sums: exact where it says so, else one bound is one off."""
    sums = np.arange(least, most + 1)
    inexact = 0
    for middle, half in itertools.product(np.arange(-20, 20.1, 0.25), np.arange(0.25, 20.1, 0.25)):
        centre, threshold, exact = centred(float(middle), float(half), least, most)
        assert 1 <= threshold <= max(most + 1 - least, 1)
        found = np.where(np.abs(sums - centre) >= threshold, np.sign(sums - centre), 0)
        wrong = np.count_nonzero(found != _asked(sums, middle, half))
        assert wrong == 0 if exact else wrong <= 1
        inexact += not exact
        # whole middles, and sums that reach one bound at most, are always exact
        high, low = math.ceil(middle + half), math.floor(middle - half)
        if middle == int(middle) or high > most or low < least:
            assert exact
    assert most == least or inexact


@pytest.mark.parametrize("eighths", [1, 2, 3, 4, 8, 15])
@pytest.mark.parametrize("fraction", [4, 6, 8])
def test_every_threshold_has_a_spread_that_fires_so(eighths: int, fraction: int) -> None:
    """All thresholds up to a quarter of the sums, all sums, in golden's own neuron."""
    machine = replace(MNIST, neuron=replace(MNIST.neuron, threshold_eighths=eighths, fraction=fraction))
    thresholds = np.arange(1, 61)
    placed = _placed(machine, thresholds)
    neurons = Neurons(machine.neuron, len(placed["offset"]), machine.geometry.sum_bits)
    neurons.offset[:], neurons.scale[:] = placed["offset"], placed["scale"]
    at = slice(0, len(thresholds))
    for total in range(-784, 785):
        fired, _ = neurons.fire(np.full(len(thresholds), total), at, training=False)
        expected = np.where(np.abs(total - 7) >= thresholds, np.sign(total - 7), 0)
        np.testing.assert_array_equal(fired, expected)


def _placed(machine: MachineConfig, thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """Place a network with these thresholds, all centres 7."""
    inputs, hidden, classes = machine.sizes
    network = Dense(
        (np.zeros((inputs, hidden), np.int8), np.zeros((hidden, classes), np.int8)),
        (np.full(hidden, 7), np.zeros(classes, np.int64)),
        (np.resize(thresholds, hidden),),
        machine.input,
        "mnist",
        NOTHING,
    )
    return network.place(machine)


def network_for(machine: MachineConfig, rng: np.random.Generator) -> Dense:
    """Draw a network that fits a machine."""
    values = [-1, 1] if machine.array.devices == 1 else [-1, 0, 1]
    pairs = list(itertools.pairwise(machine.sizes))
    top = 4 if machine.neuron.threshold_eighths else 2
    return Dense(
        tuple(rng.choice(values, pair).astype(np.int8) for pair in pairs),
        tuple(rng.integers(-3, 4, outputs) for _, outputs in pairs),
        tuple(rng.integers(1, top, outputs) for _, outputs in pairs[:-1]),
        machine.input,
        "digits",
        NOTHING,
    )


def sums_of(network: Dense, trits: np.ndarray) -> np.ndarray:
    """Evaluate a network in plain integers, up to the centred sums of its classes."""
    x = trits.astype(np.int64)
    for matrix, centre, threshold in zip(network.weights, network.centres, [*network.thresholds, None], strict=True):
        x = x @ matrix - centre
        if threshold is not None:
            x = np.sign(x) * (np.abs(x) >= threshold)
    return x


def predict(network: Dense, trits: np.ndarray) -> np.ndarray:
    """Predict classes, the lowest on a tie."""
    return sums_of(network, trits).argmax(axis=1)


@pytest.mark.parametrize("index", range(30))
def test_a_machine_predicts_as_the_network_that_it_holds(index: int) -> None:
    """Random machines: depths, folding, both orientations, binary and ternary synapses."""
    rng = np.random.default_rng([seed(), index])
    machine = random_config(seed(), index)
    machine = replace(machine, neuron=NeuronParameters(threshold_eighths=int(rng.integers(1, 9))))
    network = network_for(machine, rng)
    placed = network.place(machine)
    golden = Machine(machine)
    golden.initialise()
    golden.load_weights(placed["r1"], placed["r2"])
    golden.load_neurons(placed["offset"], placed["scale"])
    samples = Samples(rng.integers(-1, 2, (20, machine.sizes[0])).astype(np.int8), np.zeros(20, np.uint8))
    np.testing.assert_array_equal(golden.test(samples), predict(network, samples.trits))


def test_a_file_holds_the_network(tmp_path: Path) -> None:
    """What is loaded is what was saved."""
    network = replace(
        network_for(configs.load("tiny"), np.random.default_rng(seed())), predictions=np.arange(5).astype(np.uint8)
    )
    network.save(tmp_path / "w.npz")
    found = Dense.load(tmp_path / "w.npz")
    for name in ("weights", "centres", "thresholds"):
        for one, other in zip(getattr(found, name), getattr(network, name), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.predictions, network.predictions)
    assert (found.coding, found.dataset) == (network.coding, network.dataset)


def test_what_does_not_fit_is_refused_in_one_line(tmp_path: Path) -> None:
    """Other machines, values out of reach, files that are none."""
    rng = np.random.default_rng(seed())
    tiny = configs.load("tiny")
    network = network_for(tiny, rng)
    far = tuple(np.full_like(centre, 1 << 20) for centre in network.centres)
    big = tuple(np.full_like(threshold, 1 << 20) for threshold in network.thresholds)
    coding = InputParameters(1, 200, dark=-1)
    for changed, message in (
        (replace(network, weights=network.weights[1:]), r"the network has the layers \["),
        (replace(network, coding=coding), "the network was trained for InputParameters"),
        (replace(network, centres=far), "layer 0, neuron 0: the centre must be"),
        (replace(network, thresholds=big), "layer 0, neuron 0: no scale of"),
    ):
        with pytest.raises(DenseError, match=message):
            changed.place(tiny)
    binary = replace(tiny, array=replace(tiny.array, synapse="binary"))
    with pytest.raises(DenseError, match="weights 0, the machine's synapses are binary"):
        network.place(binary)
    with pytest.raises(DenseError, match="no weights file"):
        Dense.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(DenseError, match="cannot be read"):
        Dense.load(tmp_path / "bad.npz")
    with (tmp_path / "old.npz").open("wb") as file:
        np.savez(file, header='{"format": 0}')
    with pytest.raises(DenseError, match="has format 0, not 1"):
        Dense.load(tmp_path / "old.npz")
