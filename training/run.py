"""A training run: network, rule, data and generator, step by step."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gen import config as configs
from golden.dense import Dense
from training import devices
from training.accumulate import Accumulate, AccumulateParameters
from training.augment import Augmentation
from training.data import Images
from training.errors import TrainingError
from training.export import evaluate, fold
from training.mtj import Mtj, MtjParameters
from training.networks import Network, squared_hinge
from training.optimizers import Adam, Averaged, Descent, Scaled
from training.quantize import SPACES
from training.rules import Bop, Gxnor, Rule, Ste
from training.settings import Settings

#: Samples that are tested at a time.
_TEST_BATCH = 500


@dataclass
class RunProgress:
    """Where a run stands.

    Attributes
    ----------
    epoch, step : int
        The next step, from 0.
    seconds : float
        Time so far.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0


class Run:
    """A run that can be advanced, saved and taken up.

    Parameters
    ----------
    settings : Settings
        Everything that decides it.
    images : Images
        The data set.
    device : torch.device
        Where it runs.

    Attributes
    ----------
    network : Network
        The network, its weights views of `weights`.
    weights : Tensor, shape (n,)
        All weights.
    rule : Rule
        How they change.
    at : RunProgress
        Where the run stands.
    curve : list of dict
        Of every epoch: loss, train_accuracy, test_accuracy, changed (mean share of weights that a step changed).
    """

    def __init__(self, settings: Settings, images: Images, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.dtype = getattr(torch, settings.precision)
        self._images(images)
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        self.network = network_of(settings, images.shape).to(device)
        self._flatten()
        self.rule = self._make_rule()
        self.descent = self._make_descent()
        rest = [value for name, value in self.network.named_parameters() if "synapses" not in name]
        self.norms = torch.optim.Adam(rest, lr=settings.norm_rate)
        self._augment = Augmentation(settings.augment)
        self.at = RunProgress()
        self.curve: list[dict[str, float]] = []
        # of the epoch under way: loss, correct predictions and changed weights, summed over steps
        self._sums = torch.zeros(3, dtype=torch.float64, device=device)
        self._order = -1, torch.zeros(0)

    def _images(self, images: Images) -> None:
        """Take the data to the device."""
        settings = self.settings
        count = len(images.train_labels)
        if settings.samples > count:
            raise TrainingError(f"samples must be 0 .. {count}, not {settings.samples}")
        self.samples = settings.samples or count
        if settings.batch > self.samples:
            raise TrainingError(f"batch must be at most the {self.samples} training samples, not {settings.batch}")
        self.steps = self.samples // settings.batch
        train, test = images.train_images[: self.samples], images.test_images
        if settings.config:
            coding = configs.load(settings.config).input
            train, test = (coding.trits(part.reshape(len(part), -1))[:, :, None, None] for part in (train, test))
        self.train_images, self.test_images = (torch.tensor(part, device=self.device) for part in (train, test))
        self.train_labels = torch.tensor(images.train_labels[: self.samples], device=self.device)
        self.test_labels = torch.tensor(images.test_labels, device=self.device)

    def _flatten(self) -> None:
        """Make all weights, and all their gradients, parts of one tensor."""
        parts = [synapses.weight for synapses in self.network.synapses]
        self.weights = torch.zeros(sum(part.numel() for part in parts), device=self.device)
        self._gradient = torch.zeros_like(self.weights)
        first = 0
        for part in parts:
            cut = slice(first, first + part.numel())
            part.data, part.grad = self.weights[cut].view(part.shape), self._gradient[cut].view(part.shape)
            first = cut.stop

    def _make_rule(self) -> Rule:
        settings = self.settings
        space = SPACES[settings.weights]
        if settings.rule in ("mtj", "accumulate"):
            shapes = [(synapses.fan_in, synapses.weight.shape[0]) for synapses in self.network.synapses]
            rest = self.weights, space, self.generator, shapes
            if settings.rule == "mtj":
                return Mtj(*rest, devices.parse(settings.devices, MtjParameters))
            return Accumulate(*rest, devices.parse(settings.devices, AccumulateParameters))
        return {"gxnor": Gxnor, "ste": Ste, "bop": Bop}[settings.rule](self.weights, space, self.generator)

    def _make_descent(self) -> Descent:
        """What turns gradients into changes: rules that gather themselves take them plain."""
        sizes = [synapses.weight.numel() for synapses in self.network.synapses]
        if self.settings.rule == "accumulate":
            return Scaled(sizes, self.device)
        return Averaged(sizes, self.device) if self.settings.rule == "bop" else Adam(self.weights)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the run's course, by name."""
        return asdict(self.settings) | {"layers": self.network.text, "device": self.device.type}

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self.at.epoch >= self.settings.epochs

    def inputs(self, images: Tensor, dtype: torch.dtype) -> Tensor:
        """Pixels as odd numbers -255 .. 255, which are exact in every precision; trits as they are."""
        return images.to(dtype) if self.settings.config else images.to(dtype).mul_(2).sub_(255)

    def _rate(self) -> float:
        """Share of the first learning rate in the present step."""
        settings = self.settings
        done = (self.at.epoch + self.at.step / self.steps) / settings.epochs
        return (settings.rate_end / settings.rate) ** done

    def _chosen(self) -> Tensor:
        """Numbers of the samples of the present step."""
        if self._order[0] != self.at.epoch:
            drawn = np.random.default_rng([self.settings.seed, self.at.epoch]).permutation(self.samples)
            self._order = self.at.epoch, torch.from_numpy(drawn).to(self.device)
        first = self.at.step * self.settings.batch
        return self._order[1][first : first + self.settings.batch]

    def advance(self) -> None:
        """Do one step."""
        with memory_errors(self.settings.batch):
            self._step()
        self.at.step += 1

    def _step(self) -> None:
        settings, falling = self.settings, self._rate()
        chosen = self._chosen()
        images, labels = self._augment(self.train_images[chosen], self.generator), self.train_labels[chosen]
        self._gradient.zero_()
        self.norms.zero_grad()
        self.norms.param_groups[0]["lr"] = settings.norm_rate * falling
        scores = self.network(self.inputs(images, self.dtype), self.dtype)
        loss = squared_hinge(scores, labels)
        loss.backward()
        self.norms.step()
        moved = self.rule.apply(self.descent.change(self._gradient, settings.rate * falling))
        self._sums += torch.stack([loss.detach(), (scores.argmax(1) == labels).sum(), moved]).double()

    def loss(self) -> float:
        """Mean loss of the epoch so far.

        Raises
        ------
        TrainingError
            If it is not a number any more.
        """
        loss = float(self._sums[0]) / max(self.at.step, 1)
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {self.at.epoch + 1}, step {self.at.step}: lower RATE or NORM_RATE"
            )
        return loss

    def end_epoch(self) -> None:
        """Test, and enter the epoch in the curve."""
        _, correct, changed = (self._sums / self.steps).tolist()
        self.curve.append(
            {
                "loss": self.loss(),
                "train_accuracy": correct / self.settings.batch,
                "test_accuracy": self.test(),
                "changed": changed / len(self.weights),
            }
        )
        self._sums.zero_()
        self.at.epoch += 1
        self.at.step = 0

    @torch.no_grad()
    def test(self) -> float:
        """Accuracy on the test set, in float32; of a network for the machine: in the machine's integers."""
        if self.settings.config:
            predictions = evaluate(self.dense(), self.test_images.flatten(1))
            return float((predictions == self.test_labels.cpu().numpy()).mean())
        self.network.eval()
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        with memory_errors(_TEST_BATCH):
            for images, labels in zip(
                self.test_images.split(_TEST_BATCH), self.test_labels.split(_TEST_BATCH), strict=True
            ):
                scores = self.network(self.inputs(images, torch.float32))
                correct += (scores.argmax(1) == labels).sum()
        self.network.train()
        return int(correct) / len(self.test_labels)

    def dense(self) -> Dense:
        """Fold the network of a configuration into the machine's integers."""
        return fold(self.network, configs.load(self.settings.config).input, self.settings.dataset)[0]

    def state(self) -> dict[str, Any]:
        """Everything that a checkpoint needs."""
        return {
            "at": asdict(self.at),
            "curve": self.curve,
            "sums": self._sums,
            "network": self.network.state_dict(),
            "rule": self.rule.state(),
            "descent": self.descent.state(),
            "norms": self.norms.state_dict(),
            "generator": self.generator.get_state().cpu(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.at, self.curve = RunProgress(**state["at"]), list(state["curve"])
        self._sums.copy_(state["sums"])
        self.network.load_state_dict(state["network"])
        self.rule.restore(state["rule"])
        self.descent.restore(state["descent"])
        self.norms.load_state_dict(state["norms"])
        self.generator.set_state(state["generator"].cpu())


def network_of(settings: Settings, shape: tuple[int, int, int]) -> Network:
    """Make the network of a run, for images of a shape."""
    text = settings.network
    if settings.config:
        machine = configs.load(settings.config)
        if settings.activations != "ternary" or settings.weights != machine.array.synapse:
            raise TrainingError(
                f"the configuration {settings.config} has ternary activations and {machine.array.synapse} weights, not "
                f"{settings.activations} activations and {settings.weights} weights"
            )
        inputs, *hidden, classes = machine.sizes
        text, shape = "-".join([*(f"{size}FC" for size in hidden), str(classes)]), (inputs, 1, 1)
    return Network(text, shape, width=settings.width, activations=settings.activations, layout=settings.layout)


@contextmanager
def memory_errors(batch: int) -> Iterator[None]:
    """Say in one line that a batch does not fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # the allocator of the host has no exception of its own
        if isinstance(error, RuntimeError) and not re.search("out of memory|can't allocate memory", str(error)):
            raise
        raise TrainingError(f"a batch of {batch} samples does not fit into memory: lower batch, or width") from error
