"""The rules gxnor, ste and bop against their formulas."""

import math

import numpy as np
import pytest
import torch

from sim.runner import seed
from training.quantize import SPACES
from training.rules import Bop, Gxnor, Ste

COUNT = 200_000


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(seed())


@pytest.mark.parametrize("space", ["ternary", "binary"])
@pytest.mark.parametrize("change", [0.0, 0.003, -0.02, 0.3, -0.9, 1.0, 1.4, -2.7])
def test_gxnor_moves_as_the_paper_says(space: str, change: float) -> None:
    """Clip so that W + dW stays in the space; kappa = fix(dW / dz), nu = rem(dW, dz), psi = tanh(3 |nu| / dz)."""
    dz = SPACES[space].dz
    rule = Gxnor(torch.zeros(COUNT), SPACES[space], _generator())
    before = rule.weights.clone()
    rule.apply(torch.full((COUNT,), change))
    for weight in before.unique().tolist():
        at = before == weight
        clipped = min(max(weight + change, -1), 1) - weight
        kappa = math.trunc(clipped / dz)
        nu = clipped - kappa * dz
        psi = math.tanh(3 * abs(nu) / dz)
        stay, step = weight + kappa * dz, weight + (kappa + math.copysign(1, nu)) * dz
        moved = rule.weights[at]
        n, stepped = len(moved), int((moved == step).sum()) if psi else 0
        assert stepped + int((moved == stay).sum()) == n
        if abs(weight + change) <= 1:
            assert abs(stepped - n * psi) <= 6 * math.sqrt(n * psi * (1 - psi)) + 1
        else:
            # a step out of the space is none: clipping first or last is the same
            assert set(moved.tolist()) == {math.copysign(1.0, change)}


def test_weights_begin_evenly_in_the_space() -> None:
    for name, space in SPACES.items():
        for rule in (Gxnor, Bop, Ste):
            weights = torch.zeros(COUNT)
            rule(weights, space, _generator())
            values, counts = np.unique(weights.numpy(), return_counts=True)
            assert values.tolist() == {"ternary": [-1.0, 0.0, 1.0], "binary": [-1.0, 1.0]}[name]
            if rule is not Ste:
                assert np.abs(counts / COUNT - 1 / len(values)).max() < 0.01


def test_ste_rounds_a_hidden_weight() -> None:
    rule = Ste(torch.zeros(3), SPACES["ternary"], _generator())
    rule.restore({"hidden": torch.tensor([0.45, -0.45, 0.9])})
    rule.apply(torch.tensor([0.1, 0.1, 0.3]))
    assert rule.weights.tolist() == [1.0, 0.0, 1.0]
    np.testing.assert_allclose(rule.state()["hidden"], [0.55, -0.35, 1.0], rtol=1e-6)
    rule.apply(torch.tensor([-0.1, -0.2, -0.45]))
    assert rule.weights.tolist() == [0.0, -1.0, 1.0]


@pytest.mark.parametrize("space", ["ternary", "binary"])
def test_bop_steps_beyond_its_threshold_and_no_further_than_the_end(space: str) -> None:
    rule = Bop(torch.zeros(COUNT), SPACES[space], _generator())
    before = rule.weights.clone()
    averages = torch.tensor([0.0, 1.0, -1.0, 1.001, -1.001]).repeat(COUNT // 5) * Bop.THRESHOLD
    moved = rule.apply(averages)
    direction = torch.tensor([0.0, 0.0, 0.0, 1.0, -1.0]).repeat(COUNT // 5)
    assert torch.equal(rule.weights, (before + SPACES[space].dz * direction).clamp(-1, 1))
    assert int(moved) == int((rule.weights != before).sum()) > COUNT / 6


def test_the_same_seed_gives_the_same_weights() -> None:
    found = []
    for _ in range(2):
        rule = Gxnor(torch.zeros(1000), SPACES["ternary"], _generator())
        rule.apply(torch.linspace(-0.5, 0.5, 1000))
        found.append(rule.weights)
    assert torch.equal(*found)
