"""The rule accumulate against golden: sums, leak, split, pulses and resets, step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.gradient_memory import GradientMemory, GradientParameters
from golden.lfsr import LfsrParameters
from golden.tables import PulseParameters
from golden.update_unit import UpdateUnit
from sim.runner import seed
from training.accumulate import Accumulate, AccumulateParameters
from training.quantize import SPACES

LANES, STEPS = 400, 40

RESETS = AccumulateParameters()
#: Sums of several weight steps, so that there are whole steps, and a leak; no sum is reset.
LEAKS = AccumulateParameters(
    gradient=GradientParameters(bits=13, leak=3), pulse=PulseParameters(6, 1.5, 5), update_shift=9
)


class _Dealt:
    """Random streams that give every lane the word of the step, whatever the number of pulses."""

    words = np.zeros(0, np.int32)

    def draw(self, bits: int) -> np.ndarray:
        """Give the words of all lanes, those of the first devices first."""
        return self.words.reshape(-1)


class _RuleWithGivenWords(Accumulate):
    """The rule with words that are given."""

    dealt: Tensor

    def words(self, at: Tensor) -> Tensor:
        """Give the words of these synapses."""
        return self.dealt[:, at]


def _compare(scheme: str, synapse: str, parameters: AccumulateParameters, golden: AccumulateParameters) -> int:
    """Take the same steps in the rule and in golden's blocks; compare states and sums after each, count switches."""
    rng, space = np.random.default_rng(seed()), SPACES[synapse]
    rule = _RuleWithGivenWords(
        torch.zeros(LANES),
        space,
        torch.Generator().manual_seed(seed()),
        [(1, LANES)],
        replace(parameters, scheme=scheme),
    )
    wide = ArrayParameters(4, 2, synapse, scheme)
    array = SynapseArray(wide, golden.switching, LfsrParameters(), 1)
    # as many lanes as synapses, more than the hardware takes
    object.__setattr__(array.parameters, "lanes", LANES)
    shape = wide.devices, 1, LANES
    array.device_bins, array.stuck = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    states = rule.cells.states.numpy().astype(np.uint8)
    array.r1, array.r2 = states[:1].copy(), (states[1:] if wide.devices == 2 else np.zeros_like(states)).copy()
    array.lfsr = dealt = _Dealt()  # pyright: ignore[reportAttributeAccessIssue]
    memory, unit = GradientMemory(golden.gradient, 1, LANES), UpdateUnit(golden.pulse, golden.switching, space.steps)
    whole = 1 << golden.update_shift
    switches = 0
    for _ in range(STEPS):
        streams = wide.streams_per_lane
        dealt.words = rng.integers(0, 1 << golden.switching.threshold_bits, (streams, LANES)).astype(np.int32)
        rule.dealt = torch.from_numpy(dealt.words)
        # a drift of its own for every synapse, so that sums reach the dead zone, their ends, and turn round
        added = rng.normal(rng.normal(0, 0.1, LANES), 0.2, LANES) * whole
        drive = np.rint(added).astype(np.int64)
        rule.apply(torch.from_numpy(drive).float() * space.dz / whole)
        memory.accumulate(np.array([0]), np.array([1]), drive)
        pulses = list(unit.pulses(memory.sums[0], golden.update_shift))
        memory.leak(0)
        for pulse in pulses:
            switched = array.pulse(0, pulse.increase, pulse.codes)
            memory.switched(0, switched)
            switches += int(switched.sum())
        memory.clear_switched(slice(0, 1))
        expected = np.stack([array.r1[0], array.r2[0]])[: wide.devices]
        np.testing.assert_array_equal(rule.cells.states.numpy(), expected)
        np.testing.assert_array_equal(rule.sums.numpy(), memory.sums[0])
        np.testing.assert_array_equal(rule.weights.numpy(), rule.cells.weights().numpy())
    return switches


@pytest.mark.parametrize("parameters", [RESETS, LEAKS], ids=["resets", "leaks"])
@pytest.mark.parametrize("synapse", ["ternary", "binary"])
@pytest.mark.parametrize("scheme", ["verified", "blind"])
def test_every_step_does_what_golden_does(scheme: str, synapse: str, parameters: AccumulateParameters) -> None:
    assert _compare(scheme, synapse, parameters, parameters) > LANES / 2


@pytest.mark.parametrize(
    "fault",
    [
        replace(RESETS, gradient=replace(RESETS.gradient, reset_on_switch=False)),
        replace(RESETS, gradient=replace(RESETS.gradient, bits=15, leak=15)),
        replace(RESETS, gradient=replace(RESETS.gradient, leak=10)),
        replace(RESETS, pulse=replace(RESETS.pulse, dead_zone=46)),
        replace(RESETS, switching=replace(RESETS.switching, slope=1.6)),
    ],
    ids=["never resets", "saturates early", "leaks", "dead zone", "table"],
)
def test_a_seeded_fault_is_found(fault: AccumulateParameters) -> None:
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        _compare("verified", "ternary", fault, RESETS)


def _rule(**changes: int) -> Accumulate:
    parameters = replace(RESETS, **changes)
    generator = torch.Generator().manual_seed(seed())
    return Accumulate(torch.zeros(LANES), SPACES["ternary"], generator, [(1, LANES)], parameters)


def test_changes_are_rounded_to_the_nearest_sum_and_saturate() -> None:
    rule = _rule()
    unit = 2.0**-15
    rule.apply(torch.tensor([0.4, 0.6, -0.4, -0.6, 1.6]).repeat(LANES // 5) * unit)
    assert rule.sums[:5].tolist() == [0, 1, 0, -1, 2]
    # a weight at its end keeps a saturated sum, and one step the other way takes it down again
    rule.weights.fill_(1)
    rule.cells.states[:] = torch.tensor([[True], [False]])
    rule.apply(torch.full((LANES,), 1e30))
    assert rule.sums.unique().tolist() == [(1 << 15) - 1]
    assert rule.weights.unique().tolist() == [1.0]
    rule.apply(torch.full((LANES,), -10 * unit))
    assert rule.sums.unique().tolist() == [(1 << 15) - 11]


def test_nothing_moves_inside_the_dead_zone() -> None:
    rule = _rule()
    before = rule.cells.states.clone()
    inside = (48 << 15 >> 8) - 1
    rule.apply(torch.full((LANES,), inside / 2**15))
    assert torch.equal(rule.cells.states, before)
    rule.apply(torch.full((LANES,), 1 / 2**15))
    moved = int((rule.cells.states != before).any(dim=0).sum())
    # the weights that can rise, two thirds of them and more, do so with the probability of the table's first pulse
    chance = float(rule.parameters.switching.probabilities.mean(axis=0)[int(rule.codes[48])])
    able = int((before[0].int() - before[1].int() < 1).sum())
    assert abs(moved - able * chance) <= 6 * (able * chance * (1 - chance)) ** 0.5


@pytest.mark.parametrize("shift", [7, 25])
def test_an_update_shift_out_of_range_is_refused(shift: int) -> None:
    with pytest.raises(ValueError, match=f"update_shift must be pulse.nu_bits = 8 .. 24, not {shift}"):
        _rule(update_shift=shift)
