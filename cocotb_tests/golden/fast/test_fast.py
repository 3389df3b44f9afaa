"""The compiled golden machine against the NumPy one: every state, every counter, every prediction, no tolerance."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.kit.random_data import random_dataset, random_samples
from gen import config as named
from golden.config import MachineConfig, variant
from golden.counters import COUNTERS
from golden.fast.compiled import MissingError, compiled
from golden.fast.machine import FastMachine
from golden.fast.memory import Constants, ConverterConstants, Place
from golden.machine import Machine
from golden.run import data
from golden.run.checkpoint import Past
from golden.run.run import Run
from sim.random_config import KINDS, convolutional, nonideal, random_config

pytest.importorskip("numba", reason="the fast golden model needs the optional package numba")

#: Random configurations, all synapses and schemes in turn; those of every run, and those of the slow tier.
USUAL, SLOW = range(12), range(12, 96)
SERIES = pytest.mark.parametrize("numbers", [USUAL, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["usual", "slow"])

#: Every number of a configuration: a field of `Constants`, or one of a converter's.
CONVERTERS = ("column_converters", "row_converter")
FIELDS = [
    *((field,) for field in Constants._fields if field not in ("lanes", "group", "layers", *CONVERTERS)),
    *((side, field) for side in CONVERTERS for field in ConverterConstants._fields),
]


def _config(number: int) -> MachineConfig:
    """Make a random configuration that pulses, most of them with a non-ideal array; wide gradient sums in turn.

    Of three times all synapses and schemes one is convolutional.
    """
    config = random_config(51, number)
    if number // len(KINDS) % 3 == 1:
        config = convolutional(config, 51, number)
    config = nonideal(config, 51, number)
    kind = number // len(KINDS) % 4
    bits = 16 + number % 9 if kind == 3 else config.gradient.bits
    gradient = {"bits": bits, "leak": min(config.gradient.leak, bits), "reset_on_switch": kind % 2 == 1}
    low = config.pulse.nu_bits
    return variant(
        config,
        gradient=gradient,
        training={
            "update_shifts": tuple(low + (update_shift - low) % 4 for update_shift in config.training.update_shifts)
        },
        pulse={"dead_zone": config.pulse.dead_zone // 2},
    )


def _loadable(number: int) -> MachineConfig:
    """Make a random configuration of which everything can be loaded."""
    config = _config(number)
    # a table that can be loaded has at most 512 entries, and at least two codes
    switching = {"loadable": True, "code_bits": min(config.switching.code_bits, 4)}
    return variant(config, random={"loadable": True}, pulse={"loadable": True}, switching=switching)


def _difference(golden: Machine, fast: Machine) -> str:
    """Name what differs, or nothing."""
    states = golden.state(), fast.state()
    differ = [name for name, values in states[0].items() if not np.array_equal(values, states[1][name])]
    counters = golden.counters, fast.counters
    differ += [name for name in COUNTERS if counters[0][name] != counters[1][name]]
    return ", ".join(differ)


def _compare(config: MachineConfig, fast: FastMachine) -> Machine:
    """Give the same commands to both machines and compare after each; return the NumPy one."""
    golden, batch, update_shifts = Machine(config), config.training.batch, config.training.update_shifts

    def check(step: str, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        assert np.array_equal(one, other), f"{step}: predictions"
        assert not _difference(golden, fast), step

    golden.initialise()
    fast.initialise()
    assert not _difference(golden, fast), "initialise"
    for round_, count in enumerate((3 * batch, 1, 2 * batch + 1)):
        samples = random_samples(config, count, round_)
        check(f"train {round_}", golden.train(samples, batch, update_shifts), fast.train(samples, batch, update_shifts))
    samples = random_samples(config, 7, 9)
    check("test", golden.test(samples), fast.test(samples))
    samples = random_samples(config, 6 * batch, 10)
    check("train on", golden.train(samples, batch, update_shifts), fast.train(samples, batch, update_shifts))
    return golden


@SERIES
def test_random_configurations(numbers: range) -> None:
    """All random configurations agree, and together they do everything that a counter counts."""
    total = dict.fromkeys(COUNTERS, 0)
    for number in numbers:
        config = _config(number)
        try:
            golden = _compare(config, FastMachine(config))
        except AssertionError as error:
            raise AssertionError(f"configuration {number}: {config}") from error
        for name, count in golden.counters.items():
            total[name] += count
    assert {name for name, count in total.items() if not count} == {"cycles_wait", "rows_written", "rows_read"}


@SERIES
def test_random_configurations_have_everything(numbers: range) -> None:
    """Both series have every non-ideality, all at once and none, and every table that can be loaded."""
    configs = [_config(number) for number in numbers]
    for has in (
        lambda c: c.switching.variation_bins > 1,
        lambda c: c.nonideal.any_stuck,
        lambda c: c.nonideal.columns.noise > 0,
        lambda c: c.nonideal.rows.noise > 0,
        lambda c: c.switching.loadable,
        lambda c: c.pulse.loadable,
    ):
        assert {has(config) for config in configs} == {False, True}


def _compare_loads(config: MachineConfig, fast: FastMachine, seed: int) -> None:
    """Load everything into both machines, and reset them; compare after every command."""
    golden, rng = Machine(config), np.random.default_rng(seed)
    machines, update_shifts = (golden, fast), config.training.update_shifts

    def go_on(step: str) -> None:
        """Work with what is loaded; an unfinished mini-batch is the same."""
        assert not _difference(golden, fast), step
        samples = random_samples(config, 5, 2)
        expected, found = (machine.present(samples, training=True).tolist() for machine in machines)
        assert found == expected, f"{step}: predictions"
        assert not _difference(golden, fast), f"{step}: present"
        for machine in machines:
            machine.update(update_shifts)
        assert not _difference(golden, fast), f"{step}: update"

    for machine in machines:
        machine.initialise()
        machine.train(random_samples(config, 9), 4, update_shifts)
    r1, r2 = rng.integers(0, 2, (2, *golden.array.r1.shape))
    offset, scale = rng.integers(0, 40, (2, len(golden.neurons.offset)))
    banks = {
        bank: rng.integers(0, 1 << config.random.width, count, dtype=np.uint64)
        for bank, count in config.seed_banks.items()
    }
    codes = rng.integers(0, config.switching.codes, 1 << config.pulse.nu_bits)
    thresholds = rng.integers(0, (1 << config.switching.threshold_bits) + 1, golden.array.thresholds.shape)
    for machine in machines:
        machine.load_weights(r1, r2)
        machine.load_neurons(offset, scale)
        machine.load_seeds(banks)
        machine.load_pulses(codes)
        machine.load_switching(thresholds)
    go_on("loads")
    for machine in machines:
        machine.load_pulses(np.zeros_like(codes))
    go_on("no pulses for any fraction")
    for machine in machines:
        machine.reset()
    go_on("reset")
    dumps = golden.dump_weights(), fast.dump_weights()
    assert np.array_equal(*dumps)


@pytest.mark.parametrize("number", range(8))
def test_loads(number: int) -> None:
    """What a host loads reaches the compiled loops, and a reset takes tables and streams back."""
    config = _loadable(number)
    _compare_loads(config, FastMachine(config), number)


@pytest.mark.parametrize("memory", ["thresholds", "table", "streams", "column_streams", "row_streams"])
def test_lost_loads_are_found(memory: str) -> None:
    """A memory that is not the block's own, so that loads do not reach it, shows."""
    for number in range(8):
        config = _loadable(number)
        fast = FastMachine(config)
        fast._memory = fast._memory._replace(**{memory: getattr(fast._memory, memory).copy()})
        try:
            _compare_loads(config, fast, number)
        except AssertionError:
            return
    raise AssertionError(f"nothing depends on {memory}")


