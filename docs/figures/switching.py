"""Switching probability against pulse width, by model: what a width code can ask for."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from golden.device.junction import JUNCTIONS
from golden.device.switching import MODELS

_DEVICE = "perpendicular_50nm"
_TEMPERATURE = 300.0
_ABOVE = 1.5
_BELOW = (0.85, 0.9, 0.95)


def draw() -> Figure:
    """Draw the models above the critical current, and the one below it."""
    junction = JUNCTIONS[_DEVICE]
    stability, constant = junction.stability(_TEMPERATURE), junction.time_constant(_TEMPERATURE)
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels: Any = figure.subplots(1, 2, sharey=True)
    above, below = panels
    widths = np.linspace(0, 30e-9, 301)
    for name, model in MODELS.items():
        if model.above:
            above.plot(widths * 1e9, model.probability(widths, _ABOVE, stability, constant), label=name)
    above.set(xlabel="pulse width, ns", ylabel="P_sw", title=f"above the critical current, i = {_ABOVE}")
    widths = np.geomspace(1e-9, 1e-4, 301)
    for overdrive in _BELOW:
        found = MODELS["neel_brown"].probability(widths, overdrive, stability, junction.attempt_time)
        below.plot(widths * 1e9, found, label=f"neel_brown, i = {overdrive}")
    below.set(xlabel="pulse width, ns", xscale="log", title="below it: thermal activation")
    for panel in panels:
        panel.grid(alpha=0.3)
        panel.legend()
    figure.suptitle(f"{_DEVICE}, {_TEMPERATURE:.0f} K, stability {stability:.1f}, i = I / I_c0", fontsize="medium")
    return figure
