"""Sources of changes against their formulas."""

import numpy as np
import pytest
import torch

from training.optimizers import Adam, Averaged, Scaled

SIZES = [30, 20]
CPU = torch.device("cpu")


def _gradients(count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(50, generator=generator) for _ in range(count)]


def test_adam_is_pytorchs() -> None:
    weight = torch.zeros(50, requires_grad=True)
    reference = torch.optim.Adam([weight], lr=0.01, betas=Adam.BETAS)
    mine, total = Adam(weight.detach()), torch.zeros(50)
    for gradient in _gradients(20):
        weight.grad = gradient
        reference.step()
        total += mine.change(gradient, 0.01)
    np.testing.assert_allclose(total, weight.detach(), rtol=1e-4, atol=1e-6)


def _rms(gradients: list[torch.Tensor]) -> np.ndarray:
    """Each layer's running rms after some steps, for every weight."""
    weights = np.array([Scaled.BETA ** (len(gradients) - 1 - step) for step in range(len(gradients))])
    parts = [np.split(gradient.numpy().astype(np.float64), [SIZES[0]]) for gradient in gradients]
    squares = np.array([[(part**2).mean() for part in step] for step in parts])
    return np.repeat(np.sqrt((weights[:, None] * squares).sum(axis=0) / weights.sum()), SIZES)


def test_a_gradient_of_its_layers_rms_asks_for_one_rate() -> None:
    gradients = [gradient * torch.tensor([1.0] * 30 + [1e-3] * 20) for gradient in _gradients(5)]
    scaled = Scaled(SIZES, CPU)
    for step, gradient in enumerate(gradients):
        change = scaled.change(gradient, 0.02)
        np.testing.assert_allclose(change, -0.02 * gradient.numpy() / _rms(gradients[: step + 1]), rtol=1e-4)


def test_an_average_forgets_at_its_rate() -> None:
    averaged, expected = Averaged(SIZES, CPU), np.zeros(50)
    gradients = _gradients(6)
    for step, gradient in enumerate(gradients):
        expected = 0.9 * expected - 0.1 * gradient.numpy() / _rms(gradients[: step + 1])
        np.testing.assert_allclose(averaged.change(gradient, 0.1), expected, rtol=1e-4, atol=1e-6)


def test_a_layer_without_gradient_asks_for_nothing() -> None:
    assert Scaled(SIZES, CPU).change(torch.zeros(50), 0.1).abs().max() == 0


@pytest.mark.parametrize("kind", ["adam", "scaled", "averaged"])
def test_what_is_restored_goes_on_as_if_nothing_had_been(kind: str) -> None:
    def make() -> Adam | Scaled | Averaged:
        return {"adam": Adam(torch.zeros(50)), "scaled": Scaled(SIZES, CPU), "averaged": Averaged(SIZES, CPU)}[kind]

    first, second = make(), make()
    gradients = _gradients(4)
    for gradient in gradients[:3]:
        first.change(gradient, 0.1)
    second.restore(first.state())
    assert torch.equal(first.change(gradients[3], 0.1), second.change(gradients[3], 0.1))