@pytest.mark.parametrize(
    "name", ["digits", "digits-nonideal", "digits-conv", pytest.param("mnist", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("scheme", ["verified", "blind"])
def test_named_configurations(name: str, scheme: str) -> None:
    """Machines of real size agree over whole batches."""
    config = variant(named.load(name), training={"batch": 20}, array={"scheme": scheme})
    config = variant(
        config, training={"update_shifts": tuple(update_shift - 4 for update_shift in config.training.update_shifts)}
    )
    golden = _compare(config, FastMachine(config))
    assert golden.counters["switches"] > 10000


def test_digits() -> None:
    """A run over real data ends with the same weights, curve and counters."""
    digits, config = data.load("digits", None), named.load("digits")
    runs = Run(config, digits, 400, 2), Run(config, digits, 400, 2, FastMachine)
    for run in runs:
        for step in run.steps():
            run.advance(step, run.present(step))
    assert runs[0].weights_sha256() == runs[1].weights_sha256()
    assert runs[0].curve == runs[1].curve
    assert not _difference(runs[0].machine, runs[1].machine)


@pytest.mark.parametrize("models", [(Machine, FastMachine), (FastMachine, Machine)], ids=["to fast", "to NumPy"])
def test_checkpoints_can_be_exchanged(models: tuple[type[Machine], type[Machine]], tmp_path: Path) -> None:
    """What one machine has begun the other continues to the same end."""
    tiny = named.load("tiny")
    dataset = random_dataset(tiny, 30, 11)
    first, second = (Run(tiny, dataset, 0, 3, model) for model in models)
    whole = Run(tiny, dataset, 0, 3)
    assert first.identity == second.identity == whole.identity
    for step in first.steps()[:5]:
        first.advance(step, first.present(step))
    first.save(tmp_path / "checkpoint.npz", Past())
    second.resume(tmp_path / "checkpoint.npz")
    for run in (second, whole):
        for step in run.steps():
            run.advance(step, run.present(step))
    assert second.weights_sha256() == whole.weights_sha256()
    assert second.curve == whole.curve
    assert not _difference(whole.machine, second.machine)


def _wrong(name: str, value: Any, config: MachineConfig) -> Any:
    """Make a number of a configuration wrong, within its memories."""
    if isinstance(value, bool):
        return not value
    if name == "slice_lanes":
        return max(1, value // 2)
    if name == "device_bins" and config.switching.variation_bins == 1:
        return value
    if name in ("patches", "corners"):
        return value // 2
    if isinstance(value, np.ndarray):
        return value ^ value.dtype.type(1)
    # one less would change nothing, or be no shift
    rising = ("width", "leak", "step", "noise_step")
    return value + type(value)(1) if name in rising else value - type(value)(1)


@pytest.mark.parametrize("field", FIELDS, ids=".".join)
def test_faults_are_found(field: tuple[str, ...]) -> None:
    """A wrong number of the configuration, whichever it is, shows in some random configuration."""
    for number in (*USUAL, *SLOW):
        config = _config(number)
        fast = FastMachine(config)
        constants = fast._constants
        if len(field) == 1:
            wrong = _wrong(field[0], getattr(constants, field[0]), config)
        else:
            converter = getattr(constants, field[0])
            wrong = converter._replace(**{field[1]: _wrong(field[1], getattr(converter, field[1]), config)})
        fast._constants = constants._replace(**{field[0]: wrong})
        try:
            _compare(config, fast)
        except AssertionError:
            return
    raise AssertionError(f"nothing depends on {'.'.join(field)}")


@pytest.mark.parametrize("place", [place for place in Place if place != Place.CHANNEL_GROUPS], ids=lambda p: p.name)
def test_wrong_places_are_found(place: Place) -> None:
    """A wrong number of the layers shows in some convolutional configuration; other channel groups leave the memory."""
    for number in (*USUAL, *SLOW):
        config = _config(number)
        if not config.geometry.convolutional:
            continue
        fast = FastMachine(config)
        layers = fast._constants.layers.copy()
        if place in (Place.WIDTH, Place.MEAN_SHIFT, Place.LINES):
            layers[:, place] += 1
        elif place == Place.POSITIONS:
            layers[:, place] = np.maximum(layers[:, place] - 1, 1)
        else:
            layers[:-1, place] = np.maximum(layers[:-1, place] - 1, 0)
        fast._constants = fast._constants._replace(layers=layers)
        try:
            _compare(config, fast)
        except AssertionError:
            return
    raise AssertionError(f"nothing depends on {place.name}")


@pytest.mark.parametrize("quantity", ["r1", "r2", "gradient", "random", "offset", "scale"])
def test_other_states_are_found(quantity: str) -> None:
    """One value off by one is named."""
    config = _config(0)
    golden, fast = Machine(config), FastMachine(config)
    golden.initialise()
    state = golden.state()
    state[quantity].reshape(-1)[-1] ^= 1
    fast.restore(state, golden.counters)
    assert _difference(golden, fast) == quantity


def test_numba_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is one line that says what to install."""
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled.cache_clear()
    with pytest.raises(MissingError, match=r"^the fast golden model needs Numba \(.*\): pip install 'numba.*'$"):
        compiled()
    monkeypatch.undo()
    compiled.cache_clear()
