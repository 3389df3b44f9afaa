"""``mtj-gxnor bitstream, boards, flash, board-table, area``: the open FPGA flow."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fpga.flow import area_sweep, bitstream, own_boards, table
from fpga.flow.boards import BOARDS, VARIANTS, Board, board
from fpga.flow.flash import flash
from fpga.flow.project import project
from gen import config as configs

_Board = Annotated[str, typer.Option("--board", help=f"One of {', '.join(BOARDS | VARIANTS)}, or a file .toml or .py.")]


def _chosen(name: str) -> tuple[str, Board]:
    """Give what a board is called in folders, and the board."""
    path = Path(name)
    return (path.stem, own_boards.load(path)) if path.suffix in (".toml", ".py") else (name, board(name))


def list_boards() -> None:
    """List the boards."""
    for name, found in (BOARDS | VARIANTS).items():
        print(
            f"{name:12}{found.title}, {found.device}, {found.target_mhz:g} MHz; "
            f"serial line of {found.baud} baud: {found.serial}"
        )


def make_bitstream(
    name: _Board = "icebreaker",
    config: Annotated[str, typer.Option(help="Configuration, named or .toml; the board's own if not given.")] = "",
    target_mhz: Annotated[float, typer.Option(help="Clock; the board's own if not given.", min=0.0)] = 0.0,
) -> None:
    """Make the bitstream of a board, and build/reports/fpga-NAME.json."""
    name, chosen = _chosen(name)
    chosen = replace(chosen, config=config or chosen.config, target_mhz=target_mhz or chosen.target_mhz)
    title = configs.title(chosen.config)
    machine = configs.load(chosen.config)
    content, made = bitstream.build(project(name if not config else f"{name}-{title}", chosen, machine, title))
    print(
        f"{'made' if made else 'unchanged:'} {bitstream.BUILD / content['name']}: {content['fmax_mhz']:g} MHz "
        f"(target {content['target_mhz']:g}), {content['lut']} LUT4, {content['lut_per_lane']:g} per lane, "
        f"{content['lanes']} lanes, {content['wall_seconds']:.0f} s, design {content['design_sha256'][:16]}"
    )


def load(name: _Board = "icebreaker") -> None:
    """Load the bitstream of a board into it."""
    name, chosen = _chosen(name)
    flash(name, chosen, bitstream.BUILD)
    print(f"loaded {name}")


def board_table() -> None:
    """Write the table of docs/fpga.md from the reports of the boards."""
    print("wrote docs/fpga.md" if table.update() else "unchanged: docs/fpga.md")


def area() -> None:
    """Synthesize machines that differ in an option: build/reports/fpga-options.json and a table of docs/fpga.md."""
    rows = map(area_sweep.row, area_sweep.write())
    changed = table.insert(table.DOCUMENT, "area", area_sweep.HEAD, rows)
    print("wrote docs/fpga.md" if changed else "unchanged: docs/fpga.md")


COMMANDS = {
    "bitstream": make_bitstream,
    "boards": list_boards,
    "flash": load,
    "board-table": board_table,
    "area": area,
}
