"""The update rule `mtj`: write pulses on pairs of junctions, by the machine's tables.

A layer is an array of its own: rows are a neuron's inputs (of a convolution: the patch), lanes its neurons. What every
device is like, its device bin and whether it is stuck, and how it answers a pulse, is asked of `golden`.
"""

# types of PyTorch are not looked at: the API reference is built without it
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golden.array import cells
from golden.array.nonideal import NonidealParameters
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL, PulseParameters, SwitchingParameters
from training.quantize import Space
from training.rules import SLOPE

#: The paper's model of a junction, driven at twice its critical current. All codes but the last lie where training asks
#: for them, at probabilities up to tanh(slope).
DEVICE = SwitchingParameters(
    model="erf",
    device="perpendicular_50nm",
    current_to_antiparallel=47.2e-6,
    current_to_parallel=47.2e-6,
    code_bits=6,
    slope=0.375,
    width_max=20e-9,
)


@dataclass(frozen=True)
class MtjParameters:
    """Devices, tables and write scheme.

    Attributes
    ----------
    scheme : str
        ``verified`` or ``blind``, as of `golden.array.synapse_array.ArrayParameters`.
    switching, pulse, nonideal
        As of the machine.
    temperature : float or None
        Temperature of the array in use, K, where it is not that of the tables.
    """

    scheme: str = "verified"
    switching: SwitchingParameters = DEVICE
    pulse: PulseParameters = field(default_factory=lambda: PulseParameters(nu_bits=8, slope=SLOPE))
    nonideal: NonidealParameters = field(default_factory=NonidealParameters)
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.scheme not in ("blind", "verified"):
            raise ValueError(f"scheme must be 'blind' or 'verified', not {self.scheme!r}")

    @property
    def thresholds(self) -> NDArray[np.uint32]:
        """The switching table, shape (device bins, 2, codes)."""
        if self.temperature is None:
            return self.switching.bin_thresholds
        return self.switching.thresholds_at(self.temperature)


@dataclass
class Cells:
    """Devices of synapses, flat: states of R1 and R2, and what each device is.

    Attributes
    ----------
    states : Tensor of bool, shape (devices, n)
        True is parallel.
    device_bins : Tensor of uint8, shape (devices, n), or None
        Of every device, None where all are alike.
    stuck : Tensor of bool, shape (devices, n), or None
        Which devices never switch, None for none.
    """

    states: Tensor
    device_bins: Tensor | None
    stuck: Tensor | None

    def weights(self) -> Tensor:
        """Weights -1, 0, 1, of one device -1, 1; float32, shape (n,)."""
        if len(self.states) == 1:
            return self.states[0].float() * 2 - 1
        return self.states[0].float() - self.states[1].float()


class Mtj:
    """Projection by write pulses.

    Parameters
    ----------
    weights : Tensor, shape (n,)
        Weights; changed in place.
    space : Space
        Their space, which is that of the synapse.
    generator : torch.Generator
        Source of all draws.
    shapes : sequence of tuple of int
        Rows and lanes of every layer, in the order of the weights, each laid out lane by lane.
    parameters : MtjParameters
        Devices, tables and write scheme.

    Attributes
    ----------
    cells : Cells
        All devices.
    codes : Tensor of int64, shape (2^nu_bits,)
        The pulse table.
    thresholds : Tensor of int32, shape (device bins * 2 * codes,)
        The switching table.
    """

    name = "mtj"

    def __init__(
        self,
        weights: Tensor,
        space: Space,
        generator: torch.Generator,
        shapes: Sequence[tuple[int, int]],
        parameters: MtjParameters | None = None,
    ) -> None:
        self.weights, self.space, self.generator = weights, space, generator
        self.parameters = p = parameters or MtjParameters()
        device = weights.device
        codes = p.pulse.codes(p.switching).astype(np.int64)
        self.codes = torch.from_numpy(codes).to(device)
        # the least change for which there is a pulse, in weight steps
        self._least = float(np.argmax(codes > 0)) / len(codes) if codes.any() else 1.0
        self.thresholds = torch.from_numpy(p.thresholds.astype(np.int32).reshape(-1)).to(device)
        made = [_made(p, index, rows, lanes, space.steps) for index, (rows, lanes) in enumerate(shapes)]
        device_bins, stuck, stuck_states = (np.concatenate(parts, axis=1) for parts in zip(*made, strict=True))
        # as INIT_RANDOM does: every device in a random state, stuck ones in their own
        states = torch.rand(device_bins.shape, generator=generator, device=device) < 0.5
        if p.nonideal.any_stuck:
            states = torch.where(torch.from_numpy(stuck).to(device), torch.from_numpy(stuck_states).to(device), states)
        self.cells = Cells(
            states,
            torch.from_numpy(device_bins).to(device) if p.switching.variation_bins > 1 else None,
            torch.from_numpy(stuck).to(device) if p.nonideal.any_stuck else None,
        )
        weights.copy_(self.cells.weights())

    def split(self, change: Tensor) -> tuple[Tensor, Tensor]:
        """Split changes into whole steps, saturated, and the table index of the rest."""
        magnitude = change.abs() / self.space.dz
        whole = torch.floor(magnitude)
        index = ((magnitude - whole) * (1 << self.parameters.pulse.nu_bits)).to(torch.int64)
        return whole.clamp_max(self.space.steps), index

    def apply(self, change: Tensor) -> Tensor:
        """Pulse: whole steps first, each with the last code, then the rest by the pulse table."""
        reached = torch.nonzero(change.abs() >= self._least * self.space.dz)[:, 0]
        change = change[reached]
        before = self.weights[reached]
        self.write(reached, change >= 0, *self.split(change))
        return (self.weights[reached] != before).sum()

    def write(self, at: Tensor, increase: Tensor, whole: Tensor, index: Tensor) -> Tensor:
        """Pulse synapses, and bring their weights up to date.

        Parameters
        ----------
        at : Tensor of int64, shape (n,)
            The synapses, all different.
        increase : Tensor of bool, shape (n,)
            Polarity.
        whole : Tensor, shape (n,)
            Whole steps, a pulse with the last code for each.
        index : Tensor of int64, shape (n,)
            Index of the rest in the pulse table.

        Returns
        -------
        Tensor of bool, shape (n,)
            Synapses of which a device has switched.
        """
        codes, switched = self.codes[index], torch.zeros_like(increase)
        last = torch.full_like(codes, self.parameters.switching.codes - 1)
        for step in range(self.space.steps):
            self._pulse(at, increase, last, whole > step, switched)
        self._pulse(at, increase, codes, codes > 0, switched)
        self.weights[at] = Cells(self.cells.states[:, at], None, None).weights()
        return switched

    def _pulse(self, at: Tensor, increase: Tensor, codes: Tensor, where: Tensor, switched: Tensor) -> None:
        """Pulse those of the synapses `at` for which `where` holds; a random word for every device that is reached."""
        chosen = torch.nonzero(where)[:, 0]
        if not len(chosen):
            return
        at, increase, codes = at[chosen], increase[chosen], codes[chosen]
        switched[chosen] |= pulse(self.cells, self.parameters, self.thresholds, at, increase, codes, self.words(at))

    def words(self, at: Tensor) -> Tensor:
        """Draw random words for one pulse of the synapses `at`, int32, shape (devices that it can reach, n)."""
        streams = 2 if self.parameters.scheme == "blind" and self.space.steps == 2 else 1
        return torch.randint(
            1 << self.parameters.switching.threshold_bits,
            (streams, len(at)),
            generator=self.generator,
            device=at.device,
            dtype=torch.int32,
        )

    def state(self) -> dict[str, Any]:
        """Give the device states."""
        return {"states": self.cells.states}

    def restore(self, state: dict[str, Any]) -> None:
        """Take device states."""
        self.cells.states.copy_(state["states"])


