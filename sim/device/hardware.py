"""Sections of the report on the machine itself: its random streams, and how often its devices switch in RTL."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom, norm

from gen import config as named
from golden.array.synapse_array import ArrayParameters
from golden.config import MachineConfig, TrainingParameters
from golden.input_buffer import InputParameters
from golden.lfsr import LfsrParameters
from golden.tables import TO_ANTIPARALLEL, TO_PARALLEL, SwitchingParameters
from sim.device import attempts, lfsr_separation, plots
from sim.device.binomial import interval
from sim.device.sections import FAMILY_WISE_ALPHA, DeviceJob, SectionResult

#: A relative bias of this much in any probability is to be seen, with this probability to miss it.
BIAS, MISSED = 0.01, 1e-3
#: Fewest attempts of every width code and direction.
ATTEMPTS = 1 << 20


@dataclass(frozen=True)
class Counted:
    """What was counted of one width code and direction.

    Attributes
    ----------
    temperature : float
        K.
    code, direction : int
        Width code; `TO_ANTIPARALLEL` or `TO_PARALLEL`.
    width : float
        Pulse width, s.
    expected : float
        Probability by the physics, before it became a threshold.
    attempts, switched : int
        Devices pulsed that were able to switch, and those that did.
    low, high : float
        Exact interval of the probability.
    z : float
        Standard score of the exact binomial probability of a count as far off, with its sign.
    """

    temperature: float
    code: int
    direction: int
    width: float
    expected: float
    attempts: int
    switched: int
    low: float
    high: float
    z: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds the probability by the physics."""
        return self.low <= self.expected <= self.high


def score(switched: int, trials: int, expected: float) -> float:
    """Standard score of a binomial count, from its exact probability."""
    below, above = binom.logcdf(switched, trials, expected), binom.logsf(switched - 1, trials, expected)
    logarithm = min(below, above, math.log(0.5))
    sign = -1.0 if below < above else 1.0
    return sign * float(norm.isf(math.exp(logarithm))) if logarithm > -700 else sign * math.sqrt(-2 * logarithm)


def needed(expected: float, alpha: float) -> int:
    """Attempts for a relative `BIAS` to leave the interval with probability 1 - `MISSED`, at least `ATTEMPTS`."""
    far = float(norm.isf(alpha / 2) + norm.isf(MISSED))
    return max(ATTEMPTS, math.ceil(1.1 * (far / BIAS) ** 2 * (1 - expected) / expected))


def machine(switching: SwitchingParameters, seed: int, lanes: int, scheme: str = "verified") -> MachineConfig:
    """Make a machine with an array of 18 rows."""
    return MachineConfig(
        layers=(8, 2, 2, 2),
        array=ArrayParameters(lanes, 2, scheme=scheme),
        input=InputParameters(0, 0, 0, 0),
        training=TrainingParameters(1, 1, (5, 5, 5)),
        random=LfsrParameters(seed=seed),
        switching=switching,
    )


