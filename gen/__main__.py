"""Command line of the generator: ``python -m gen``."""

import json
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from gen import config as configs
from gen import config_docs, register_docs
from gen import verilog as generator
from golden.config import MachineConfig
from golden.device.fit import fit
from golden.device.measured import MeasurementError, read
from golden.device.switching import MODELS
from golden.lib.atomic_write import whole
from sim import lint as linting
from sim.verilator import ToolError

_BUILD = Path("build/verilog")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Generate and check Verilog and what describes it; fit devices.",
)


def _generate(machine: MachineConfig, title: str, output: Path) -> tuple[Path, str]:
    """Generate a machine; return its folder and one line about it."""
    files = generator.machine_files(machine, title)
    folder = output / title
    state = "wrote" if generator.write(files, folder) else "unchanged:"
    digest = json.loads(files["manifest.json"])["sha256"]
    return folder, f"{state} {folder}, {machine.geometry.rows} rows x {machine.array.lanes} lanes, sha256 {digest[:16]}"


@app.command("verilog")
def verilog_command(
    config: Annotated[str, typer.Option(help="Named configuration, or the path of a TOML file.")],
    output: Annotated[Path, typer.Option(help="Folder; files go to OUTPUT/<configuration>/.")] = _BUILD,
) -> None:
    """Generate Verilog and manifest of a machine."""
    typer.echo(_generate(configs.load(config), configs.title(config), output)[1])


@app.command("configs")
def configs_command(
    reference: Annotated[
        bool, typer.Option(help=f"Write {config_docs.REFERENCE}, the meaning of every field.")
    ] = False,
) -> None:
    """List the named configurations."""
    for name in configs.names():
        typer.echo(name)
    if reference:
        generator.write(config_docs.files(), Path())


def _lint(name: str) -> list[str]:
    """Generate a named configuration and lint it."""
    folder, _ = _generate(configs.load(name), name, _BUILD)
    return [f"{folder}: {finding}" for finding in linting.machine(folder)]


@app.command("lint")
def lint_command() -> None:
    """Generate the named configurations into build/verilog and lint them with Verilator and Yosys."""
    machines = [name for name in configs.names() if linting.worthwhile(configs.load(name))]
    shown = {"desc": "lint", "unit": "configuration", "total": len(machines), "disable": not sys.stderr.isatty()}
    # Ctrl-C is for this process; it ends the tools that the others wait for
    with ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        findings = list(chain.from_iterable(tqdm(pool.map(_lint, machines), **shown)))
    for finding in findings:
        typer.echo(finding, err=True)
    if findings:
        raise typer.Exit(1)
    typer.echo(f"no findings in the Verilog of {', '.join(machines)}")


@app.command("registers")
def registers_command(
    html: Annotated[Path, typer.Option(help="Folder for the reference as HTML pages.")] = Path("build/registers/html"),
) -> None:
    """Write the reference of the registers, as Markdown and HTML, and their C header."""
    files = register_docs.files()
    state = "wrote" if generator.write(files, Path()) else "unchanged:"
    register_docs.write_html(html)
    typer.echo(f"{state} {', '.join(files)}; wrote {html}/index.html")


@app.command("fit")
def fit_command(
    csv: Annotated[Path, typer.Argument(help="Rows of current_A or voltage_V, width_s, p_sw [, attempts, direction].")],
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")],
    geometry: Annotated[str, typer.Option(help="perpendicular or in_plane.")] = "perpendicular",
    temperature: Annotated[float, typer.Option(help="Temperature of the measurement, K.")] = 300.0,
    attempt_time: Annotated[float, typer.Option(help="tau_0 in s, for neel_brown.")] = 1e-9,
    resistance: Annotated[float, typer.Option(help="Ohm that turn voltages into currents.")] = 0.0,
    config: Annotated[str, typer.Option(help="Configuration that gets the device, named or .toml.")] = "digits",
    output: Annotated[Path, typer.Option(help="Where the configuration goes.")] = Path("build/fit.toml"),
) -> None:
    """Fit a model to measured switching, and write a configuration with that device."""
    fitted = fit(read(csv, resistance), model, geometry, temperature, attempt_time)
    switching = fitted.toml()
    text = configs.with_switching(config, switching, output)
    with whole(output) as temporary:
        temporary.write_text(text, "utf-8")
    typer.echo(f"{switching}# in {output}, otherwise as {config}")


def main() -> None:
    """Run the command line; an error that the user can mend is one line."""
    try:
        app()
    except (configs.ConfigError, MeasurementError, ToolError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}")


if __name__ == "__main__":
    main()
