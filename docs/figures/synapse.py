"""The synapse: two junctions, their four states, and what one pulse of either polarity can make of each."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from golden.array.synapse_array import ArrayParameters, SynapseArray
from golden.lfsr import LfsrParameters
from golden.tables import SwitchingParameters

#: States (R1, R2), where they stand in a diagram, and what they are called.
_STATES = {
    (0, 1): ((0.0, 0.0), "-1"),
    (0, 0): ((1.0, -0.55), "0, weak"),
    (1, 1): ((1.0, 0.55), "0, strong"),
    (1, 0): ((2.0, 0.0), "+1"),
}
_COLOURS = {True: "tab:red", False: "tab:blue"}
#: Enough lanes that every outcome of a pulse occurs, with the code in the middle of its range.
_LANES, _CODE = 64, 16


def outcomes(scheme: str, *, increase: bool) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    """States before and after one pulse of the golden array, where they differ."""
    array = SynapseArray(
        ArrayParameters(lanes=_LANES, group=16, scheme=scheme), SwitchingParameters(), LfsrParameters(), rows=1
    )
    found = set()
    for before in _STATES:
        array.write(0, *np.repeat(np.array([before]).T, _LANES, axis=1))
        array.pulse(0, np.full(_LANES, increase), np.full(_LANES, _CODE, np.uint8))
        found |= {(before, (int(r1), int(r2))) for r1, r2 in zip(array.r1[0], array.r2[0], strict=True)}
    return {(before, after) for before, after in found if before != after}


def _junction(panel: Any, left: float, bottom: float, *, parallel: bool, name: str) -> None:
    """Draw the two layers of a junction, with their magnetisations."""
    for at, (colour, up) in enumerate((("lightgrey", True), ("moccasin", parallel))):
        low = bottom + 0.36 * at
        panel.add_patch(Rectangle((left, low), 0.5, 0.3, facecolor=colour, edgecolor="black", linewidth=0.8))
        start, end = (low + 0.05, low + 0.25) if up else (low + 0.25, low + 0.05)
        panel.annotate("", (left + 0.25, end), (left + 0.25, start), arrowprops={"arrowstyle": "->"})
    panel.text(left + 0.25, bottom - 0.16, f"{name} {'P' if parallel else 'AP'}", ha="center", va="center", fontsize=8)


def _states(panel: Any) -> None:
    """Draw the four states as junctions."""
    for at, ((r1, r2), (_, weight)) in enumerate(_STATES.items()):
        _junction(panel, 1.7 * at, 0, parallel=bool(r1), name="R1")
        _junction(panel, 1.7 * at + 0.65, 0, parallel=bool(r2), name="R2")
        panel.text(1.7 * at + 0.575, 0.9, f"({r1}, {r2})   w = {weight}", ha="center", fontsize=9)
    panel.text(-0.08, 0.51, "free layer", ha="right", va="center", fontsize=8)
    panel.text(-0.08, 0.15, "fixed layer", ha="right", va="center", fontsize=8)
    panel.set(
        xlim=(-1.1, 6.4),
        ylim=(-0.35, 1.15),
        aspect="equal",
        title="w = R1 - R2;  1: parallel (P), 0: antiparallel (AP)",
    )


def _pulses(panel: Any, scheme: str) -> None:
    """Draw what a pulse does to each state."""
    for (r1, r2), ((x, y), weight) in _STATES.items():
        panel.text(
            x, y, f"({r1}, {r2})\n{weight}", ha="center", va="center", fontsize=9,
            bbox={"boxstyle": "round", "facecolor": "white"},
        )  # fmt: skip
    for increase, colour in _COLOURS.items():
        for before, after in sorted(outcomes(scheme, increase=increase)):
            panel.annotate(
                "", _STATES[after][0], _STATES[before][0],
                arrowprops={
                    "arrowstyle": "->", "color": colour, "shrinkA": 24, "shrinkB": 24,
                    "connectionstyle": "arc3,rad=0.18",
                },
            )  # fmt: skip
    panel.set(xlim=(-0.4, 2.4), ylim=(-0.95, 0.95))


def draw() -> Figure:
    """Draw the states, and the pulses of both write schemes."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    panels: Any = figure.subplot_mosaic([["states", "states"], ["verified", "blind"]], height_ratios=[1, 1.7])
    _states(panels["states"])
    titles = {
        "verified": "verified: one device, the one that moves w by one step",
        "blind": "blind: both devices, each by its own chance",
    }
    for scheme, title in titles.items():
        _pulses(panels[scheme], scheme)
        panels[scheme].set_title(title, fontsize="medium")
    for panel in panels.values():
        panel.set_axis_off()
    figure.text(
        0.5,
        0.01,
        "red: increase (R1 towards P, R2 towards AP)     blue: decrease (the reverse)",
        ha="center",
        fontsize=9,
    )
    return figure