def measure(switching: SwitchingParameters, seed: int, folder: Path, alpha: float, lanes: int = 64) -> list[Counted]:
    """Count switching of all width codes in both directions, half of the attempts on either device of the synapse.

    Parameters
    ----------
    switching : SwitchingParameters
        Devices, all of one kind.
    seed : int
        Of the random streams.
    folder : Path
        Where programs are built.
    alpha : float
        Probability that an interval misses.
    lanes : int
        Lanes of the array.
    """
    config = machine(switching, seed, lanes)
    cases = [(code, direction) for code in range(1, switching.codes) for direction in (TO_ANTIPARALLEL, TO_PARALLEL)]
    physics = {d: switching.operation.probability(switching.widths[d], d)[0] for d in (TO_ANTIPARALLEL, TO_PARALLEL)}
    points = [
        attempts.CountPoint(code, direction, device, -(-needed(float(physics[direction][code]), alpha) // (2 * lanes)))
        for code, direction in cases
        for device in (0, 1)
    ]
    counts = attempts.count(config, points, folder).reshape(len(cases), 2, 2).sum(axis=1)
    found = []
    for (code, direction), (trials, switched) in zip(cases, counts.tolist(), strict=True):
        expected = float(physics[direction][code])
        width = float(switching.widths[direction, code])
        low, high = interval(switched, trials, alpha)
        z = score(switched, trials, expected)
        found.append(Counted(switching.temperature, code, direction, width, expected, trials, switched, low, high, z))
    return found


class Streams:
    """Separation of all random streams of every named configuration."""

    def steps(self, job: DeviceJob) -> int:
        """One step for every configuration."""
        return len(named.names())

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Compute and check where every stream starts."""
        found = {}
        for name in named.names():
            found[name] = lfsr_separation.separation_log2(named.load(name))
            advance()
        return SectionResult({"stream_separation_log2": found, "min_stream_separation_log2": min(found.values())})


class Statistics:
    """Switching of the emulated array in RTL against the physics."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _temperatures(self, job: DeviceJob) -> tuple[float, ...]:
        """The temperature asked for, and a sixth below and above."""
        return tuple(round(job.temperature * part / 6, 3) for part in (5, 6, 7))

    def steps(self, job: DeviceJob) -> int:
        """One step for every temperature."""
        return len(self._temperatures(job))

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Count, and compare every count with the physics."""
        model = job.models()[-1]
        temperatures = self._temperatures(job)
        alpha = FAMILY_WISE_ALPHA / (len(temperatures) * 2 * ((1 << job.code_bits) - 1))
        found: list[Counted] = []
        for temperature in temperatures:
            use = job.operation(model, temperature=temperature)
            step, longest = use.pulses(0.998)
            switching = SwitchingParameters(
                model,
                code_bits=job.code_bits,
                junction=job.junction,
                current_to_antiparallel=use.current_to_antiparallel,
                current_to_parallel=use.current_to_parallel,
                temperature=temperature,
                time_step=min(step, 1e-11),
                width_max=longest,
            )
            found += measure(switching, job.seed, self._folder, alpha)
            advance()
        return SectionResult(
            {
                "worst_z": max((point.z for point in found), key=abs),
                "worst_z_allowed": float(norm.isf(alpha / 2)),
                "family_wise_alpha": FAMILY_WISE_ALPHA,
                "rtl_model": model,
                "rtl_attempts": sum(point.attempts for point in found),
                "rtl_points_outside": sum(not point.inside for point in found),
                "rtl_detectable_relative_bias": BIAS,
                "rtl_points": [asdict(point) for point in found],
            },
            {"device-rtl": figure(found, f"{job.device}, {model}, emulated array in RTL")},
        )


def figure(found: Sequence[Counted], title: str) -> "plots.Figure":
    """Draw counted probabilities against the physics, and their differences with intervals."""
    drawing, panels = plots.columns(2)
    for temperature in sorted({point.temperature for point in found}):
        for direction, mark in ((TO_ANTIPARALLEL, "v"), (TO_PARALLEL, "^")):
            chosen = [p for p in found if (p.temperature, p.direction) == (temperature, direction)]
            width = np.array([p.width for p in chosen]) * 1e9
            share = np.array([p.switched / p.attempts for p in chosen])
            expected = np.array([p.expected for p in chosen])
            ends = np.array(
                [
                    [s - p.low for s, p in zip(share, chosen, strict=True)],
                    [p.high - s for s, p in zip(share, chosen, strict=True)],
                ]
            )
            label = f"{temperature:g} K, to {'P' if direction == TO_PARALLEL else 'AP'}"
            (line,) = panels[0].plot(width, expected, linewidth=0.7)
            panels[0].plot(width, share, mark, markersize=3, color=line.get_color(), label=label)
            panels[1].errorbar(
                width, (share - expected) * 1e3, ends * 1e3, fmt=mark, markersize=3, linewidth=0.6, label=label
            )
    panels[0].set(xlabel="pulse width, ns", ylabel="switching probability", title="physics (lines) and RTL (points)")
    panels[1].set(xlabel="pulse width, ns", ylabel="RTL - physics, 1e-3", title="with exact intervals")
    panels[0].legend(fontsize="x-small")
    drawing.suptitle(title, fontsize="medium")
    return drawing
