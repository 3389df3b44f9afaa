"""The rule mtj against golden, for every state, sign, code, word, device bin and scheme; and the formulas of GXNOR."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.array.nonideal import NonidealParameters
from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.lfsr import LfsrParameters
from golden.tables import PulseParameters, SwitchingParameters
from golden.update_unit import UpdateUnit
from sim.runner import seed
from training.mtj import DEVICE, Cells, Mtj, MtjParameters, pulse
from training.quantize import SPACES

#: Few enough random words to try all of them.
WORDS = 4
VARIATION = replace(DEVICE, code_bits=3, threshold_bits=WORDS, variation_bins=4, variation=0.05, slope=2.0)
ALIKE = SwitchingParameters(code_bits=4, threshold_bits=WORDS)


class Dealt:
    """Random streams that give chosen words."""

    def __init__(self, words: np.ndarray) -> None:
        self.words = words

    def draw(self, bits: int) -> np.ndarray:
        """Give the words."""
        return self.words


def _golden(
    scheme: str, synapse: str, switching: SwitchingParameters, columns: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Pulse one row of a golden array, a lane per case; give the states of both devices."""
    lanes = len(columns["r1"])
    wide = ArrayParameters(4, 2, synapse, scheme)
    array = SynapseArray(wide, switching, LfsrParameters(), 1)
    # as many lanes as cases, more than the hardware takes
    object.__setattr__(array.parameters, "lanes", lanes)
    devices = wide.devices
    array.device_bins = np.stack([columns["bin_1"], columns["bin_2"]])[:devices, None]
    array.stuck = np.stack([columns["stuck_1"], columns["stuck_2"]]).astype(bool)[:devices, None]
    array.r1, array.r2 = columns["r1"][None].astype(np.uint8), columns["r2"][None].astype(np.uint8)
    words = np.concatenate([columns["word_1"], columns["word_2"]][: wide.streams_per_lane])
    array.lfsr = Dealt(words)  # pyright: ignore[reportAttributeAccessIssue]
    array.pulse(0, columns["increase"].astype(bool), columns["code"].astype(np.uint8))
    return array.r1[0], array.r2[0]


@pytest.mark.parametrize("switching", [ALIKE, VARIATION], ids=["alike", "variation"])
@pytest.mark.parametrize("synapse", ["ternary", "binary"])
@pytest.mark.parametrize("scheme", ["verified", "blind"])
def test_every_pulse_does_what_golden_does(scheme: str, synapse: str, switching: SwitchingParameters) -> None:
    """All states, signs, codes and words of both devices, exhaustively; device bins and stuck devices too."""
    two = synapse == "ternary"
    rng = np.random.default_rng(seed())
    ranges = {
        "r1": range(2),
        "r2": range(2) if two else range(1),
        "increase": range(2),
        "code": range(1, switching.codes),
        "word_1": range(1 << WORDS),
        "word_2": range(1 << WORDS) if two and scheme == "blind" else range(1),
        "bin_1": range(switching.variation_bins),
    }
    cases = np.array(list(itertools.product(*ranges.values())))
    columns = dict(zip(ranges, cases.T, strict=True))
    columns["bin_2"] = rng.integers(0, switching.variation_bins, len(cases))
    for device in (1, 2):
        columns[f"stuck_{device}"] = rng.random(len(cases)) < 0.1
    states = torch.tensor(np.stack([columns["r1"], columns["r2"]][: 1 + two])).bool()
    cells = Cells(
        states,
        torch.tensor(np.stack([columns["bin_1"], columns["bin_2"]])[: 1 + two]),
        torch.tensor(np.stack([columns["stuck_1"], columns["stuck_2"]])[: 1 + two]),
    )
    words = np.stack([columns["word_1"], columns["word_2"]])[: 1 + (two and scheme == "blind")]
    pulse(
        cells,
        MtjParameters(scheme, switching),
        torch.tensor(switching.bin_thresholds.astype(np.int32).reshape(-1)),
        torch.arange(len(cases)),
        torch.tensor(columns["increase"]).bool(),
        torch.tensor(columns["code"]),
        torch.tensor(words.astype(np.int32)),
    )
    for found, expected in zip(cells.states, _golden(scheme, synapse, switching, columns), strict=False):
        np.testing.assert_array_equal(found.numpy(), expected)


