"""Plots of the device report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from golden.tables import PulseParameters, SwitchingParameters

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlotPoint:
    """A probability counted at an overdrive and a pulse width (s), with its interval."""

    overdrive: float
    width: float
    probability: float
    low: float
    high: float


@dataclass(frozen=True)
class Bands:
    """Probability of one model against width (s).

    Attributes
    ----------
    widths, middle : ndarray of float64, shape (n,)
        The mean device.
    temperatures : dict of float to ndarray
        The same at other temperatures, K.
    device_bins : dict of float to ndarray of shape (device bins, n)
        The same of bins by rising critical current, for relative standard deviations.
    """

    widths: _Floats
    middle: _Floats
    temperatures: Mapping[float, _Floats]
    device_bins: Mapping[float, _Floats]


def _panels(count: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    """Make a row of panels that share the vertical axis."""
    figure = Figure(figsize=(width * count, height), layout="constrained")
    panels: Any = figure.subplots(1, count, sharey=True, squeeze=False)
    for panel in panels[0]:
        panel.grid(alpha=0.3)
    return figure, list(panels[0])


def columns(count: int) -> tuple[Figure, list[Any]]:
    """Make a row of panels, each with its own axes."""
    figure = Figure(figsize=(5 * count, 4), layout="constrained")
    panels: Any = figure.subplots(1, count, squeeze=False)
    for panel in panels[0]:
        panel.grid(alpha=0.3)
    return figure, list(panels[0])


def switching(
    curves: Mapping[float, Mapping[str, Callable[[_Floats], _Floats]]],
    points: Sequence[PlotPoint],
    time_constant: float,
    title: str,
    reason: str,
) -> Figure:
    """Draw P_sw against width, all models, one panel per overdrive, with the counted points.

    Parameters
    ----------
    curves : dict of float to dict of str to callable
        Overdrive -> model -> probability of widths in s.
    points : sequence of Point
        Counted probabilities.
    time_constant : float
        s, for the length of the axes.
    title : str
        Title of the figure.
    reason : str
        Why there are no points; empty where there are some.

    Returns
    -------
    Figure
        To be saved.
    """
    figure, panels = _panels(len(curves), 4.2, 3.8)
    for panel, (overdrive, models) in zip(panels, curves.items(), strict=True):
        widths = np.linspace(0, 6 * time_constant / (overdrive - 1), 241)
        for model, probability in models.items():
            panel.plot(widths * 1e9, probability(widths), label=model)
        found = [point for point in points if point.overdrive == overdrive]
        if found:
            middle = np.array([point.probability for point in found])
            low, high = (np.array([getattr(point, end) for point in found]) for end in ("low", "high"))
            panel.errorbar(
                [point.width * 1e9 for point in found],
                middle,
                np.stack([middle - low, high - middle]),
                fmt="k.",
                capsize=2,
                label="stochastic LLG (cmtj)",
            )
        panel.set(xlabel="pulse width, ns", title=f"i = {overdrive:g}")
    panels[0].set(ylabel="switching probability")
    panels[-1].legend(fontsize="small")
    figure.suptitle(f"{title}{f': no independent solver, {reason}' if reason else ''}", fontsize="medium")
    return figure


def bands(models: Mapping[str, Bands], title: str) -> Figure:
    """Draw how temperature and device variation move P_sw, one panel per model.

    Parameters
    ----------
    models : dict of str to Bands
        Form -> what is drawn.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        To be saved.
    """
    figure, panels = _panels(len(models), 3.6, 3.8)
    for panel, (model, band) in zip(panels, models.items(), strict=True):
        width = band.widths * 1e9
        for shade, (sigma, device_bins) in enumerate(sorted(band.device_bins.items(), reverse=True)):
            # about the central 95 % of devices
            edge = max(1, round(0.025 * len(device_bins)))
            panel.fill_between(
                width,
                device_bins[-1 - edge],
                device_bins[edge],
                color="tab:blue",
                alpha=0.2 + 0.2 * shade,
                linewidth=0,
                label=f"95 % of devices, sigma {sigma:.0%} (assumed)",
            )
        panel.plot(width, band.middle, "k", label="mean device")
        for temperature, probability in band.temperatures.items():
            panel.plot(width, probability, "--", linewidth=1, label=f"{temperature:g} K")
        panel.set(xlabel="pulse width, ns", title=model)
    panels[0].set(ylabel="switching probability")
    panels[-1].legend(fontsize="x-small", loc="lower right")
    figure.suptitle(title, fontsize="medium")
    return figure


def tables(shown: Mapping[str, tuple[PulseParameters, SwitchingParameters]]) -> Figure:
    """Draw what pulse tables ask for and get, and the difference.

    Parameters
    ----------
    shown : dict of str to (PulseParameters, SwitchingParameters)
        Label -> tables.

    Returns
    -------
    Figure
        To be saved.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels: Any = figure.subplots(1, 2)
    slopes = set()
    for label, (pulse, switching_parameters) in shown.items():
        index = np.arange(len(pulse.targets)) / len(pulse.targets)
        got = switching_parameters.probabilities[:, pulse.codes(switching_parameters)]
        if pulse.slope not in slopes:
            slopes.add(pulse.slope)
            panels[0].plot(index, pulse.targets, "k", linewidth=1)
        panels[0].plot(index, got.mean(axis=0), ".", markersize=4, label=label)
        worst = got - pulse.targets
        panels[1].plot(
            index, worst[np.abs(worst).argmax(axis=0), np.arange(len(index))], ".-", linewidth=0.5, label=label
        )
    panels[0].set(xlabel="|nu|", ylabel="probability", title="asked (line) and given (points)")
    panels[1].set(xlabel="|nu|", ylabel="given - asked, worse direction", title="residual")
    panels[1].axhspan(-0.01, 0.01, color="grey", alpha=0.15, linewidth=0)
    for panel in panels:
        panel.grid(alpha=0.3)
    panels[0].legend(fontsize="x-small")
    return figure
