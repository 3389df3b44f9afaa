"""The update rule `accumulate`: the machine's own, gradient sums that ask for pulses.

Every weight has one integer sum G, as in `golden.gradient_memory`. A step adds the weight's change to it; sums outside
the dead zone ask for pulses by `golden.update_unit`'s split and the machine's tables; a sum returns to 0 when its
synapse switches. Nothing else is kept for a weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from golden.gradient_memory import GradientParameters
from golden.tables import PulseParameters, SwitchingParameters
from training.mtj import DEVICE, Mtj, MtjParameters
from training.quantize import Space


@dataclass(frozen=True)
class AccumulateParameters(MtjParameters):
    """Devices, tables, write scheme and gradient memory.

    Attributes
    ----------
    switching, pulse
        As of `MtjParameters`; codes and slope are those of the machine's MNIST configuration, and so is the dead zone.
    gradient : GradientParameters
        Width, leak and reset of the sums, as of the machine.
    update_shift : int
        log2 of the sum that stands for one weight step, pulse.nu_bits .. 24.
    """

    switching: SwitchingParameters = field(default_factory=lambda: replace(DEVICE, code_bits=5, slope=1.5))
    pulse: PulseParameters = field(default_factory=lambda: PulseParameters(nu_bits=8, slope=1.5, dead_zone=48))
    gradient: GradientParameters = field(
        default_factory=lambda: GradientParameters(bits=16, leak=16, reset_on_switch=True)
    )
    update_shift: int = 15

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pulse.nu_bits <= self.update_shift <= 24:
            raise ValueError(
                f"update_shift must be pulse.nu_bits = {self.pulse.nu_bits} .. 24, not {self.update_shift}"
            )


class Accumulate(Mtj):
    """Write pulses from gradient sums.

    Parameters
    ----------
    weights, space, generator, shapes
        As of `Mtj`.
    parameters : AccumulateParameters
        Devices, tables, write scheme and gradient memory.

    Attributes
    ----------
    sums : Tensor of int32, shape (n,)
        The sums G; positive asks for a larger weight, 2^update_shift for one step more.
    """

    name = "accumulate"
    parameters: AccumulateParameters

    def __init__(
        self,
        weights: Tensor,
        space: Space,
        generator: torch.Generator,
        shapes: Sequence[tuple[int, int]],
        parameters: AccumulateParameters | None = None,
    ) -> None:
        super().__init__(weights, space, generator, shapes, parameters or AccumulateParameters())
        self.sums = torch.zeros_like(weights, dtype=torch.int32)

    def apply(self, change: Tensor) -> Tensor:
        """Add changes to the sums, rounded to the nearest integer, and pulse where the sums ask for it."""
        p = self.parameters
        limit = 1 << (p.gradient.bits - 1)
        added = (change * ((1 << p.update_shift) / self.space.dz)).round_().clamp_(-limit, limit)
        self.sums.add_(added.to(torch.int32)).clamp_(-limit, limit - 1)
        sign = self.sums >> 31
        magnitude = self.sums ^ sign
        # no pulse moves a weight beyond its end
        asked = (magnitude >= self._least_sum) & (self.weights != (sign * 2 + 1))
        reached = torch.nonzero(asked)[:, 0]
        at = magnitude[reached]
        whole = (at >> p.update_shift).clamp_max(self.space.steps)
        index = (at >> (p.update_shift - p.pulse.nu_bits)) & ((1 << p.pulse.nu_bits) - 1)
        before = self.weights[reached]
        switched = self.write(reached, sign[reached] == 0, whole, index.to(torch.int64))
        if p.gradient.leak < p.gradient.bits:
            self.sums = (magnitude - (magnitude >> p.gradient.leak)) ^ sign
        if p.gradient.reset_on_switch:
            self.sums[reached[switched]] = 0
        return (self.weights[reached] != before).sum()

    @property
    def _least_sum(self) -> int:
        """The least magnitude of a sum for which there is a pulse."""
        return round(self._least * (1 << self.parameters.update_shift))

    def state(self) -> dict[str, Any]:
        """Give device states and sums."""
        return super().state() | {"sums": self.sums}

    def restore(self, state: dict[str, Any]) -> None:
        """Take device states and sums."""
        super().restore(state)
        self.sums.copy_(state["sums"])
