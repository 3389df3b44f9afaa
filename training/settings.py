"""Everything that decides a run, and the recipe of every data set."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from training.augment import Augmentation
from training.errors import TrainingError
from training.networks import LAYOUTS, PUBLISHED
from training.quantize import SPACES

RULES = ("gxnor", "mtj", "accumulate", "ste", "bop")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """A run as a pure function: the same settings on the same device give the same weights, bit for bit.

    Attributes
    ----------
    dataset : str
        ``mnist``, ``cifar10`` or ``svhn``.
    rule : str
        ``gxnor``, ``mtj``, ``accumulate``, ``ste`` or ``bop``.
    seed : int
        Of weights, draws, sample order and augmentation.
    network : str
        Layers as in the literature.
    config : str
        A configuration of the machine whose layers and input coding are used in the place of `network`, or nothing.
    width : float
        Factor of channels and hidden neurons.
    weights, activations : str
        ``ternary`` or ``binary``.
    samples : int
        Training samples used, the first ones; 0 for all.
    epochs, batch : int
        Passes, and samples per step.
    rate, rate_end : float
        Learning rate of the weights in the first and the last step, falling exponentially.
    norm_rate : float
        Learning rate of batch normalisation in the first step; it falls likewise.
    augment : str
        See `training.augment`.
    devices : str
        TOML of junctions, tables, write scheme and non-idealities of the rules mtj and accumulate; see
        `training.devices`.
    precision : str
        ``float32`` or ``bfloat16``, of the operands of products in training. -1, 0 and 1 are exact in bfloat16, and so
        are pixels; sums leave a product rounded to 8 significant bits, exact up to 256. Tests are always in float32,
        where every sum of a network is exact.
    layout : str
        ``channels_last`` or ``channels_first``, the order of an image's values in memory.
    """

    dataset: str
    rule: str
    seed: int
    network: str
    config: str
    width: float
    weights: str
    activations: str
    samples: int
    epochs: int
    batch: int
    rate: float
    rate_end: float
    norm_rate: float
    augment: str
    devices: str
    precision: str
    layout: str

    def __post_init__(self) -> None:
        for name, allowed in (
            ("weights", tuple(SPACES)),
            ("activations", tuple(SPACES)),
            ("precision", PRECISIONS),
            ("layout", tuple(LAYOUTS)),
        ):
            if getattr(self, name) not in allowed:
                raise TrainingError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        for name, least in (("epochs", 1), ("batch", 2), ("samples", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise TrainingError(f"{name} must be at least {least}, not {getattr(self, name)}")
        if not 0 < self.width <= 16:
            raise TrainingError(f"width must be above 0 and at most 16, not {self.width}")
        if not 0 < self.rate_end <= self.rate <= 2:
            raise TrainingError(
                f"rate_end and rate must be above 0, at most 2, and not rise, not {self.rate_end} and {self.rate}"
            )
        if not 0 < self.norm_rate <= 1:
            raise TrainingError(f"norm_rate must be above 0 and at most 1, not {self.norm_rate}")
        if self.devices and self.rule not in ("mtj", "accumulate"):
            raise TrainingError(
                f"devices are those of the rules mtj and accumulate, not of {self.rule}: leave them out"
            )
        if self.config and (self.dataset != "mnist" or self.width != 1 or self.augment):
            raise TrainingError(
                "a configuration goes with mnist, and neither width nor augmentation: leave one of them out"
            )
        Augmentation(self.augment)

    @property
    def name(self) -> str:
        """Name of the run's folder: what differs from the data set's recipe, and the seed."""
        parts = [self.dataset, self.rule]
        standard = asdict(recipe(self.dataset, self.rule))
        for field in fields(self):
            value = getattr(self, field.name)
            if (
                field.name in ("dataset", "rule", "seed", "precision", "layout", "devices")
                or value == standard[field.name]
            ):
                continue
            parts.append(f"{field.name}={value}")
        if self.devices:
            parts.append(self.devices_digest)
        return "-".join([*(part.replace("/", "_") for part in parts), f"seed{self.seed}"])

    @property
    def devices_digest(self) -> str:
        """Short digest of the devices."""
        import hashlib

        return hashlib.sha256(self.devices.encode()).hexdigest()[:8]


#: Learning rates of the first and the last step. The rules without tables follow changes of any size, and have to be
#: calmed. The pulse table of mtj has no pulse for the smallest changes, and a run ends where they are all that is left;
#: sums gather changes of any size, and the rate says for how long. That of bop is one over the steps that it averages.
_RATES = {
    "gxnor": (0.03, 1e-4),
    "mtj": (0.03, 2e-3),
    "accumulate": (0.1, 1e-3),
    "ste": (0.03, 1e-4),
    "bop": (0.01, 1e-4),
}

#: What differs between data sets; everything else is common.
_RECIPES: dict[str, dict[str, Any]] = {
    "mnist": {"epochs": 15, "batch": 100},
    "cifar10": {"epochs": 100, "batch": 100, "augment": "flip,shift4"},
    "svhn": {"epochs": 30, "batch": 100},
}


def recipe(dataset: str, rule: str, **changes: Any) -> Settings:
    """Give the settings of a data set.

    Parameters
    ----------
    dataset, rule : str
        As of `Settings`.
    **changes
        Fields with other values; those that are None are left as they are.

    Raises
    ------
    TrainingError
        If data set or rule is unknown or a field breaks its rule.
    """
    if dataset not in _RECIPES:
        raise TrainingError(f"unknown data set {dataset!r}: give one of {', '.join(_RECIPES)}")
    if rule not in RULES:
        raise TrainingError(f"rule must be one of {', '.join(RULES)}, not {rule!r}")
    rate, rate_end = _RATES[rule]
    standard = {
        "dataset": dataset,
        "rule": rule,
        "seed": 1,
        "network": PUBLISHED[dataset],
        "config": "",
        "width": 1.0,
        "weights": "ternary",
        "activations": "ternary",
        "samples": 0,
        "rate": rate,
        "rate_end": rate_end,
        "norm_rate": 0.01,
        "augment": "",
        "devices": "",
        "precision": "float32",
        "layout": "channels_last",
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return Settings(**(standard | _RECIPES[dataset] | given))
