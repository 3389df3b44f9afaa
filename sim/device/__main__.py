"""Device physics: report and plots. Command line of ``make device``."""

import json
import math
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from gen.provenance import stamp
from golden.device.junction import JUNCTIONS
from golden.lib.atomic_write import whole
from sim.device.attempts import CountError
from sim.device.hardware import Statistics, Streams
from sim.device.sections import SECTIONS, Job
from sim.verilator import ToolError

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


def _check(device: str, temperature: float, overdrive: float, trajectories: int, seed: int, code_bits: int) -> Job:
    """Make a job of the options."""
    if device not in JUNCTIONS:
        raise ValueError(f"unknown DEVICE={device!r}: give one of {', '.join(JUNCTIONS)}")
    if not 1.3 <= overdrive <= 10:
        raise ValueError(f"OVERDRIVE must be 1.3 .. 10 times the critical current, not {overdrive}")
    if not 1 <= temperature < math.inf:
        raise ValueError(f"TEMPERATURE must be >= 1 K and finite, not {temperature}")
    if trajectories < 1:
        raise ValueError(f"TRAJECTORIES must be >= 1, not {trajectories}")
    if seed < 0:
        raise ValueError(f"SEED must be >= 0, not {seed}")
    if not 1 <= code_bits <= 6:
        raise ValueError(f"CODE_BITS must be 1 .. 6, not {code_bits}")
    return Job(device, temperature, overdrive, trajectories, seed, code_bits)


def main(
    device: Annotated[str, typer.Option(help=f"parameter set: {', '.join(JUNCTIONS)}")] = "perpendicular_50nm",
    temperature: Annotated[float, typer.Option(help="temperature, K")] = 300.0,
    overdrive: Annotated[float, typer.Option(help="write current over critical current")] = 2.0,
    trajectories: Annotated[int, typer.Option(help="trajectories of the independent solver, per overdrive")] = 2000,
    seed: Annotated[int, typer.Option(help="seed of all random draws")] = 1,
    code_bits: Annotated[int, typer.Option(help="bits of the width codes counted in RTL")] = 6,
    build: Annotated[Path, typer.Option(help="folder for everything that is made")] = Path("build"),
) -> None:
    """Report on a device: write build/reports/device.json and plots beside it."""
    try:
        job = _check(device, temperature, overdrive, trajectories, seed, code_bits)
        report, figures = {}, {}
        sections = (*SECTIONS, Streams(), Statistics(build / "attempts"))
        total = sum(section.steps(job) for section in sections)
        with tqdm(total=total, unit="step", file=sys.stderr, dynamic_ncols=True, mininterval=0.5) as bar:
            for section in sections:
                bar.set_postfix_str(type(section).__name__.lower(), refresh=False)
                result = section.run(job, bar.update)
                report.update(result.values)
                figures.update(result.figures)
        report |= {
            "job": asdict(job),
            "seed": seed,
            **stamp(**_versions()),
        }
        reports = build / "reports"
        for name, figure in figures.items():
            with whole(reports / f"{name}.svg") as temporary:
                figure.savefig(temporary, format="svg")
        with whole(reports / "device.json") as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n")
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing was written")
    except (ValueError, OSError, CountError, ToolError) as error:
        sys.exit(f"error: {error}")
    agreement = report["cmtj_agreement"]
    compared = (
        ", ".join(f"{model} {found['largest_difference']:.2f}" for model, found in agreement.items())
        if agreement
        else f"none, {report['cmtj_reason']}"
    )
    print(
        f"{device}: pulse_table_max_residual {report['pulse_table_max_residual']:.4f}; largest difference from the "
        f"independent solver: {compared}; worst_z {report['worst_z']:.2f} of {report['worst_z_allowed']:.2f} in "
        f"{report['rtl_attempts']} attempts in RTL; min_stream_separation_log2 "
        f"{report['min_stream_separation_log2']:.1f}; {reports}/device.json, "
        f"{', '.join(f'{name}.svg' for name in figures)}"
    )


if __name__ == "__main__":
    typer.run(main)