def _rule(parameters: MtjParameters, count: int, space: str = "ternary") -> Mtj:
    generator = torch.Generator().manual_seed(seed())
    return Mtj(torch.zeros(count), SPACES[space], generator, [(count, 1)], parameters)


@pytest.mark.parametrize("dead_zone", [0, 6])
@pytest.mark.parametrize("nu_bits", [5, 8])
def test_changes_are_split_as_the_update_unit_splits_them(nu_bits: int, dead_zone: int) -> None:
    parameters = MtjParameters(pulse=PulseParameters(nu_bits, 3.0, dead_zone))
    rate = 12
    unit = UpdateUnit(parameters.pulse, parameters.switching, steps=2)
    sums = np.arange(0, 3 << rate).astype(np.int32)
    kappa, nu = unit.split(sums, rate)
    rule = _rule(parameters, 4)
    for sign in (1, -1):
        whole, index = rule.split(torch.tensor(sign * sums / 2**rate))
        np.testing.assert_array_equal(whole.numpy(), kappa)
        np.testing.assert_array_equal(index.numpy(), nu)
    np.testing.assert_array_equal(rule.codes.numpy(), unit.table)


def _chances(rule: Mtj, state: tuple[int, int], change: float) -> dict[float, float]:
    """Exact distribution of the weight after a change: the rule's own pulses, over all random words."""
    p = rule.parameters
    bits = p.switching.threshold_bits
    streams = 2 if p.scheme == "blind" else 1
    full = 1 << bits
    grid = np.stack(np.meshgrid(*[np.arange(full)] * streams, indexing="ij")).reshape(streams, -1)
    cells = Cells(torch.tensor(state).bool()[:, None].repeat(1, grid.shape[1]), None, None)
    whole, index = rule.split(torch.tensor([change]))
    code = int(rule.codes[index])
    assert float(whole) == 0, "whole steps are certain, and not what is asked here"
    if code:
        at = torch.arange(grid.shape[1])
        increase, codes = torch.full(at.shape, change >= 0), torch.full(at.shape, code)
        pulse(cells, p, rule.thresholds, at, increase, codes, torch.tensor(grid.astype(np.int32)))
    values, counts = np.unique(cells.weights().numpy(), return_counts=True)
    return dict(zip(values.tolist(), (counts / grid.shape[1]).tolist(), strict=True))


@pytest.mark.parametrize("model", ["ideal", "erf"])
def test_transitions_are_those_of_golden_and_of_gxnor(model: str) -> None:
    """Verified: every state, sign and index of |nu| moves by one step with T / 2^B, and that is tanh(m |nu|) nearly."""
    switching = replace(DEVICE, model=model, threshold_bits=12)
    parameters = MtjParameters(switching=switching)
    rule = _rule(parameters, 4)
    codes = parameters.pulse.codes(switching)
    residual = parameters.pulse.residual(switching)
    size = 1 << parameters.pulse.nu_bits
    for r1, r2, sign, index in itertools.product(range(2), range(2), (1, -1), range(0, size, 3)):
        state = r1, r2
        weight = state[0] - state[1]
        target = weight + sign
        found = _chances(rule, state, sign * (index + 0.5) / size)
        # towards a larger weight R2 goes antiparallel where it can, else R1 parallel; and the reverse
        antiparallel = state[1] == 1 if sign > 0 else state[0] == 1
        golden = switching.thresholds[0 if antiparallel else 1, codes[index]] / (1 << switching.threshold_bits)
        if abs(target) > 1:
            assert found == {weight: 1.0}
            continue
        assert found.get(target, 0.0) == golden
        assert found.get(weight, 0.0) == 1 - golden
        assert abs(golden - math.tanh(3 * index / size)) <= residual
    # all codes but the last are spaced densely up to tanh(slope), where training asks; beyond, the spacing decides
    dense = int(size * switching.slope / 3 * 0.95)
    psi = np.tanh(3 * np.arange(dense) / size)
    assert np.abs(switching.probabilities.mean(axis=0)[codes[:dense]] - psi).max() < 0.01


