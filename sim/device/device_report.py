"""Device physics: report and plots."""

import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gen.provenance import stamp
from golden.lib.atomic_write import whole, write_json
from sim.device.hardware import Statistics, Streams
from sim.device.sections import SECTIONS, DeviceJob

_PACKAGES = ("numpy", "scipy", "matplotlib", "cmtj")


def _versions() -> dict[str, str]:
    """Versions of packages on which the numbers depend; those that are missing are left out."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def make(job: DeviceJob, build: Path) -> tuple[dict[str, Any], list[str]]:
    """Work through all sections; write ``reports/device.json`` and plots beside it.

    Parameters
    ----------
    job : DeviceJob
        Device, conditions and effort.
    build : Path
        Folder of designs and reports.

    Returns
    -------
    report : dict
        Content of the report.
    plots : list of str
        Files of the plots.
    """
    report: dict[str, Any] = {}
    figures = {}
    sections = (*SECTIONS, Streams(), Statistics(build / "attempts"))
    total = sum(section.steps(job) for section in sections)
    with tqdm(total=total, unit="step", file=sys.stderr, dynamic_ncols=True, mininterval=0.5) as bar:
        for section in sections:
            bar.set_postfix_str(type(section).__name__.lower(), refresh=False)
            result = section.run(job, bar.update)
            report.update(result.values)
            figures.update(result.figures)
    report |= {"job": asdict(job), "seed": job.seed, **stamp(**_versions())}
    for name, figure in figures.items():
        with whole(build / "reports" / f"{name}.svg") as temporary:
            figure.savefig(temporary, format="svg")
    write_json(build / "reports" / "device.json", report)
    return report, [f"{name}.svg" for name in figures]
