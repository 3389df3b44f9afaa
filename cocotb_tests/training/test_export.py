"""The bridge: batch normalisation folded into thresholds, and the machine's predictions equal to PyTorch's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cocotb_tests.training import files
from gen import config as configs
from golden.input_buffer import InputParameters
from golden.machine import Machine
from golden.samples import Samples
from sim.runner import seed
from training.data import Images
from training.export import bounds, evaluate, fold, reach
from training.networks import Network
from training.run import Run
from training.settings import recipe

CODING = InputParameters(127, 127, dark=0, middle=0)


def _network(*, whole: bool = False) -> Network:
    """Make a network with random weights, and normalisation with scales of both signs, small and large."""
    generator = torch.Generator().manual_seed(seed())
    network = Network("40FC-30FC-10", (30, 1, 1)).double()
    with torch.no_grad():
        for synapses in network.synapses:
            synapses.weight[:] = torch.randint(-1, 2, synapses.weight.shape, generator=generator)
        for layer in network.layers:
            norm = layer.norm
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            mean[:] = torch.randn(norm.num_features, generator=generator) * 4
            variance[:] = torch.rand(norm.num_features, generator=generator) * 20 + 0.1
            norm.weight[:] = torch.randn(norm.num_features, generator=generator)
            norm.bias[:] = torch.randn(norm.num_features, generator=generator) * 0.3
            norm.weight[0] = 0.0
            if whole:
                mean.round_()
                norm.bias.zero_()
        network.output.shift[:] = torch.randn(10, generator=generator)
        network.output.norm.weight.fill_(-0.7)
    return network.eval()


@pytest.mark.parametrize("whole", [False, True], ids=["any", "whole"])
def test_every_neuron_fires_as_before_for_every_sum(*, whole: bool) -> None:
    """Exhaustively over all sums that a neuron can have; where a bound had to move, at most one sum differs."""
    network = _network(whole=whole)
    dense, moved = fold(network, CODING)
    least, differing = 0, 0
    for index, layer in enumerate(network.layers):
        weights = layer.synapses.weight.detach().numpy().astype(np.int8).T
        low, high = reach(weights, least)
        sums = np.arange(-60, 61)
        with torch.no_grad():
            wide = torch.tensor(sums).double()[:, None].expand(-1, weights.shape[1])
            asked = torch.sign(layer.norm(wide)) * (layer.norm(wide).abs() >= 0.5)
        _, _, sign = bounds(layer.norm)
        for neuron in range(weights.shape[1]):
            own = (sums >= low[neuron]) & (sums <= high[neuron])
            silent = not dense.weights[index][:, neuron].any() and weights[:, neuron].any()
            centred = np.zeros_like(sums) if silent else sums * sign[neuron] - dense.centres[index][neuron]
            found = np.where(np.abs(centred) >= dense.thresholds[index][neuron], np.sign(centred), 0)
            wrong = np.count_nonzero((found != asked[:, neuron].numpy())[own])
            assert wrong <= 1
            differing += wrong
        least = -1
    assert (moved == 0) == whole
    assert differing <= moved


def test_classes_are_compared_as_before() -> None:
    """The common scale, here a negative one, drops out; shifts become whole numbers."""
    network = _network()
    dense, _ = fold(network, CODING)
    sums = torch.randint(-20, 20, (500, 10)).double()
    with torch.no_grad():
        norm = network.output.norm
        scores = norm(sums.reshape(-1, 1)).reshape(sums.shape) + network.output.shift
    assert norm.running_var is not None
    slope = float(norm.weight.detach()) / float(torch.sqrt(norm.running_var + norm.eps))
    found = -sums.numpy() - dense.centres[-1]
    # the same up to half a sum of rounding per class
    np.testing.assert_allclose(
        scores.numpy() / abs(slope), found - found[:, :1] + scores.numpy()[:, :1] / abs(slope), atol=1.01
    )
    np.testing.assert_array_equal(dense.weights[-1], -network.output.synapses.weight.detach().numpy().T)


def test_the_machine_predicts_what_pytorch_predicts() -> None:
    """A trained network of the configuration `mnist`, in the golden machine."""
    rng = np.random.default_rng(1)
    (images, labels), (others, classes) = files.digits(300, rng), files.digits(100, rng)
    made = Images(images[:, None], labels.astype(np.int64), others[:, None], classes.astype(np.int64), "made here")
    machine = configs.load("mnist")
    settings = recipe("mnist", "mtj", config="mnist", epochs=4, batch=20, rate=0.1, precision="float32")
    run = Run(settings, made, torch.device("cpu"))
    while not run.finished:
        run.advance()
        if run.at.step == run.steps:
            run.end_epoch()
    dense = run.dense()
    expected = evaluate(dense, run.test_images.flatten(1))
    accuracy = float((expected == classes).mean())
    assert accuracy == run.curve[-1]["test_accuracy"]
    assert accuracy > 0.5
    golden = Machine(machine)
    placed = dense.place(machine)
    golden.load_weights(placed["r1"], placed["r2"])
    golden.load_neurons(placed["offset"], placed["scale"])
    samples = Samples(machine.input.trits(others.reshape(100, -1)), classes)
    np.testing.assert_array_equal(golden.test(samples), expected)
    # a single wrong threshold shows
    wrong = replace(dense, thresholds=(dense.thresholds[0] * 5,)).place(machine)
    golden.load_neurons(wrong["offset"], wrong["scale"])
    assert (golden.test(samples) != expected).any()
