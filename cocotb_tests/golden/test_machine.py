"""The whole golden machine: against matrices in float, in parts against in one go, and from a state taken earlier."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.configs import random_config, variant
from gen import config as named
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from golden.machine import Machine
from golden.samples import Sample, Samples

#: Small networks: the named one, and random ones of every synapse and write scheme.
CONFIGS = [named.load("tiny"), *(random_config(21, number) for number in range(8))]
each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: "-".join(map(str, c.layers)))


def _samples(config: MachineConfig, count: int, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    trits = rng.integers(-1, 2, (count, config.layers[0])).astype(np.int8)
    return Samples(trits, rng.integers(0, config.layers[-1], count).astype(np.uint8))


def _equal(one: Machine, other: Machine) -> None:
    for name, values in one.state().items():
        assert (values == other.state()[name]).all(), name
    assert one.counters == other.counters


def _matrix(config: MachineConfig, table: NDArray[np.int64], index: int) -> NDArray[np.float64]:
    """Take a layer out of the rows and lanes of a memory, as a matrix of inputs by outputs."""
    layer, lanes = config.geometry.layers[index], config.array.lanes
    blocks = [
        table[layer.row + b * layer.rows_per_block : layer.row + (b + 1) * layer.rows_per_block]
        for b in range(layer.blocks)
    ]
    on_lanes = layer.outputs if layer.inputs_on_rows else layer.inputs
    folded = np.concatenate(blocks, axis=1)[:, :on_lanes].astype(float)
    assert len(blocks) * lanes >= on_lanes
    return folded if layer.inputs_on_rows else folded.T


class Floating:
    """The same network in float, as matrices; nothing here saturates but the errors."""

    def __init__(self, machine: Machine) -> None:
        self.c = c = machine.config
        self.weights = [_matrix(c, machine.array.weights().astype(np.int64), i) for i in range(len(c.layers) - 1)]
        self.offsets = [np.zeros(size) for size in c.layers[1:]]
        self.spreads = [np.full(size, float(c.neuron.initial_spread)) for size in c.layers[1:]]
        self.gradients = [np.zeros_like(w) for w in self.weights]

    def present(self, sample: Sample, *, training: bool) -> tuple[int, int]:
        """Forward and, in training, backward; return prediction and number of non-zero output errors."""
        n, e, one = self.c.neuron, self.c.error, 2.0**self.c.neuron.fraction
        follow, limit = 2.0**-n.follow_shift, 2.0 ** (e.bits - 1) - 1
        x, activations, windows = sample.trits.astype(float), [], []
        centred = np.zeros(0)
        for index, w in enumerate(self.weights):
            activations.append(x)
            total = x @ w
            centred = total - np.floor(self.offsets[index])
            if index == len(self.weights) - 1:
                break
            spread = self.spreads[index]
            threshold = np.maximum(np.floor(n.threshold_eighths / 8 * spread), 1)
            x = np.sign(centred) * (np.abs(centred) >= threshold)
            windows.append(np.abs(np.abs(centred) - threshold) <= np.floor(n.window_eighths / 8 * spread))
            if training:
                self.spreads[index] = spread + np.floor((np.abs(centred) - spread) * one * follow) / one
                if n.offset_follows:
                    self.offsets[index] += np.floor((total - self.offsets[index]) * one * follow) / one
        target = np.where(np.arange(len(centred)) == sample.label, 1.0, -1.0)
        hinge = np.maximum(e.margin - target * centred, 0)
        delta = target * np.minimum(np.floor(hinge / 2**e.shift), limit)
        if training:
            self.offsets[-1] -= delta * 2**n.train_shift / one
        if training and delta.any():
            for index in reversed(range(len(self.weights))):
                self.gradients[index] += np.outer(activations[index], delta)
                if index:
                    back = np.floor(
                        self.weights[index] @ delta / 2**e.backward_shift + (0.5 if e.backward_shift else 0)
                    )
                    delta = windows[index - 1] * np.clip(back, -limit, limit)
                    if n.offset_trains:
                        self.offsets[index - 1] -= delta * 2**n.train_shift / one
        return int(centred.argmax()), int(np.count_nonzero(delta))


def _still(config: MachineConfig) -> MachineConfig:
    """Make gradients add up without leak, saturation or pulses, and offsets keep away from their ends."""
    bits = 20
    n = config.neuron
    still = variant(
        config,
        gradient={"bits": bits, "leak": bits},
        error={"margin": 24, "shift": 1, "backward_shift": min(config.error.backward_shift, 1)},
        pulse={"dead_zone": 1 << config.pulse.nu_bits},
        # thresholds that random sums reach
        neuron={
            "fraction": 8,
            "train_shift": min(n.train_shift, 3),
            "threshold_eighths": min(n.threshold_eighths, 6),
            "initial_spread": min(n.initial_spread, 2),
        },
    )
    top = still.pulse.nu_bits + bits - 1
    return replace(still, training=replace(still.training, rates=(top,) * (len(config.layers) - 1)))


@each_config
def test_against_matrices(config: MachineConfig) -> None:
    """Predictions, gradients and neuron states, training and testing, equal those of the float network."""
    config = _still(config)
    machine = Machine(config)
    machine.form()
    floating = Floating(machine)
    weights = machine.array.weights()
    learned = False
    for round_, count in enumerate((1, 7, 20)):
        samples = _samples(config, count, round_)
        found = machine.train(samples, count, config.training.rates)
        assert found.tolist() == [floating.present(sample, training=True)[0] for sample in samples]
        for index, gradient in enumerate(floating.gradients):
            assert (_matrix(config, machine.gradient.sums.astype(np.int64), index) == gradient).all(), index
            learned |= bool(gradient.any())
        one, g = 2.0**config.neuron.fraction, config.geometry
        for vector in range(1, len(config.layers)):
            at = slice(g.group_base[vector] * g.group, g.group_base[vector] * g.group + config.layers[vector])
            assert (machine.neurons.offset[at] / one == floating.offsets[vector - 1]).all()
            if vector < len(config.layers) - 1:
                assert (machine.neurons.spread[at] / one == floating.spreads[vector - 1]).all()
        tests = _samples(config, 10, 100 + round_)
        assert machine.test(tests).tolist() == [floating.present(sample, training=False)[0] for sample in tests]
    assert learned
    # a place without a synapse has no gradient, and nothing was pulsed
    assert (machine.array.weights() == weights).all()
    assert machine.counters["pulses"] == 0
    total = sum(int(np.abs(gradient).sum()) for gradient in floating.gradients)
    assert int(np.abs(machine.gradient.sums).sum()) == total


@each_config
def test_one_call_or_many(config: MachineConfig) -> None:
    """A call with many batches, the last one short, equals a call per batch."""
    samples, batch, rates = _samples(config, 23), config.training.batch, config.training.rates
    one, many = Machine(config), Machine(config)
    one.form()
    many.form()
    predictions = one.train(samples, batch, rates)
    parts = [many.train(samples[first : first + batch], batch, rates) for first in range(0, len(samples), batch)]
    assert (predictions == np.concatenate(parts)).all()
    _equal(one, many)
    assert one.counters["updates"] == -(-23 // batch)
    assert one.counters["samples"] == 23
    assert one.counters["correct"] == np.count_nonzero(predictions == samples.labels)


@each_config
def test_state_and_restore(config: MachineConfig) -> None:
    """A fresh machine given state and counters continues like the one they were taken from."""
    rates = config.training.rates
    machine = Machine(config)
    machine.form()
    machine.train(_samples(config, 9), 4, rates)
    state, counters = machine.state(), machine.counters
    kept = {name: values.copy() for name, values in state.items()}
    expected = machine.train(_samples(config, 9, 2), 4, rates), machine.test(_samples(config, 5, 3))
    assert all((state[name] == kept[name]).all() for name in kept), "a state is a copy"
    other = Machine(config)
    other.restore(state, counters)
    found = other.train(_samples(config, 9, 2), 4, rates), other.test(_samples(config, 5, 3))
    assert all((f == e).all() for f, e in zip(found, expected, strict=True))
    _equal(machine, other)
    assert all((state[name] == kept[name]).all() for name in kept), "restoring copies too"


@each_config
def test_testing_learns_nothing(config: MachineConfig) -> None:
    """TEST leaves devices, gradients, streams and neurons alone; predictions do not depend on what came before."""
    machine = Machine(config)
    machine.form()
    machine.train(_samples(config, 8), 4, config.training.rates)
    before = machine.state()
    samples = _samples(config, 12, 5)
    predictions = machine.test(samples)
    after = machine.state()
    for name in ("r1", "r2", "gradient", "random", "offset", "spread"):
        assert (before[name] == after[name]).all(), name
    assert (machine.test(samples[::-1]) == predictions[::-1]).all()


def test_counters_are_complete() -> None:
    """All counters exist, none counts what did not happen, and they wrap."""
    config = named.load("tiny")
    machine = Machine(config)
    assert machine.counters == dict.fromkeys(COUNTERS, 0)
    machine.form()
    g = config.geometry
    formed = {name: count for name, count in machine.counters.items() if count}
    assert formed.keys() == {"rows_formed", "cycles_form"}
    assert formed["rows_formed"] == g.rows
    machine.train(_samples(config, 40), 4, config.training.rates)
    counters = machine.counters
    assert {name for name, count in counters.items() if not count} == {"cycles_wait", "rows_written", "rows_read"}
    machine.load_weights(*machine.dump_weights())
    assert machine.counters == counters | {"rows_written": g.rows, "rows_read": 2 * g.rows}
    counters = machine.counters
    assert counters["update_rows"] == 10 * g.rows
    assert counters["updates"] == 10
    assert counters["switches"] <= counters["pulses"] <= counters["pulse_width"]
    machine.restore(machine.state(), counters | {"pulses": (1 << COUNTER_BITS) - 1, "samples": (1 << COUNTER_BITS) - 1})
    machine.train(_samples(config, 40, 2), 4, config.training.rates)
    assert machine.counters["samples"] == 39
    assert machine.counters["pulses"] < 1 << 40
