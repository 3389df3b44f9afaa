"""All figures as files: the same code gives the same bytes."""

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from docs.figures import pipeline, switching, synapse

#: Where the figures are.
FOLDER = Path(__file__).resolve().parent

_DRAWN = {"pipeline": pipeline.draw, "switching": switching.draw, "synapse": synapse.draw}


def _svg(figure: Figure) -> str:
    """SVG of a figure, without what differs from run to run."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "mtj-gxnor"}):
        figure.savefig(text, format="svg", metadata={"Date": None}, facecolor="white")
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def files() -> dict[str, str]:
    """Draw everything: file name -> content."""
    return {f"{name}.svg": _svg(draw()) for name, draw in _DRAWN.items()}
