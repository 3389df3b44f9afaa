"""The golden machine with a second model, written from the contract alone, over random configurations."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cocotb_tests.golden import contract_model
from cocotb_tests.golden.contract_model import COUNTERS, ContractModel
from cocotb_tests.kit.random_data import random_samples
from gen import config as named
from golden.config import MachineConfig
from golden.machine import Machine
from golden.tables import SwitchingParameters
from sim.random_config import random_config
from sim.runner import seed


def _ideal(number: int) -> MachineConfig:
    """Make a random configuration whose switching is GXNOR's tanh: the contract says nothing of physics.

    Every other one takes the largest steps that there are, so that sums of one or two whole steps occur.
    """
    config = random_config(seed(), 1000 + number)
    s, pulse, training = config.switching, config.pulse, config.training
    if number // 4 % 2:
        pulse = replace(pulse, nu_bits=1, dead_zone=0)
        training = replace(training, update_shifts=(1,) * (len(config.sizes) - 1))
    ideal = SwitchingParameters("ideal", s.code_bits, s.threshold_bits, s.slope)
    return replace(config, switching=ideal, pulse=pulse, training=training)


def _compare(golden: Machine, model: ContractModel) -> int:
    """Compare states and counters; return how many numbers."""
    config, state = golden.config, golden.state()
    devices = np.array(model.devices).transpose(1, 0, 2)
    pairs = [(state["r1"], devices[0]), (state["r2"], devices[1]), (state["gradient"], np.array(model.sums))]
    pairs.append((state["random"].astype(np.uint64), np.array(model.streams.states, np.uint64)))
    for layer, size in enumerate(config.sizes[1:]):
        first = config.geometry.group_base[layer + 1] * config.array.group
        pairs.append((state["offset"][first : first + size], np.array(model.offset[layer])))
        if layer < len(config.sizes) - 2:
            pairs.append((state["scale"][first : first + size], np.array(model.scale[layer])))
    for mine, other in pairs:
        np.testing.assert_array_equal(mine, other)
    assert {name: golden.counters[name] for name in COUNTERS} == model.counters
    return sum(mine.size for mine, _ in pairs) + len(COUNTERS)


def _run(config: MachineConfig, batches: int = 4) -> int:
    """Form, train and test both; return how many numbers were equal."""
    golden, model = Machine(config), ContractModel(asdict(config))
    golden.initialise()
    compared = _compare(golden, model)
    batch, shifts = config.training.batch, config.training.update_shifts
    for number in range(batches):
        samples = random_samples(config, batch, number)
        found = [model.present(sample.trits.tolist(), int(sample.label), True) for sample in samples]
        model.update(list(shifts))
        assert golden.train(samples, batch, shifts).tolist() == found
        compared += _compare(golden, model) + batch
    samples = random_samples(config, 5, batches)
    found = [model.present(sample.trits.tolist(), int(sample.label), False) for sample in samples]
    assert golden.test(samples).tolist() == found
    return compared + _compare(golden, model) + 5


@pytest.mark.parametrize("number", range(24))
def test_random_configurations(number: int) -> None:
    """Both synapses and schemes, folded and padded layers, slices, all shifts: every number is equal."""
    assert _run(_ideal(number)) > 100


@pytest.mark.parametrize("scheme", ["blind", "verified"])
@pytest.mark.parametrize("synapse", ["ternary", "binary"])
def test_tiny(synapse: str, scheme: str) -> None:
    """The smallest named configuration, long enough for all that it does to happen."""
    tiny = named.load("tiny")
    _run(replace(tiny, array=replace(tiny.array, synapse=synapse, scheme=scheme)), 30)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(24, 324))
def test_more_random_configurations(number: int) -> None:
    """Three hundred more."""
    _run(_ideal(number))


def _wrong(source: str, replacement: str) -> Callable[..., Any]:
    """Compile the model with a fault in its text."""
    text = Path(contract_model.__file__).read_text()
    assert text.count(source) == 1, source
    names: dict[str, Any] = {"__name__": "faulty"}
    exec(compile(text.replace(source, replacement), "faulty", "exec"), names)
    return names["ContractModel"]


@pytest.mark.parametrize(
    ("source", "replacement"),
    [
        ("// 2**64 | 1", "// 2**64"),
        ("(1 << q >> 1)", "0"),
        ("-1 - g for g", "-g for g"),
        ("abs(abs(t) - th) <= ", "abs(abs(t) - th) < "),
        ("if v < pulse", "if v <= pulse"),
        ("(1,) if r2 == 1 else (0,) if r1 == 0", "(0,) if r1 == 0 else (1,) if r2 == 1"),
        ("min(a >> p, 1 if self.binary else 2)", "min(a >> p, 1)"),
        ("t.index(max(t))", "len(t) - 1 - t[::-1].index(max(t))"),
        ("words[device][lane] < ", "words[device][lane] <= "),
        ("on_lane // self.lanes * high + on_row", "on_lane // self.lanes + on_row"),
        ("-self.limit, self.limit) if", "-self.limit - 1, self.limit) if"),
        ("first += words[: self.slice]", "first += words[: self.slice][::-1]"),
    ],
)
def test_faults(source: str, replacement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is wrong in one rule differs from golden in some of these configurations."""
    monkeypatch.setattr("cocotb_tests.golden.test_contract.ContractModel", _wrong(source, replacement))
    differ = 0
    for number in range(24):
        try:
            _run(_ideal(number))
        except (AssertionError, IndexError):
            differ += 1
    assert differ