def test_a_blind_write_pulses_both_devices() -> None:
    parameters = MtjParameters("blind", SwitchingParameters(threshold_bits=6, slope=3.0))
    rule = _rule(parameters, 4)
    change = 0.2
    p = float(parameters.switching.probabilities[0, int(rule.codes[int(change * 256)])])
    found = _chances(rule, (0, 1), change)
    assert found == pytest.approx({-1.0: (1 - p) ** 2, 0.0: 2 * p * (1 - p), 1.0: p * p})


@pytest.mark.parametrize("space", ["ternary", "binary"])
@pytest.mark.parametrize("scheme", ["verified", "blind"])
def test_projection_of_many_weights_has_the_tables_probabilities(scheme: str, space: str) -> None:
    """The whole rule, words drawn by its own generator: frequencies within six standard deviations."""
    count = 200_000
    parameters = MtjParameters(scheme)
    for change in (0.01, -0.1, 0.7, -1.0, -1.3):
        rule = _rule(parameters, count, space)
        before, states = rule.weights.clone(), rule.cells.states.clone()
        rule.apply(torch.full((count,), change * SPACES[space].dz))
        np.testing.assert_array_equal(rule.weights, rule.cells.weights())
        direction = 1 if change > 0 else -1
        assert bool(((rule.weights - before) * direction >= 0).all())
        code = int(rule.codes[math.floor(abs(change) % 1 * 256)])
        whole = int(abs(change))
        chance = parameters.switching.thresholds[:, code] / (1 << parameters.switching.threshold_bits)
        for device, flipped in enumerate(states != rule.cells.states):
            parallel = (change > 0) == (device == 0)
            # alone with the one pulse of the fraction: the other device is at its end, and there is no whole step
            ready = states[device] != parallel
            if scheme == "verified" and len(states) == 2:
                other = states[1 - device]
                ready &= (other == (not parallel)) if parallel else torch.ones_like(ready)
            if whole:
                if len(states) == 1 or scheme == "blind":
                    assert float(flipped[ready].float().mean()) > 0.98
                continue
            expected = float(chance[int(parallel)])
            n = int(ready.sum())
            assert abs(int(flipped[ready].sum()) - n * expected) <= 6 * math.sqrt(n * expected * (1 - expected)) + 1


def test_stuck_devices_keep_their_state_and_are_goldens() -> None:
    nonideal = NonidealParameters(seed=seed(), stuck_parallel=0.1, stuck_antiparallel=0.2)
    rows, lanes = 30, 40
    rule = Mtj(
        torch.zeros(rows * lanes),
        SPACES["ternary"],
        torch.Generator().manual_seed(seed()),
        [(rows, lanes)],
        MtjParameters(nonideal=nonideal),
    )
    stuck, states = nonideal.stuck_devices(rows, lanes, 2)
    assert rule.cells.stuck is not None
    np.testing.assert_array_equal(rule.cells.stuck.numpy().reshape(2, lanes, rows).transpose(0, 2, 1), stuck)
    for change in (1.0, -1.0, 0.3):
        rule.apply(torch.full((rows * lanes,), change))
        now = rule.cells.states.numpy().reshape(2, lanes, rows).transpose(0, 2, 1)
        np.testing.assert_array_equal(now[stuck], states[stuck].astype(bool))


def test_layers_are_different_specimens() -> None:
    rule = Mtj(
        torch.zeros(800),
        SPACES["ternary"],
        torch.Generator().manual_seed(seed()),
        [(20, 20), (20, 20)],
        MtjParameters(switching=VARIATION),
    )
    assert rule.cells.device_bins is not None
    first, second = rule.cells.device_bins.split(400, dim=1)
    assert not torch.equal(first, second)


def test_temperature_of_the_array_moves_probabilities_and_not_widths() -> None:
    cold, hot = (MtjParameters(temperature=t).thresholds.astype(np.int64) for t in (250.0, 350.0))
    same = MtjParameters(temperature=300.0).thresholds
    np.testing.assert_array_equal(same, DEVICE.bin_thresholds)
    # more thermal variation of the initial angle: short pulses switch more often
    assert (hot[..., 1:30] > cold[..., 1:30]).all()