def pulse(
    cells: Cells,
    parameters: MtjParameters,
    thresholds: Tensor,
    at: Tensor,
    increase: Tensor,
    codes: Tensor,
    words: Tensor,
) -> Tensor:
    """Apply one write pulse to synapses; the twin of `golden.array.synapse_array.SynapseArray.pulse`.

    Parameters
    ----------
    cells : Cells
        All synapses; changed in place.
    parameters : MtjParameters
        Write scheme and the table's size.
    thresholds : Tensor of int32
        The switching table, flat.
    at : Tensor of int64, shape (n,)
        The synapses.
    increase : Tensor of bool, shape (n,)
        Polarity.
    codes : Tensor of int64, shape (n,)
        Width codes, none 0.
    words : Tensor of int32, shape (1 or 2, n)
        Random words, one row for each device that a single pulse can reach.

    Returns
    -------
    Tensor of bool, shape (n,)
        Synapses of which a device has switched.
    """
    switched = torch.zeros_like(increase)
    states = cells.states[:, at]
    devices = len(states)
    r1, r2 = states[0], states[-1]
    if parameters.scheme == "blind":
        pulsed = torch.ones_like(states)
    elif devices == 1:
        pulsed = (r1 != increase)[None]
    else:
        # prefer the device that can go antiparallel: the step then ends in the weak zero
        neither = ~r1 & ~r2
        pulsed = torch.stack([torch.where(increase, neither, r1), torch.where(increase, r2, neither)])
    for device in range(devices):
        # the pulse drives R1 to P for an increase, and R2 to AP
        parallel = increase if device == 0 else ~increase
        entry = torch.where(parallel, TO_PARALLEL, TO_ANTIPARALLEL)
        if cells.device_bins is not None:
            entry = entry + 2 * cells.device_bins[device, at].to(torch.int64)
        threshold = thresholds[entry * parameters.switching.codes + codes]
        flip = pulsed[device] & (states[device] != parallel) & (words[device % len(words)] < threshold)
        if cells.stuck is not None:
            flip &= ~cells.stuck[device, at]
        cells.states[device, at] = states[device] ^ flip
        switched |= flip
    return switched


def _made(
    parameters: MtjParameters, layer: int, rows: int, lanes: int, devices: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """Ask golden for device bins, stuck devices and their states of one layer's array, each (devices, rows * lanes)."""
    nonideal, bits = parameters.nonideal, parameters.switching.bin_bits
    if layer:
        # every layer is an array of its own, so it needs a seed of its own
        digest = hashlib.blake2b(f"{nonideal.seed} {layer}".encode(), digest_size=8).digest()
        nonideal = replace(nonideal, seed=int.from_bytes(digest, "little"))
    device_bins = cells.device_bins(nonideal.seed, rows, lanes, devices, bits)
    stuck, states = nonideal.stuck_devices(rows, lanes, devices)
    # the weights of a neuron lie together
    flat = (array.transpose(0, 2, 1).reshape(devices, -1) for array in (device_bins, stuck, states.astype(bool)))
    return tuple(flat)  # pyright: ignore[reportReturnType]
