"""The two tables between a gradient and a switching event (twin of `hdl/tables.py`).

`PulseTable` belongs to the periphery: |nu| -> width code. `SwitchingTable` belongs to the array: width code ->
threshold of the random word. Neither side of the macro boundary sees the other's table.
"""

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from golden.device.computable import computable
from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS, TO_ANTIPARALLEL, TO_PARALLEL, Junction
from golden.device.operation import Operation
from golden.device.switching import MODELS

__all__ = ["TO_ANTIPARALLEL", "TO_PARALLEL", "PulseParameters", "SwitchingParameters"]

#: How far the probability of a device's pulse may be from the one that its width code asks for.
TOLERANCE = 0.01

#: Most entries of a switching table that can be loaded.
LOADABLE = 512

#: Longest pulse, in time steps.
_MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class SwitchingParameters:
    """How the array's devices answer a width code.

    Code k asks for the probability tanh(slope * k / codes), the last code for certainty. Model ``ideal`` gives exactly
    that. Every other model is that of a device, and the array's pulse generator has for each direction and code the
    width, a multiple of `time_step` up to `width_max`, that comes nearest.

    Attributes
    ----------
    model : {'ideal', 'erf', 'rayleigh', 'fokker_planck', 'macrospin', 'neel_brown'}
        ``ideal`` is GXNOR's tanh itself; all others are models of a device, see docs/device.md.
    code_bits : int, 1 .. 6
        Bits of a pulse-width code. Code 0 is no pulse; the last code is the pulse of a deterministic step.
    threshold_bits : int, 4 .. 16
        Bits of the random word and of the thresholds; probabilities are multiples of 2^-threshold_bits.
    slope : float, > 0
        The m of tanh(m * nu) that the codes ask for.
    device : {'perpendicular_50nm', 'in_plane_100nm'}
        Name of a parameter set in `golden.device.junction.JUNCTIONS`. All models but ``ideal`` need it, or one of the
        two tables below.
    junction : Junction or None
        Physical parameters in the place of a named set.
    fitted : Fitted or None
        Measured parameters in the place of a named set.
    current_to_antiparallel : float, > 0
        Amplitude of write pulses towards antiparallel, A; of a device alone.
    current_to_parallel : float, > 0
        Likewise towards parallel.
    temperature : float, > 0
        Temperature of the array, K.
    time_step : float, > 0
        Resolution of pulse widths, s.
    width_max : float, > 0
        Longest pulse, s; at most 2^20 time steps.
    shared_widths : bool
        Whether a code has one width for both directions, the nearest for the mean of the two.
    variation_bins : int, a power of two up to 64
        Device bins between which critical currents differ; 1 for off.
    variation : float, 0 .. 0.2
        Relative standard deviation of critical currents between devices.
    cycle_variation : float, 0 .. 0.2
        Relative standard deviation of a device's critical current from pulse to pulse.
    loadable : bool
        Whether the host can load another table in the place of this one; it then has at most 512 entries.

    Raises
    ------
    ValueError
        If a field breaks its rule, or no width comes within `TOLERANCE` of what a code asks for.
    """

    model: str = "ideal"
    code_bits: int = 5
    threshold_bits: int = 16
    slope: float = 3.0
    device: str = ""
    junction: Junction | None = None
    fitted: Fitted | None = None
    current_to_antiparallel: float = 0.0
    current_to_parallel: float = 0.0
    temperature: float = 300.0
    time_step: float = 1e-11
    width_max: float = 20e-9
    shared_widths: bool = False
    variation_bins: int = 1
    variation: float = 0.0
    cycle_variation: float = 0.0
    loadable: bool = False

    def __post_init__(self) -> None:
        if self.model not in ("ideal", *MODELS):
            raise ValueError(f"switching.model must be one of ideal, {', '.join(MODELS)}, not {self.model!r}")
        if not 1 <= self.code_bits <= 6:
            raise ValueError(f"switching.code_bits must be 1 .. 6, not {self.code_bits}")
        if not 4 <= self.threshold_bits <= 16:
            raise ValueError(f"switching.threshold_bits must be 4 .. 16, not {self.threshold_bits}")
        if self.loadable and 2 * self.variation_bins * self.codes > LOADABLE:
            raise ValueError(
                f"switching.loadable keeps every entry in registers, {LOADABLE} at most, not {self.variation_bins} "
                f"device bins x 2 directions x {self.codes} codes: lower switching.variation_bins or "
                "switching.code_bits"
            )
        if not 0 < self.slope < math.inf:
            raise ValueError(f"switching.slope must be > 0 and finite, not {self.slope}")
        for name in ("temperature", "time_step", "width_max"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"switching.{name} must be > 0 and finite, not {getattr(self, name)}")
        if not 1 <= self.variation_bins <= 64 or self.variation_bins & (self.variation_bins - 1):
            raise ValueError(f"switching.variation_bins must be a power of two, 1 .. 64, not {self.variation_bins}")
        if self.variation and self.variation_bins == 1:
            raise ValueError(
                f"switching.variation = {self.variation} needs device bins: set switching.variation_bins > 1"
            )
        if self.model == "ideal":
            for name in ("variation", "cycle_variation"):
                if getattr(self, name):
                    raise ValueError(
                        f"switching.{name} needs a device, and model 'ideal' has none: choose another model"
                    )
        else:
            with computable(asdict(self), "switching."):
                self._check_device()

    @property
    def codes(self) -> int:
        """Number of width codes, code 0 included."""
        return 1 << self.code_bits

    @property
    def bin_bits(self) -> int:
        """Bits that name a device bin."""
        return self.variation_bins.bit_length() - 1

    @cached_property
    def operation(self) -> Operation:
        """The devices in use; there are none for model ``ideal``.

        Raises
        ------
        ValueError
            If not exactly one device is given, or it cannot be used so.
        """
        given = [device for device in (self.device, self.junction, self.fitted) if device]
        if len(given) != 1:
            raise ValueError(
                f"switching.model {self.model!r} needs one device, and {len(given)} are given: set switching.device to "
                f"one of {', '.join(JUNCTIONS)}, or give [switching.junction] or [switching.fitted]"
            )
        if self.device and self.device not in JUNCTIONS:
            raise ValueError(f"switching.device must be one of {', '.join(JUNCTIONS)}, not {self.device!r}")
        return Operation(
            model=self.model,
            device=self.junction or self.fitted or JUNCTIONS[self.device],
            current_to_antiparallel=self.current_to_antiparallel,
            current_to_parallel=self.current_to_parallel,
            temperature=self.temperature,
            variation_bins=self.variation_bins,
            variation=self.variation,
            cycle_variation=self.cycle_variation,
        )

    @property
    def targets(self) -> NDArray[np.float64]:
        """Probabilities that the codes ask for, shape (codes,), 0 .. 1."""
        return np.array([*(math.tanh(self.slope * code / self.codes) for code in range(self.codes - 1)), 1.0])

    @cached_property
    def _chosen(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Pulse widths in time steps and the mean probabilities that they reach, shape (2, codes)."""
        longest = round(self.width_max / self.time_step)
        both = (TO_ANTIPARALLEL, TO_PARALLEL)
        steps, reached = np.zeros((2, self.codes), np.int64), np.zeros((2, self.codes))
        for direction in both:
            sharing = both if self.shared_widths else (direction,)
            found = self.operation.steps(self.targets[1:], sharing, self.time_step, longest)
            steps[direction, 1:], reached[direction, 1:] = found
        return steps, reached

    def _check_device(self) -> None:
        """Refuse devices that cannot do what the codes ask for."""
        if not self.codes <= round(self.width_max / self.time_step) <= _MOST_STEPS:
            raise ValueError(
                f"switching.width_max must be 2^code_bits = {self.codes} .. 2^20 steps of switching.time_step = "
                f"{self.time_step} s, not {self.width_max} s"
            )
        steps, reached = self._chosen
        miss = np.abs(reached - self.targets)
        if miss.max() <= TOLERANCE:
            return
        direction, code = (int(index) for index in np.unravel_index(miss.argmax(), miss.shape))
        name = "antiparallel" if direction == TO_ANTIPARALLEL else "parallel"
        asked, found = self.targets[code], reached[direction, code]
        width = steps[direction, code] * self.time_step
        remedy = (
            f"raise switching.width_max or switching.current_to_{name}"
            if found < asked
            else "lower switching.time_step"
        )
        raise ValueError(
            f"the switching table cannot reach P = {asked:.4f} towards {name}, which width code {code} asks for: "
            f"{found:.4f} with {width:.4g} s is the nearest, farther than {TOLERANCE}; {remedy}"
        )

    @property
    def widths(self) -> NDArray[np.float64]:
        """Pulse widths of a device's model, s, shape (2, codes): first index `TO_ANTIPARALLEL` or `TO_PARALLEL`."""
        return self._chosen[0].astype(np.float64) * self.time_step

    def _quantised(self, probability: NDArray[np.float64]) -> NDArray[np.uint32]:
        """Thresholds of probabilities, last axis the codes."""
        full = 1 << self.threshold_bits
        thresholds = np.clip(np.rint(probability * full), 1, full).astype(np.uint32)
        thresholds[..., 0] = 0
        return thresholds

    @cached_property
    def bin_thresholds(self) -> NDArray[np.uint32]:
        """Thresholds T of every device bin.

        Returns
        -------
        ndarray of uint32, shape (variation_bins, 2, codes)
            Second index `TO_ANTIPARALLEL` or `TO_PARALLEL`. A pulse switches when ``u < T`` for the random word u,
            so P_sw = T / 2^threshold_bits; T is 0 for code 0 and 1 .. 2^threshold_bits for all others.
        """
        if self.model == "ideal":
            return self._quantised(np.broadcast_to(self.targets, (self.variation_bins, 2, self.codes)))
        return self._thresholds(self.operation)

    def thresholds_at(self, temperature: float) -> NDArray[np.uint32]:
        """Thresholds of the same pulses, chosen for `temperature` of these parameters, in an array at another one.

        Parameters
        ----------
        temperature : float
            Temperature of the array in use, K.

        Returns
        -------
        ndarray of uint32, shape (variation_bins, 2, codes)
            As `bin_thresholds`. Form ``ideal`` knows no temperature.

        Raises
        ------
        ValueError
            If the temperature breaks its rule, or the currents do not suit it.
        """
        if self.model == "ideal":
            return self.bin_thresholds
        return self._thresholds(replace(self.operation, temperature=temperature))

    def _thresholds(self, operation: Operation) -> NDArray[np.uint32]:
        """Thresholds of the chosen pulses for devices in use."""
        both = [operation.probability(self.widths[d], d) for d in (TO_ANTIPARALLEL, TO_PARALLEL)]
        return self._quantised(np.stack(both, axis=1))

    @property
    def thresholds(self) -> NDArray[np.uint32]:
        """Thresholds T of both directions where all devices are alike, shape (2, codes); see `bin_thresholds`."""
        (thresholds,) = self.bin_thresholds
        return thresholds

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Exact switching probability of every direction and code, mean of all bins, shape (2, codes), 0 .. 1."""
        total = self.bin_thresholds.sum(axis=0, dtype=np.float64)
        return total / (self.variation_bins << self.threshold_bits)


@dataclass(frozen=True)
class PulseParameters:
    """How the periphery chooses a width code.

    Attributes
    ----------
    nu_bits : int, 1 .. 8
        Leading bits of |nu| that address the table.
    slope : float, > 0
        The m of psi(nu) = tanh(m * |nu| / dz).
    dead_zone : int, 0 .. 2^nu_bits
        Table entries below this index give no pulse.
    loadable : bool
        Whether the host can load another table in the place of this one.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    nu_bits: int = 5
    slope: float = 3.0
    dead_zone: int = 0
    loadable: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.nu_bits <= 8:
            raise ValueError(f"pulse.nu_bits must be 1 .. 8, not {self.nu_bits}")
        if not 0 < self.slope < math.inf:
            raise ValueError(f"pulse.slope must be > 0 and finite, not {self.slope}")
        if not 0 <= self.dead_zone <= 1 << self.nu_bits:
            raise ValueError(f"pulse.dead_zone must be 0 .. 2^nu_bits = {1 << self.nu_bits}, not {self.dead_zone}")

    @property
    def targets(self) -> NDArray[np.float64]:
        """The probability psi that every table index asks for, shape (2^nu_bits,), 0 .. 1."""
        index = np.arange(1 << self.nu_bits)
        psi = np.array([math.tanh(self.slope * v / (1 << self.nu_bits)) for v in index])
        psi[: self.dead_zone] = 0.0
        return psi

    def codes(self, switching: SwitchingParameters) -> NDArray[np.uint8]:
        """Choose the width codes: for every index the code whose probability, mean of both directions, is nearest.

        Parameters
        ----------
        switching : SwitchingParameters
            The devices that will receive the pulses.

        Returns
        -------
        ndarray of uint8, shape (2^nu_bits,)
            Width codes, 0 .. switching.codes - 1; the lower code on a tie.
        """
        probability = switching.probabilities.mean(axis=0)
        return np.abs(self.targets[:, None] - probability[None, :]).argmin(axis=1).astype(np.uint8)

    def residual(self, switching: SwitchingParameters) -> float:
        """Worst distance between the probability asked for and the one given, over all indices and directions."""
        return float(np.abs(self.targets - switching.probabilities[:, self.codes(switching)]).max())
