"""``mtj-gxnor device, fit``: physics of the junctions."""

from pathlib import Path
from typing import Annotated

import typer

from gen import config as configs
from golden.device.fit import fit
from golden.device.junction import JUNCTIONS
from golden.device.measured import read
from golden.device.switching import MODELS
from golden.lib.atomic_write import whole
from mtj_gxnor.commands.options import BUILD, Build
from sim.device.device_report import make
from sim.device.sections import DeviceJob


def device(
    device: Annotated[str, typer.Option(help=f"Parameter set: {', '.join(JUNCTIONS)}.")] = "perpendicular_50nm",
    temperature: Annotated[float, typer.Option(help="Temperature, K.")] = 300.0,
    overdrive: Annotated[float, typer.Option(help="Write current over critical current.")] = 2.0,
    trajectories: Annotated[int, typer.Option(help="Trajectories of the independent solver, per overdrive.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 1,
    code_bits: Annotated[int, typer.Option(help="Bits of the width codes counted in RTL.")] = 6,
    build: Build = BUILD,
) -> None:
    """Report on a device: write build/reports/device.json and plots beside it."""
    job = _job(device, temperature, overdrive, trajectories, seed, code_bits)
    report, plots = make(job, build)
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
        f"{report['min_stream_separation_log2']:.1f}; {build}/reports/device.json, {', '.join(plots)}"
    )


def _job(device: str, temperature: float, overdrive: float, trajectories: int, seed: int, code_bits: int) -> DeviceJob:
    """Make a job of the options."""
    if device not in JUNCTIONS:
        raise ValueError(f"unknown device {device!r}: give one of {', '.join(JUNCTIONS)}")
    if not 1.3 <= overdrive <= 10:
        raise ValueError(f"overdrive must be 1.3 .. 10 times the critical current, not {overdrive}")
    if not 1 <= temperature <= 10_000:
        raise ValueError(f"temperature must be 1 .. 10000 K, not {temperature}")
    if trajectories < 1:
        raise ValueError(f"trajectories must be >= 1, not {trajectories}")
    if seed < 0:
        raise ValueError(f"seed must be >= 0, not {seed}")
    if not 1 <= code_bits <= 6:
        raise ValueError(f"code_bits must be 1 .. 6, not {code_bits}")
    return DeviceJob(device, temperature, overdrive, trajectories, seed, code_bits)


def fit_device(
    csv: Annotated[Path, typer.Argument(help="Rows of current_A or voltage_V, width_s, p_sw [, attempts, direction].")],
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "erf",
    geometry: Annotated[str, typer.Option(help="perpendicular or in_plane.")] = "perpendicular",
    temperature: Annotated[float, typer.Option(help="Temperature of the measurement, K.")] = 300.0,
    attempt_time: Annotated[float, typer.Option(help="tau_0 in s, for neel_brown.")] = 1e-9,
    resistance: Annotated[float, typer.Option(help="Ohm that turn voltages into currents.")] = 0.0,
    config: Annotated[str, typer.Option(help="Configuration that gets the device, named or .toml.")] = "digits",
    output: Annotated[Path, typer.Option(help="Where the configuration goes.")] = BUILD / "fit.toml",
) -> None:
    """Fit a switching model to measured switching, and write a configuration with that device."""
    fitted = fit(read(csv, resistance), model, geometry, temperature, attempt_time)
    switching = fitted.toml()
    text = configs.with_switching(config, switching, output)
    with whole(output) as temporary:
        temporary.write_text(text, "utf-8")
    print(f"{switching}# in {output}, otherwise as {config}")


COMMANDS = {"device": device, "fit": fit_device}
