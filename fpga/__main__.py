"""Command line of the boards: ``python -m fpga``."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from fpga.flow import area_sweep, bitstream, table
from fpga.flow.boards import BOARDS, BoardError, board
from fpga.flow.clocks import ClockError
from fpga.flow.flash import flash
from fpga.flow.project import project
from fpga.flow.tools import FlowError
from gen import config as configs

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Bitstreams for boards."
)
_BOARD = Annotated[str, typer.Option("--board", help=f"One of {', '.join(BOARDS)}.")]


@app.command("boards")
def boards_command() -> None:
    """List the boards."""
    for name, found in BOARDS.items():
        typer.echo(
            f"{name:12}{found.title}, {found.device}, {found.target_mhz:g} MHz; "
            f"serial line of {found.baud} baud: {found.serial}"
        )


@app.command("bitstream")
def bitstream_command(
    name: _BOARD,
    config: Annotated[str, typer.Option(help="Configuration, named or .toml; the board's own if not given.")] = "",
    target_mhz: Annotated[float, typer.Option(help="Clock; the board's own if not given.", min=0.0)] = 0.0,
) -> None:
    """Make the bitstream of a board, and build/reports/fpga-NAME.json."""
    chosen = board(name)
    chosen = replace(chosen, config=config or chosen.config, target_mhz=target_mhz or chosen.target_mhz)
    title = configs.title(chosen.config)
    machine = configs.load(chosen.config)
    content, made = bitstream.build(project(name if not config else f"{name}-{title}", chosen, machine, title))
    typer.echo(
        f"{'made' if made else 'unchanged:'} {bitstream.BUILD / content['name']}: {content['fmax_mhz']:g} MHz "
        f"(target {content['target_mhz']:g}), {content['lut']} LUT4, {content['lut_per_lane']:g} per lane, "
        f"{content['lanes']} lanes, {content['wall_seconds']:.0f} s, design {content['design_sha256'][:16]}"
    )


@app.command("flash")
def flash_command(name: _BOARD) -> None:
    """Load the bitstream of a board into it."""
    flash(name, board(name), bitstream.BUILD)
    typer.echo(f"loaded {name}")


@app.command("table")
def table_command() -> None:
    """Write the table of docs/fpga.md from the reports of the boards."""
    typer.echo("wrote docs/fpga.md" if table.update() else "unchanged: docs/fpga.md")


@app.command("options")
def options_command() -> None:
    """Synthesize machines that differ in an option: build/reports/fpga-options.json and a table of docs/fpga.md."""
    rows = map(area_sweep.row, area_sweep.write())
    changed = table.insert(table.DOCUMENT, "options", area_sweep.HEAD, rows)
    typer.echo("wrote docs/fpga.md" if changed else "unchanged: docs/fpga.md")


def main() -> None:
    """Run the command line; an error that the user can mend is one line."""
    try:
        app()
    except (BoardError, ClockError, FlowError, configs.ConfigError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}")


if __name__ == "__main__":
    main()
