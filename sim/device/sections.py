"""Sections of the report: each computes a part of it, and names the plots that show it.

A section is a class with `steps`, the length of its work for the progress bar, and `run`, which does the work and
returns a `SectionResult`. `SECTIONS` lists them; a new one is added there.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure

from golden.device.constants import MU0
from golden.device.junction import JUNCTIONS, TO_ANTIPARALLEL, TO_PARALLEL, Junction, thermal_angle
from golden.device.operation import Operation
from golden.device.resistance import resistance, tunnel_magnetoresistance
from golden.device.switching import MODELS
from golden.tables import PulseParameters, SwitchingParameters
from sim.device import llg, plots
from sim.device.binomial import interval

#: Temperatures of bands, K, beside the one asked for.
TEMPERATURES = (250.0, 350.0, 400.0)
#: Swept assumptions, not data: relative standard deviations of the critical current.
SIGMAS = (0.01, 0.05)
#: Probability that any of the intervals of a family misses.
FAMILY_WISE_ALPHA = 1e-3


@dataclass(frozen=True)
class DeviceJob:
    """What the report is about.

    Attributes
    ----------
    device : str
        Name of a parameter set.
    temperature : float
        K.
    overdrive : float
        Write current over critical current, > 1, in both directions.
    trajectories : int
        Trajectories per overdrive of the comparison with the independent solver.
    seed : int
        Seed of all random draws.
    code_bits : int
        Bits of the width codes whose switching is counted in RTL.
    """

    device: str
    temperature: float
    overdrive: float
    trajectories: int
    seed: int
    code_bits: int = 6

    @property
    def junction(self) -> Junction:
        """The named parameter set."""
        return JUNCTIONS[self.device]

    def models(self) -> list[str]:
        """Forms that hold for the device above its critical current."""
        return [name for name, f in MODELS.items() if f.above and self.junction.geometry in f.geometries]

    def operation(self, model: str, **fields: Any) -> Operation:
        """The device in use with a model; `fields` replace others."""
        device, temperature = fields.pop("device", self.junction), fields.pop("temperature", self.temperature)
        antiparallel, parallel = (
            self.overdrive * self.junction.critical_current(direction, self.temperature)
            for direction in (TO_ANTIPARALLEL, TO_PARALLEL)
        )
        return Operation(model, device, antiparallel, parallel, temperature, **fields)


@dataclass(frozen=True)
class SectionResult:
    """What a section found.

    Attributes
    ----------
    values : dict
        Entries of the report.
    figures : dict of str to Figure
        File name without ending -> plot.
    """

    values: dict[str, Any]
    figures: dict[str, Figure] = field(default_factory=dict)


class Section(Protocol):
    """A part of the report."""

    def steps(self, job: DeviceJob) -> int:
        """Length of the work."""
        ...

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Do the work; call `advance` once per step."""
        ...


class Physics:
    """Parameters and what follows from them, and how temperature and variation change the probability."""

    def steps(self, job: DeviceJob) -> int:
        """One step for every model."""
        return len(job.models())

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Tabulate, and draw bands."""
        j = job.junction
        derived = {}
        for temperature in sorted({job.temperature, *TEMPERATURES}):
            delta = j.stability(temperature)
            derived[f"{temperature:g} K"] = {
                "field_T": MU0 * j.field(temperature),
                "stability": delta,
                "theta_0_rad": thermal_angle(delta),
                "critical_current_to_antiparallel_A": j.critical_current(TO_ANTIPARALLEL, temperature),
                "critical_current_to_parallel_A": j.critical_current(TO_PARALLEL, temperature),
                "time_constant_s": j.time_constant(temperature),
            }
        at_rest, halved = (float(tunnel_magnetoresistance(j, v)) for v in (0.0, j.bias_half))
        parallel, antiparallel = (float(r) for r in resistance(j, [1, -1]))
        widths = np.linspace(0, job.operation("erf").pulses(0.99)[1], 241)
        bands, medians = {}, {}
        for model in job.models():
            use = job.operation(model)
            bands[model] = plots.Bands(
                widths=widths,
                middle=use.probability(widths, TO_PARALLEL)[0],
                temperatures={
                    t: job.operation(model, temperature=t).probability(widths, TO_PARALLEL)[0] for t in TEMPERATURES
                },
                device_bins={
                    s: job.operation(model, variation_bins=64, variation=s).probability(widths, TO_PARALLEL)
                    for s in SIGMAS
                },
            )
            medians[model] = float(np.interp(0.5, bands[model].middle, widths))
            advance()
        return SectionResult(
            {
                "device": job.device,
                "parameters": asdict(j),
                "derived": derived,
                "resistance": {
                    "parallel_ohm": parallel,
                    "antiparallel_ohm": antiparallel,
                    "tmr": at_rest,
                    "tmr_at_bias_half": halved,
                },
                "overdrive": job.overdrive,
                "temperature_K": job.temperature,
                "width_of_even_chance_s": medians,
                "spread_assumptions": list(SIGMAS),
            },
            {"device-bands": plots.bands(bands, f"{job.device}, i = {job.overdrive:g}, {job.temperature:g} K")},
        )


class Tables:
    """How well pulses of the device do what the tables ask for."""

    #: Code bits, slope and dead zone: those of the named configurations, and finer ones.
    ASKED = ((5, 3.0, 1), (5, 1.5, 4), (6, 3.0, 2), (6, 1.5, 12))

    def steps(self, job: DeviceJob) -> int:
        """One step for every model."""
        return len(job.models())

    def _variants(self, job: DeviceJob, model: str) -> dict[str, tuple[Operation, bool]]:
        """Uses of the device, and whether both directions share their widths."""
        uneven = replace(job.junction, asymmetry=1.1)
        return {
            "plain": (job.operation(model), False),
            "uneven directions": (job.operation(model, device=uneven), False),
            "variation 2 %, cycle variation 1 %": (
                job.operation(model, variation_bins=16, variation=0.02, cycle_variation=0.01),
                False,
            ),
            "uneven directions, shared widths": (job.operation(model, device=uneven), True),
        }

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Make the tables of every model and measure what they miss."""
        entries, shown = [], {}
        for model in job.models():
            for title, (use, shared) in self._variants(job, model).items():
                step, longest = use.pulses(0.998)
                for bits, slope, dead_zone in self.ASKED:
                    switching = SwitchingParameters(
                        model,
                        code_bits=bits,
                        slope=slope,
                        junction=use.device if isinstance(use.device, Junction) else None,
                        current_to_antiparallel=use.current_to_antiparallel,
                        current_to_parallel=use.current_to_parallel,
                        temperature=use.temperature,
                        time_step=min(step, 1e-11),
                        width_max=longest,
                        shared_widths=shared,
                        variation_bins=use.variation_bins,
                        variation=use.variation,
                        cycle_variation=use.cycle_variation,
                    )
                    pulse = PulseParameters(bits, slope, dead_zone)
                    entries.append(
                        {
                            "model": model,
                            "variant": title,
                            "code_bits": bits,
                            "nu_bits": bits,
                            "slope": slope,
                            "dead_zone": dead_zone,
                            "time_step_s": switching.time_step,
                            "width_max_s": longest,
                            "residual": pulse.residual(switching),
                            "residual_of_ideal": pulse.residual(SwitchingParameters(code_bits=bits, slope=slope)),
                        }
                    )
                    if title == "plain" and bits == 5:
                        shown[f"{model}, m = {slope:g}"] = (pulse, switching)
            advance()
        own, one = (
            [e["residual"] for e in entries if ("shared" in str(e["variant"])) == shared] for shared in (False, True)
        )
        return SectionResult(
            {
                "pulse_tables": entries,
                "pulse_table_max_residual": max(own),
                "pulse_table_max_residual_shared_widths": max(one),
            },
            {"device-tables": plots.tables(shown)},
        )


