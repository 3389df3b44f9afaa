"""The whole golden machine: against matrices in float, in parts against in one go, and from a state taken earlier."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.kit.random_data import random_samples
from gen import config as named
from golden.array.converter import ConverterParameters
from golden.config import MachineConfig, variant
from golden.counters import COUNTER_BITS, COUNTERS
from golden.machine import Machine
from golden.samples import Sample
from sim.random_config import KINDS, loadable, random_config

#: Small networks: the named one, and random ones of every synapse and write scheme.
CONFIGS = [named.load("tiny"), *(random_config(21, number) for number in range(8))]
each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: "-".join(map(str, c.layers)))


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
        self.offsets = [np.zeros(size) for size in c.sizes[1:]]
        self.scales = [np.full(size, float(c.neuron.initial_scale)) for size in c.sizes[1:]]
        self.gradients = [np.zeros_like(w) for w in self.weights]

    def present(self, sample: Sample, *, training: bool) -> tuple[int, int]:
        """Forward and, in training, backward; return prediction and number of non-zero output errors."""
        n, e, one = self.c.neuron, self.c.error, 2.0**self.c.neuron.fraction
        follow, limit = 2.0**-n.ema_shift, 2.0 ** (e.bits - 1) - 1
        x, activations, windows = sample.trits.astype(float), [], []
        centred = np.zeros(0)
        for index, w in enumerate(self.weights):
            activations.append(x)
            total = x @ w
            centred = total - np.floor(self.offsets[index])
            if index == len(self.weights) - 1:
                break
            scale = self.scales[index]
            threshold = np.maximum(np.floor(n.threshold_eighths / 8 * scale), 1)
            x = np.sign(centred) * (np.abs(centred) >= threshold)
            windows.append(np.abs(np.abs(centred) - threshold) <= np.floor(n.window_eighths / 8 * scale))
            if training:
                self.scales[index] = scale + np.floor((np.abs(centred) - scale) * one * follow) / one
                if n.offset_tracks_mean:
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
                    back = np.floor(self.weights[index] @ delta / 2 ** e.backward(0) + (0.5 if e.backward(0) else 0))
                    delta = windows[index - 1] * np.clip(back, -limit, limit)
                    if n.offset_learned:
                        self.offsets[index - 1] -= delta * 2**n.train_shift / one
        return int(centred.argmax()), int(np.count_nonzero(delta))


def _still(config: MachineConfig) -> MachineConfig:
    """Make gradients add up without leak, saturation or pulses, and offsets keep away from their ends."""
    bits = 20
    n = config.neuron
    still = variant(
        config,
        gradient={"bits": bits, "leak": bits},
        error={"margin": 24, "shift": 1, "backward_shift": min(config.error.backward(0), 1)},
        pulse={"dead_zone": 1 << config.pulse.nu_bits},
        # thresholds that random sums reach
        neuron={
            "fraction": 8,
            "train_shift": min(n.train_shift, 3),
            "threshold_eighths": min(n.threshold_eighths, 6),
            "initial_scale": min(n.initial_scale, 2),
        },
    )
    top = still.pulse.nu_bits + bits - 1
    return replace(still, training=replace(still.training, update_shifts=(top,) * (len(config.layers) - 1)))


@each_config
def test_against_matrices(config: MachineConfig) -> None:
    """Predictions, gradients and neuron states, training and testing, equal those of the float network."""
    config = _still(config)
    machine = Machine(config)
    machine.initialise()
    floating = Floating(machine)
    weights = machine.array.weights()
    learned = False
    for round_, count in enumerate((1, 7, 20)):
        samples = random_samples(config, count, round_)
        found = machine.train(samples, count, config.training.update_shifts)
        assert found.tolist() == [floating.present(sample, training=True)[0] for sample in samples]
        for index, gradient in enumerate(floating.gradients):
            assert (_matrix(config, machine.gradient.sums.astype(np.int64), index) == gradient).all(), index
            learned |= bool(gradient.any())
        one, g = 2.0**config.neuron.fraction, config.geometry
        for vector in range(1, len(config.layers)):
            at = slice(g.group_base[vector] * g.group, g.group_base[vector] * g.group + config.sizes[vector])
            assert (machine.neurons.offset[at] / one == floating.offsets[vector - 1]).all()
            if vector < len(config.layers) - 1:
                assert (machine.neurons.scale[at] / one == floating.scales[vector - 1]).all()
        tests = random_samples(config, 10, 100 + round_)
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
    samples, batch, update_shifts = random_samples(config, 23), config.training.batch, config.training.update_shifts
    one, many = Machine(config), Machine(config)
    one.initialise()
    many.initialise()
    predictions = one.train(samples, batch, update_shifts)
    parts = [
        many.train(samples[first : first + batch], batch, update_shifts) for first in range(0, len(samples), batch)
    ]
    assert (predictions == np.concatenate(parts)).all()
    _equal(one, many)
    assert one.counters["updates"] == -(-23 // batch)
    assert one.counters["samples"] == 23
    assert one.counters["correct"] == np.count_nonzero(predictions == samples.labels)


@each_config
def test_state_and_restore(config: MachineConfig) -> None:
    """A fresh machine given state and counters continues like the one they were taken from."""
    update_shifts = config.training.update_shifts
    machine = Machine(config)
    machine.initialise()
    machine.train(random_samples(config, 9), 4, update_shifts)
    state, counters = machine.state(), machine.counters
    kept = {name: values.copy() for name, values in state.items()}
    expected = machine.train(random_samples(config, 9, 2), 4, update_shifts), machine.test(random_samples(config, 5, 3))
    assert all((state[name] == kept[name]).all() for name in kept), "a state is a copy"
    other = Machine(config)
    other.restore(state, counters)
    found = other.train(random_samples(config, 9, 2), 4, update_shifts), other.test(random_samples(config, 5, 3))
    assert all((f == e).all() for f, e in zip(found, expected, strict=True))
    _equal(machine, other)
    assert all((state[name] == kept[name]).all() for name in kept), "restoring copies too"


@each_config
def test_testing_learns_nothing(config: MachineConfig) -> None:
    """TEST leaves devices, gradients, streams and neurons alone; predictions do not depend on what came before."""
    machine = Machine(config)
    machine.initialise()
    machine.train(random_samples(config, 8), 4, config.training.update_shifts)
    before = machine.state()
    samples = random_samples(config, 12, 5)
    predictions = machine.test(samples)
    after = machine.state()
    for name in ("r1", "r2", "gradient", "random", "offset", "scale"):
        assert (before[name] == after[name]).all(), name
    assert (machine.test(samples[::-1]) == predictions[::-1]).all()


def test_counters_are_complete() -> None:
    """All counters exist, none counts what did not happen, and they wrap."""
    config = named.load("tiny")
    machine = Machine(config)
    assert machine.counters == dict.fromkeys(COUNTERS, 0)
    machine.initialise()
    g = config.geometry
    formed = {name: count for name, count in machine.counters.items() if count}
    assert formed.keys() == {"rows_initialised", "cycles_init"}
    assert formed["rows_initialised"] == g.rows
    machine.train(random_samples(config, 40), 4, config.training.update_shifts)
    counters = machine.counters
    assert {name for name, count in counters.items() if not count} == {"cycles_wait", "rows_written", "rows_read"}
    machine.load_weights(*machine.dump_weights())
    assert machine.counters == counters | {"rows_written": g.rows, "rows_read": 2 * g.rows}
    counters = machine.counters
    assert counters["update_rows"] == 10 * g.rows
    assert counters["updates"] == 10
    assert counters["switches"] <= counters["pulses"] <= counters["pulse_width"]
    machine.restore(machine.state(), counters | {"pulses": (1 << COUNTER_BITS) - 1, "samples": (1 << COUNTER_BITS) - 1})
    machine.train(random_samples(config, 40, 2), 4, config.training.update_shifts)
    assert machine.counters["samples"] == 39
    assert machine.counters["pulses"] < 1 << 40


def _trained(config: MachineConfig) -> Machine:
    machine = Machine(config)
    machine.initialise()
    machine.train(random_samples(config, 9), 4, config.training.update_shifts)
    machine.present(random_samples(config, 2, 7), training=True)
    return machine


@each_config
def test_load_of_a_dump(config: MachineConfig) -> None:
    """A load of what was dumped changes nothing but gradient sums, which are 0; a dump is a copy."""
    machine = _trained(config)
    before = machine.state()
    weights = machine.dump_weights()
    neurons = machine.neurons.offset.copy(), machine.neurons.scale.copy()
    machine.train(random_samples(config, 9, 2), 4, config.training.update_shifts)
    random = machine.state()["random"]
    machine.load_weights(*weights)
    machine.load_neurons(*neurons)
    after = machine.state()
    for name in ("r1", "r2", "offset", "scale"):
        assert (after[name] == before[name]).all(), name
    assert not after["gradient"].any()
    assert (after["random"] == random).all(), "a load draws nothing"
    samples = random_samples(config, 5, 3)
    other = Machine(config)
    other.load_weights(*weights)
    other.load_neurons(*neurons)
    assert (machine.test(samples) == other.test(samples)).all(), "all that a prediction needs is in the dumps"


@each_config
def test_part_of_a_load(config: MachineConfig) -> None:
    """A load that ends early has done the first rows and their gradient sums, or the first neurons, and no others."""
    machine = _trained(config)
    before, rng, rows = machine.state(), np.random.default_rng(4), config.geometry.rows // 2
    r1, r2 = rng.integers(0, 2, (2, *machine.array.r1.shape))
    machine.load_weights(r1[:rows], r2[:rows])
    offset, scale = rng.integers(0, 8, (2, config.array.group))
    machine.load_neurons(offset, scale)
    after = machine.state()
    assert (after["r1"] == np.concatenate([r1[:rows], before["r1"][rows:]])).all()
    if config.array.devices == 2:
        assert (after["r2"] == np.concatenate([r2[:rows], before["r2"][rows:]])).all()
    else:
        assert not after["r2"].any(), "a binary synapse has no second device"
    assert not after["gradient"][:rows].any()
    assert (after["gradient"][rows:] == before["gradient"][rows:]).all()
    assert before["gradient"].any()
    for name, loaded in (("offset", offset), ("scale", scale)):
        assert (after[name] == np.concatenate([loaded, before[name][len(loaded) :]])).all(), name


def test_stuck_devices_stay() -> None:
    """A load reaches all devices but the stuck ones; the dump says what they are."""
    config = variant(named.load("tiny"), nonideal={"stuck_parallel": 0.2, "stuck_antiparallel": 0.2})
    machine, rng = Machine(config), np.random.default_rng(3)
    machine.initialise()
    stuck, states = machine.array.stuck, machine.array.stuck_states
    assert 0 < stuck.sum() < stuck.size
    for _ in range(3):
        given = rng.integers(0, 2, stuck.shape)
        machine.load_weights(*given)
        assert (np.stack(machine.dump_weights()) == np.where(stuck, states, given)).all()


@pytest.mark.parametrize("slices", [1, 2])
@pytest.mark.parametrize(("synapse", "scheme"), KINDS)
def test_seeds_are_states(synapse: str, scheme: str, slices: int) -> None:
    """Every bank of streams takes the states given, but for zero, and goes on from them; no other bank moves."""
    noisy = ConverterParameters(0, 0, 0, 4, 0)
    config = variant(
        loadable(named.load("tiny")),
        array={"synapse": synapse, "scheme": scheme, "slices": slices},
        nonideal={"columns": noisy, "rows": noisy},
    )
    machine, rng = Machine(config), np.random.default_rng(3)
    machine.initialise()
    lanes, group, width = config.array.lanes, config.array.group, config.random.width
    first = lanes // slices
    second = {1: first} if config.array.streams_per_lane == 2 else {}
    assert config.seed_banks == {0: first, **second, 2: group, 3: 1}
    names = {0: ("random", slice(0, first)), 1: ("random", slice(first, None))}
    names |= {2: ("random_columns", slice(0, group)), 3: ("random_rows", slice(0, 1))}
    for bank in range(4):  # one that the array does not have is none
        before = machine.state()
        states = rng.integers(0, 1 << width, lanes, dtype=np.uint64)
        states[0] = 0 if bank == 0 else 5
        machine.load_seeds({bank: states})
        after, expected = machine.state(), {name: values.copy() for name, values in before.items()}
        if bank in config.seed_banks:
            name, part = names[bank]
            found = expected[name][part]
            found[:] = states[: len(found)].astype(np.int64)
            found[found == 0] = 1 << (width - 1)
        for name, values in expected.items():
            assert (after[name] == values).all(), (bank, name)


def test_other_tables() -> None:
    """Updates go by the tables that were loaded last."""
    config = variant(loadable(named.load("tiny")), pulse={"nu_bits": 2}, training={"update_shifts": (3, 3, 3)})
    machine = _trained(config)
    certain, never = config.switching.codes - 1, np.zeros(4, np.int64)
    full = 1 << config.switching.threshold_bits

    def update(codes: NDArray[np.int64], thresholds: int) -> dict[str, int]:
        machine.load_pulses(codes)
        machine.load_switching(np.full(machine.array.thresholds.shape, thresholds))
        machine.present(random_samples(config, 4, 6), training=True)
        before = machine.counters
        machine.update(config.training.update_shifts)
        return {name: count - before[name] for name, count in machine.counters.items()}

    # no code for any |nu|: whole steps alone, of the last code
    counts = update(never, full)
    assert counts["pulse_width"] == certain * counts["pulses"]
    # every pulse verified, not stuck and certain to switch
    counts = update(np.full(4, 1), full)
    assert counts["pulses"] == counts["switches"] > 0
    # hardly any
    counts = update(np.full(4, 1), 1)
    assert counts["pulses"] > 100 * counts["switches"]


def test_presented_and_updated_is_trained() -> None:
    """A mini-batch that a host stops is written in the end, one that is aborted is not."""
    config = named.load("tiny")
    trained, stopped, aborted = _trained(config), _trained(config), _trained(config)
    samples, update_shifts = random_samples(config, 3, 8), config.training.update_shifts
    predictions = trained.train(samples, 4, update_shifts)
    for machine in (stopped, aborted):
        assert (machine.present(samples, training=True) == predictions).all()
    stopped.update(update_shifts)
    _equal(trained, stopped)
    weights = _trained(config).state()
    for name in ("r1", "r2", "random"):
        assert (aborted.state()[name] == weights[name]).all(), name
    assert aborted.counters["updates"] == trained.counters["updates"] - 1
