"""The tables of docs/fpga.md, from the reports."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fpga.flow.bitstream import REPORTS
from fpga.flow.boards import BOARDS
from fpga.flow.tools import FlowError
from golden.lib import marked_text

#: Where the tables stand, and the lines around one, the first with the command that makes it.
DOCUMENT = Path("docs/fpga.md")
BEGIN, END = "<!-- made by mtj-gxnor {} -->", "<!-- end of the table -->"

_HEAD = (
    "board",
    "network",
    "lanes",
    "MHz, reached (target)",
    "LUT4",
    "per lane: lanes alone (all)",
    "flip-flops",
    "block RAM",
    "multipliers",
    "cycles per sample",
    "samples per second",
    "build, s",
)


def row(content: dict[str, Any]) -> str:
    """Write a report as a row.

    Parameters
    ----------
    content : dict
        The report.

    Returns
    -------
    str
        A line of Markdown.
    """
    large = f" + {content['spram']} SPRAM" if content["spram"] else ""
    cells = [
        f"{content['board']}, {content['device']}",
        "-".join(map(str, content["layers"])),
        content["lanes"],
        f"{content['fmax_mhz']:.1f} ({content['target_mhz']:g})",
        content["lut"],
        f"{content['lut_per_lane']:g} ({content['lut_per_lane_whole']:g})",
        content["ff"],
        f"{content['bram']}{large}",
        content["dsp"],
        f"{content['cycles_per_sample']:.0f}",
        f"{content['samples_per_second']:.0f}",
        f"{content['wall_seconds']:.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def update(document: Path = DOCUMENT, reports: Path = REPORTS) -> bool:
    """Write the table into the document.

    Parameters
    ----------
    document : Path
        The document.
    reports : Path
        Where the reports are.

    Returns
    -------
    bool
        Whether that changed it.

    Raises
    ------
    FlowError
        If no board has a report, or the document has no place for the table.
    """
    paths = [reports / f"fpga-{name}.json" for name in BOARDS]
    found = [json.loads(path.read_text()) for path in paths if path.is_file()]
    if not found:
        raise FlowError(f"no reports in {reports}: mtj-gxnor bitstream --board {next(iter(BOARDS))} first")
    return insert(document, "board-table", _HEAD, map(row, found), texts=2)


def insert(document: Path, command: str, head: Sequence[str], rows: Iterable[str], *, texts: int = 1) -> bool:
    """Write a table into a document.

    Parameters
    ----------
    document : Path
        The document.
    command : str
        Of ``python -m fpga``, that makes the table.
    head : sequence of str
        Names of the columns.
    rows : iterable of str
        Lines of Markdown.
    texts : int
        Columns that are text, the first ones.

    Returns
    -------
    bool
        Whether that changed the document.

    Raises
    ------
    UserError
        If it has no place for the table.
    """
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, rule)]
    return marked_text.insert(document, BEGIN.format(command), END, "\n".join([*lines, *rows]))
