"""Convolutional networks in the golden machine against plain loops over positions, taps and channels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.kit.random_data import random_samples
from golden.config import MachineConfig, TrainingParameters, variant
from golden.error_unit import ErrorParameters
from golden.machine import Machine
from golden.network import Synapses
from golden.neuron import NeuronParameters
from golden.samples import Sample
from sim.random_config import KINDS, convolutional, random_config

#: Random convolutional machines of every synapse and write scheme, every other one with a segmented first layer.
CONFIGS = [convolutional(random_config(31, number), 31, number) for number in range(16)]
each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: "-".join(map(str, c.layers)))


def _taps(s: Synapses, oy: int, ox: int) -> list[tuple[int, int, int]]:
    """Places in the input of one position's taps, by the number of the tap; those outside of it left out."""
    if not s.kernel:
        return [(tap, *divmod(tap, s.inputs.width)) for tap in range(s.inputs.positions)]
    places = []
    for ky in range(s.kernel):
        for kx in range(s.kernel):
            y, x = oy * s.stride + ky - s.padding, ox * s.stride + kx - s.padding
            if 0 <= y < s.inputs.height and 0 <= x < s.inputs.width:
                places.append((ky * s.kernel + kx, y, x))
    return places


class Loops:
    """The same network as loops: arrays by height, width and channel, nothing of groups, lanes or rows."""

    def __init__(self, machine: Machine) -> None:
        self.c = c = machine.config
        self.layers = c.geometry.synapses
        self.weights = [
            machine.layer_weights(i).astype(int).reshape(-1, s.inputs.channels, s.outputs.channels)
            for i, s in enumerate(self.layers)
        ]
        self.gradients = [np.zeros_like(w) for w in self.weights]
        self.scales = [np.full(s.outputs.channels, c.neuron.initial_scale << c.neuron.fraction) for s in self.layers]
        self.offset = np.zeros(self.layers[-1].outputs.channels, int)

    def _positions(self, s: Synapses) -> list[tuple[int, int]]:
        return [(oy, ox) for oy in range(s.outputs.height) for ox in range(s.outputs.width)]

    def _sums(self, index: int, x: NDArray[Any]) -> NDArray[Any]:
        s = self.layers[index]
        sums = np.zeros((s.outputs.height, s.outputs.width, s.outputs.channels), int)
        for oy, ox in self._positions(s):
            for tap, y, at in _taps(s, oy, ox):
                sums[oy, ox] += x[y, at] @ self.weights[index][tap]
        return sums

    def _fire(self, index: int, sums: NDArray[Any], *, training: bool) -> tuple[NDArray[Any], NDArray[Any]]:
        n, scale = self.c.neuron, self.scales[index]
        size = np.abs(sums)
        if n.activation == "binary":
            threshold, trits = 0, np.where(sums < 0, -1, 1)
        else:
            threshold = np.maximum(n.threshold_eighths * scale // (8 << n.fraction), 1)
            trits = np.sign(sums) * (size >= threshold)
        window = np.abs(size - threshold) <= n.window_eighths * scale // (8 << n.fraction)
        if training:
            positions = sums.shape[0] * sums.shape[1]
            whole = 1 << int(np.ceil(np.log2(positions)))
            mean = size.sum(axis=(0, 1)) * (1 << n.fraction) // whole
            self.scales[index] = scale + (mean - scale) // (1 << n.ema_shift)
        return trits, window

    def _pool(self, trits: NDArray[Any], window: NDArray[Any]) -> tuple[NDArray[Any], dict[Any, tuple[int, int]]]:
        """Pool; return the trits, and for every pooled element the position that won."""
        height, width, channels = trits.shape
        pooled, won = np.zeros((height // 2, width // 2, channels), int), {}
        for y, x, c in np.ndindex(*pooled.shape):
            places = [(2 * y + dy, 2 * x + dx) for dy in (0, 1) for dx in (0, 1)]
            best = max(trits[a, b, c] for a, b in places)
            some = [place for place in places if trits[(*place, c)] == best]
            won[y, x, c] = next((place for place in some if window[(*place, c)]), some[0])
            pooled[y, x, c] = best
        return pooled, won

    def present(self, sample: Sample, *, training: bool) -> int:
        """Forward and, in training, backward; return the prediction."""
        e, s = self.c.error, self.layers[0].inputs
        x = sample.trits.astype(int).reshape(s.height, s.width, s.channels)
        inputs, windows, winners = [], [], []
        for index, layer in enumerate(self.layers[:-1]):
            inputs.append(x)
            x, window = self._fire(index, self._sums(index, x), training=training)
            windows.append(window)
            won = None
            if layer.pooled:
                x, won = self._pool(x, window)
            winners.append(won)
        inputs.append(x)
        centred = self._sums(len(self.layers) - 1, x)[0, 0] - (self.offset >> self.c.neuron.fraction)
        target = np.where(np.arange(len(centred)) == sample.label, 1, -1)
        delta = target * np.minimum(np.maximum(e.margin - target * centred, 0) >> e.shift, e.limit)
        if training:
            self.offset = self.offset - (delta << self.c.neuron.train_shift)
        if training and delta.any():
            self._learn(delta.reshape(1, 1, -1), inputs, windows, winners)
        return int(centred.argmax())

    def _learn(self, delta: NDArray[Any], inputs: list[Any], windows: list[Any], winners: list[Any]) -> None:
        e, bound = self.c.error, 1 << (self.c.gradient.bits - 1)
        deltas = [delta]
        for index in range(len(self.layers) - 1, 0, -1):
            layer, sums = self.layers[index], np.zeros_like(inputs[index])
            for oy, ox in self._positions(layer):
                for tap, y, x in _taps(layer, oy, ox):
                    sums[y, x] += self.weights[index][tap] @ deltas[0][oy, ox]
            shifts = e.backward_shift
            shift = shifts if isinstance(shifts, int) else shifts[index - 1]
            errors = np.clip(np.floor(sums / 2**shift + (0.5 if shift else 0)).astype(int), -e.limit, e.limit)
            if winners[index - 1] is not None:
                spread = np.zeros_like(windows[index - 1], int)
                for (y, x, c), place in winners[index - 1].items():
                    spread[(*place, c)] = errors[y, x, c]
                errors = spread
            deltas.insert(0, errors * windows[index - 1])
        for index, (layer, errors) in enumerate(zip(self.layers, deltas, strict=True)):
            for oy, ox in self._positions(layer):
                for tap, y, x in _taps(layer, oy, ox):
                    sums = self.gradients[index][tap] + np.outer(inputs[index][y, x], errors[oy, ox])
                    self.gradients[index][tap] = np.clip(sums, -bound, bound - 1)


def _still(config: MachineConfig, gradient_bits: int) -> MachineConfig:
    """Keep weights as they are: no pulse, no leak."""
    config = variant(
        config,
        gradient={"bits": gradient_bits, "leak": gradient_bits},
        error={"bits": min(config.error.bits, gradient_bits)},
        pulse={"dead_zone": 1 << config.pulse.nu_bits},
        neuron={"threshold_eighths": min(config.neuron.threshold_eighths, 6)},
    )
    top = config.pulse.nu_bits + gradient_bits - 1
    return replace(config, training=replace(config.training, update_shifts=(top,) * len(config.geometry.layers)))


def _gradients(machine: Machine, index: int) -> NDArray[Any]:
    """Read a layer's gradient sums by the way on which its weights are read."""
    other = Machine(machine.config)
    sums = machine.gradient.sums.astype(np.int64)
    found = 0
    for bit in range(32):
        other.array.r1[:] = sums >> bit & 1
        plane = other.layer_weights(index).astype(np.int64)
        plane = (plane + 1) // 2 if machine.config.array.synapse == "binary" else plane
        found = found + (plane << bit)
    return np.asarray(found).astype(np.int32)


@each_config
@pytest.mark.parametrize("gradient_bits", [20, 6])
def test_against_loops(config: MachineConfig, gradient_bits: int) -> None:
    """Predictions, gradient sums, saturated ones too, scales and offsets equal those of the loops."""
    config = _still(config, gradient_bits)
    machine = Machine(config)
    machine.initialise()
    loops, g, learned = Loops(machine), config.geometry, False
    for round_, count in enumerate((1, 5)):
        samples = random_samples(config, count, round_)
        found = machine.train(samples, count, config.training.update_shifts)
        assert found.tolist() == [loops.present(sample, training=True) for sample in samples]
        for index, layer in enumerate(g.layers):
            expected = loops.gradients[index].reshape(layer.inputs, layer.outputs)
            assert (_gradients(machine, index) == expected).all(), index
            learned |= bool(expected.any())
            neurons = slice(layer.neuron_base * g.group, layer.neuron_base * g.group + layer.outputs)
            if layer.last:
                assert (machine.neurons.offset[neurons] == loops.offset).all()
            else:
                assert (machine.neurons.scale[neurons] == loops.scales[index]).all()
        tests = random_samples(config, 4, 100 + round_)
        assert machine.test(tests).tolist() == [loops.present(sample, training=False) for sample in tests]
        assert not machine.map.sums.any()
        # lanes and rows without a synapse have no gradient
        total = sum(int(np.abs(gradient).sum()) for gradient in loops.gradients)
        assert int(np.abs(machine.gradient.sums).sum()) == total
    assert learned


def test_samples_of_another_shape() -> None:
    """Refused in one line."""
    machine, samples = Machine(CONFIGS[0]), random_samples(CONFIGS[1], 2)
    assert CONFIGS[0].sizes[0] != CONFIGS[1].sizes[0]
    with pytest.raises(ValueError, match=rf"^samples must have {CONFIGS[0].sizes[0]} trits each, not the shape \("):
        machine.test(samples)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": ("9x9x1", "4C7", 3)}, "layers: the first convolution's patch of 7 x 7 x 1 = 49 trits must fit "),
        ({"layers": ("9x9x3", "4C1", 3)}, "layers: an image of 3 planes needs as many thresholds in input.low and "),
        ({"neuron": NeuronParameters(offset_learned=True)}, "neuron.offset_learned must be false in a convolutional "),
        (
            {"error": ErrorParameters(backward_shift=(1, 2, 3, 4))},
            "error.backward_shift must be one shift, or one per ",
        ),
        ({"training": TrainingParameters(1, 1, (9,))}, r"training.update_shifts must name one update shift per layer"),
    ],
)
def test_bad_networks(change: dict[str, Any], message: str) -> None:
    """Rules across blocks, one line each."""
    config = convolutional(random_config(31), 31)
    layers = change.get("layers")
    if layers:
        change = {**change, "training": replace(config.training, update_shifts=(9,) * (len(layers) - 1))}
    with pytest.raises(ValueError, match=f"^{message}"):
        replace(config, **change)


def test_variety() -> None:
    """The random machines have everything that a convolutional network can have."""
    layers = [layer for config in CONFIGS for layer in config.geometry.layers]
    assert {config.array.synapse for config in CONFIGS} == {synapse for synapse, _ in KINDS}
    assert {config.neuron.activation for config in CONFIGS} == {"ternary", "binary"}
    assert {type(config.error.backward_shift) for config in CONFIGS} == {int, tuple}
    for has in (
        lambda la: la.segments > 1,
        lambda la: la.segments > 1 and la.rows > 1,
        lambda la: la.index and la.convolution,
        lambda la: la.index and la.convolution and la.blocks > 1,
        lambda la: not la.convolution and la.blocks > 1,
        lambda la: la.synapses.pooled,
        lambda la: la.synapses.padding,
        lambda la: la.synapses.stride > 1,
    ):
        assert {bool(has(layer)) for layer in layers} == {False, True}
