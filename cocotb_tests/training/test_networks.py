"""Networks, activations and loss."""

import pytest
import torch
import torch.nn.functional as F

from training.errors import TrainingError
from training.networks import PUBLISHED, Network, parameters, squared_hinge
from training.quantize import SPACES, activate


def test_published_networks_have_their_published_sizes() -> None:
    mnist = Network(PUBLISHED["mnist"], (1, 28, 28))
    shapes = [tuple(synapses.weight.shape) for synapses in mnist.synapses]
    assert shapes == [(32, 1, 5, 5), (64, 32, 5, 5), (512, 64 * 4 * 4), (10, 512)]
    cifar = Network(PUBLISHED["cifar10"], (3, 32, 32))
    shapes = [tuple(synapses.weight.shape) for synapses in cifar.synapses]
    assert shapes == [
        (128, 3, 3, 3),
        (128, 128, 3, 3),
        (256, 128, 3, 3),
        (256, 256, 3, 3),
        (512, 256, 3, 3),
        (512, 512, 3, 3),
        (1024, 512 * 4 * 4),
        (10, 1024),
    ]
    weights = sum(synapses.weight.numel() for synapses in cifar.synapses)
    # scale and shift of every hidden neuron and of the last layer as a whole, and a shift of every class
    assert parameters(cifar) == weights + 2 * (2 * 128 + 2 * 256 + 2 * 512 + 1024) + 2 + 10


def test_a_factor_narrows_every_layer_but_the_last() -> None:
    assert Network(PUBLISHED["cifar10"], (3, 32, 32), width=0.25).text == (
        "32C3-32C3-MP2-64C3-64C3-MP2-128C3-128C3-MP2-256FC-10"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "32X5-10": "'32X5' is none of nCk",
        "MP2-10": "MP2 must follow a convolution",
        "8FC-MP2-10": "MP2 must follow a convolution",
        "8FC-8C3-10": "8C3 follows a dense layer",
        "8C5-MP2-8C5-MP2-8C5-10": "must end with a number of classes and fit",
        "8C3-8FC": "must end with a number of classes",
    }.items(),
)
def test_a_wrong_network_is_refused(text: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        Network(text, (1, 16, 16))


def test_activations_and_their_windows() -> None:
    x = torch.tensor([-2.0, -1.01, -1.0, -0.5, -0.49, 0.0, 0.49, 0.5, 1.0, 1.01], requires_grad=True)
    y = activate(x, "ternary")
    y.sum().backward()
    assert y.tolist() == [-1, -1, -1, -1, 0, 0, 0, 1, 1, 1]
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1, 0]
    z = activate(x, "binary")
    assert z.tolist() == [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_ternary_activations_are_exact_at_their_bounds(dtype: torch.dtype) -> None:
    """Every bfloat16 that is a number, and every float32 within 1000 steps of a bound, against the definition."""
    if dtype == torch.bfloat16:
        x = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int16).view(dtype)
    else:
        near = torch.tensor([0.5, 1.0]).view(torch.int32)[:, None] + torch.arange(-1000, 1001, dtype=torch.int32)
        x = torch.cat([near.flatten().view(dtype), -near.flatten().view(dtype)])
    x = x[x.isfinite()].requires_grad_()
    y = activate(x, "ternary")
    y.backward(torch.full_like(y, 3.0))
    assert y.dtype == dtype
    assert torch.equal(y, (x >= 0.5).to(dtype) - (x <= -0.5).to(dtype))
    assert x.grad is not None
    assert torch.equal(x.grad, ((x.detach().double().abs() - 0.5).abs() <= 0.5).to(dtype) * 3)


def test_spaces_round_to_the_nearest() -> None:
    x = torch.tensor([-1.7, -0.6, -0.4, 0.4, 0.6, 1.2])
    assert SPACES["ternary"].nearest(x).tolist() == [-1, -1, 0, 0, 1, 1]
    assert SPACES["binary"].nearest(x).tolist() == [-1, -1, -1, 1, 1, 1]


def test_squared_hinge_by_hand() -> None:
    scores = torch.tensor([[0.5, -2.0, 0.0]])
    assert float(squared_hinge(scores, torch.tensor([0]))) == pytest.approx((0.25 + 0 + 1) / 3)
    assert float(squared_hinge(scores, torch.tensor([1]))) == pytest.approx((2.25 + 9 + 1) / 3)


def test_bfloat16_is_exact_where_sums_reach_256_at_most() -> None:
    """Trits and pixels are exact operands; sums of up to 256 trits come out exact as well."""
    generator = torch.Generator().manual_seed(1)
    x, w = (torch.randint(-1, 2, shape, generator=generator).float() for shape in ((8, 28, 12, 12), (16, 28, 3, 3)))
    exact = F.conv2d(x, w)
    assert torch.equal(F.conv2d(x.bfloat16(), w.bfloat16()).float(), exact)
    pixels = torch.arange(256)
    assert torch.equal((pixels.bfloat16() * 2 - 255).float(), pixels.float() * 2 - 255)


def test_the_last_layer_has_one_scale() -> None:
    network = Network("8FC-3", (1, 2, 2))
    network.eval()
    sums = torch.tensor([[3.0, -1.0, 2.0]])
    network.output.synapses.weight.data[:] = torch.eye(3, 8)
    scores = network.output(F.pad(sums, (0, 5)), torch.float32, network.layout)
    assert scores.argmax() == sums.argmax()
    assert float((scores[0, 0] - scores[0, 1]).detach()) == pytest.approx(4, rel=1e-4)
