"""What every report of a simulation says of itself."""

from importlib.metadata import version
from typing import Any

from gen import report


def stamp(**others: str) -> dict[str, Any]:
    """Say how a report was made, see `gen.report.stamp`; the version of cocotb is among the versions."""
    return report.stamp(cocotb=version("cocotb"), **others)