class Independent:
    """The closed forms against an independent solver of the stochastic equation of motion."""

    #: Overdrives, and the growth exponents t (i - 1) / C of the widths compared.
    OVERDRIVES = (1.5, 2.0, 3.0)
    GROWTH = (1.0, 1.5, 1.9, 2.2, 2.6, 3.1, 3.7, 4.4)

    def steps(self, job: DeviceJob) -> int:
        """One step for every trajectory."""
        return 0 if llg.missing(job.junction) else job.trajectories * len(self.OVERDRIVES)

    def run(self, job: DeviceJob, advance: Callable[[], object]) -> SectionResult:
        """Count switched trajectories, and compare every model with the intervals."""
        j, reason = job.junction, llg.missing(job.junction)
        constant = j.time_constant(job.temperature)
        points: list[plots.PlotPoint] = []
        for overdrive in self.OVERDRIVES if not reason else ():
            widths = np.unique(np.round(np.array(self.GROWTH) * constant / (overdrive - 1), 10))
            current = overdrive * j.critical_current(TO_ANTIPARALLEL, job.temperature)
            counts = llg.switched(
                j, current, job.temperature, TO_ANTIPARALLEL, widths, job.trajectories, job.seed, advance
            )
            alpha = FAMILY_WISE_ALPHA / (len(self.OVERDRIVES) * len(self.GROWTH))
            for width, count in zip(widths.tolist(), counts.tolist(), strict=True):
                low, high = interval(count, job.trajectories, alpha)
                points.append(plots.PlotPoint(overdrive, width, count / job.trajectories, low, high))
        curves = {
            overdrive: {
                model: (
                    lambda t, f=model, i=overdrive: MODELS[f].probability(t, i, j.stability(job.temperature), constant)
                )
                for model in job.models()
            }
            for overdrive in self.OVERDRIVES
        }
        agreement = (
            {
                model: self._agreement([(p, float(curves[p.overdrive][model](p.width))) for p in points])
                for model in job.models()
            }
            if points
            else None
        )
        return SectionResult(
            {
                "cmtj_agreement": agreement,
                "cmtj_reason": reason or None,
                "cmtj_family_wise_alpha": FAMILY_WISE_ALPHA,
                "cmtj_trajectories": job.trajectories if points else 0,
                "cmtj_points": [asdict(point) for point in points],
            },
            {
                "device-switching": plots.switching(
                    curves, points, constant, f"{job.device}, {job.temperature:g} K", reason
                )
            },
        )

    def _agreement(self, pairs: list[tuple[plots.PlotPoint, float]]) -> dict[str, float | int]:
        """Compare one model with all points."""
        differences = np.array([value - point.probability for point, value in pairs])
        return {
            "points": len(pairs),
            "inside_interval": sum(point.low <= value <= point.high for point, value in pairs),
            "largest_difference": float(np.abs(differences).max()),
            "mean_difference": float(differences.mean()),
        }


#: The report, in order.
SECTIONS: tuple[Section, ...] = (Physics(), Tables(), Independent())
