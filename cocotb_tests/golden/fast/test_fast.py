"""The compiled golden machine against the NumPy one: every state, every counter, every prediction, no tolerance."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cocotb_tests.kit.random_data import random_dataset, random_samples
from gen import config as named
from golden.config import MachineConfig, variant
from golden.counters import COUNTERS
from golden.fast.compiled import MissingError, compiled
from golden.fast.machine import FastMachine
from golden.fast.memory import Constants
from golden.machine import Machine
from golden.run import data
from golden.run.run import Run
from sim.random_config import KINDS, random_config

pytest.importorskip("numba", reason="the fast golden model needs the optional package numba")

#: Random configurations: all synapses and schemes in turn.
COUNT = 64


def _config(number: int) -> MachineConfig:
    """Make a random configuration that pulses; wide gradient sums in turn, and what random ones leave out."""
    config = random_config(51, number)
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
        # tables that can be loaded are not compiled
        pulse={"dead_zone": config.pulse.dead_zone // 2, "loadable": False},
        switching={"loadable": False},
    )


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


def test_random_configurations() -> None:
    """All random configurations agree, and together they do everything that a counter counts."""
    total = dict.fromkeys(COUNTERS, 0)
    for number in range(COUNT):
        config = _config(number)
        try:
            golden = _compare(config, FastMachine(config))
        except AssertionError as error:
            raise AssertionError(f"configuration {number}: {config}") from error
        for name, count in golden.counters.items():
            total[name] += count
    assert {name for name, count in total.items() if not count} == {"cycles_wait", "rows_written", "rows_read"}


@pytest.mark.parametrize("number", range(8))
def test_loads(number: int) -> None:
    """What a host loads reaches the compiled loops, and an unfinished mini-batch is the same."""
    config, rng = variant(_config(number), random={"loadable": True}), np.random.default_rng(number)
    golden, fast = Machine(config), FastMachine(config)
    for machine in (golden, fast):
        machine.initialise()
        machine.train(random_samples(config, 9), 4, config.training.update_shifts)
    r1, r2 = rng.integers(0, 2, (2, *golden.array.r1.shape))
    offset, scale = rng.integers(0, 40, (2, len(golden.neurons.offset)))
    banks = {
        bank: rng.integers(0, 1 << config.random.width, count, dtype=np.uint64)
        for bank, count in config.seed_banks.items()
    }
    for machine in (golden, fast):
        machine.load_weights(r1, r2)
        machine.load_neurons(offset, scale)
        machine.load_seeds(banks)
    assert not _difference(golden, fast), "loads"
    samples = random_samples(config, 3, 2)
    expected, found = (machine.present(samples, training=True).tolist() for machine in (golden, fast))
    assert found == expected
    assert not _difference(golden, fast), "present"
    for machine in (golden, fast):
        machine.update(config.training.update_shifts)
    assert not _difference(golden, fast), "update"
    assert golden.dump_weights()[0].tolist() == fast.dump_weights()[0].tolist()


@pytest.mark.parametrize("name", ["digits", "mnist"])
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
    first.save(tmp_path / "checkpoint.npz", {})
    second.resume(tmp_path / "checkpoint.npz")
    for run in (second, whole):
        for step in run.steps():
            run.advance(step, run.present(step))
    assert second.weights_sha256() == whole.weights_sha256()
    assert second.curve == whole.curve
    assert not _difference(whole.machine, second.machine)


@pytest.mark.parametrize("field", [field for field in Constants._fields if field not in ("lanes", "group")])
def test_faults_are_found(field: str) -> None:
    """A wrong number of the configuration, whichever it is, shows in some random configuration."""
    rising = ("width", "leak", "output_base", "quiet")  # one less would change nothing, or reach beyond a memory
    for number in range(COUNT):
        config = _config(number)
        fast = FastMachine(config)
        value = getattr(fast._constants, field)
        if isinstance(value, bool):
            wrong = not value
        elif field == "slice_lanes":
            wrong = max(1, value // 2)  # more, or a number that divides nothing, would reach beyond a memory
        elif isinstance(value, np.ndarray):
            wrong = value ^ value.dtype.type(1)
        else:
            wrong = value + type(value)(1) if field in rising else value - type(value)(1)
        fast._constants = fast._constants._replace(**{field: wrong})
        try:
            _compare(config, fast)
        except AssertionError:
            return
    raise AssertionError(f"nothing depends on {field}")


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
