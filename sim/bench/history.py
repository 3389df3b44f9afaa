"""What was measured, commit by commit: a line per commit in a CSV file, and its plot."""

import csv
import datetime
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from golden.lib.atomic_write import whole
from golden.lib.errors import UserError

#: Column -> key of the report of `make bench`.
_BENCH = {
    "cycles_per_second": "rtl_cycles_per_second",
    "samples_per_second": "rtl_train_samples_per_second",
    "forward_gops": "rtl_forward_gops",
    "backward_gops": "rtl_backward_gops",
    "update_gops": "rtl_update_gops",
    "times_icarus": "vs_icarus",
    "numba_times_numpy": "numba_vs_numpy",
}
#: Figures of a board -> key of its report.
_BOARD = {"lut": "lut", "fmax_mhz": "fmax_mhz"}
#: Panels of the plot: label of the axis, columns.
_PANELS = (
    ("thousand clock cycles per second", 1e3, ("cycles_per_second",)),
    ("training samples per second", 1, ("samples_per_second",)),
    ("10^9 synapse operations per second", 1, ("forward_gops", "backward_gops", "update_gops")),
    ("minutes of make test", 1, ("test_minutes",)),
)


class HistoryError(UserError):
    """There is nothing to record; the message is one line."""


def columns(boards: Iterable[str]) -> list[str]:
    """Name the columns of the history."""
    return ["commit", "date", *_BENCH, "test_minutes", *(f"{figure}_{board}" for board in boards for figure in _BOARD)]


def record(
    reports: Path, history: Path, boards: Iterable[str], test_minutes: float | None = None
) -> dict[str, str | float]:
    """Write the present commit's line, in the place of an earlier one of the same commit, and draw the plot.

    Parameters
    ----------
    reports : Path
        Folder of the reports. Those that are older than the commit, and boards without a report, leave fields empty.
    history : Path
        The CSV file; the plot, SVG, has its name.
    boards : iterable of str
        Boards that have columns.
    test_minutes : float, optional
        Wall time of ``make test``, minutes.

    Returns
    -------
    dict
        Column -> value.

    Raises
    ------
    HistoryError
        If there is no repository, or no report of this commit.
    """
    boards = list(boards)
    commit, since = _commit()
    bench = _report(reports / "bench.json", since)
    if not bench:
        raise HistoryError(f"no report of commit {commit} in {reports}: make bench first")
    line: dict[str, str | float] = {"commit": commit, "date": bench["date"][:10]}
    line |= {column: _short(bench.get(key)) for column, key in _BENCH.items()}
    line["test_minutes"] = _short(test_minutes)
    for board in boards:
        found = _report(reports / f"fpga-{board}.json", since)
        line |= {f"{figure}_{board}": _short(found.get(key)) for figure, key in _BOARD.items()}
    lines = [old for old in read(history) if old["commit"] != commit] + [line]
    with whole(history) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns(boards), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    draw(read(history), history.with_suffix(".svg"))
    return line


def read(history: Path) -> list[dict[str, Any]]:
    """Read the lines of a history, oldest first; none if there is no file."""
    if not history.exists():
        return []
    with history.open(newline="") as file:
        return list(csv.DictReader(file))


def draw(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw how the figures have changed."""
    figure = Figure((10, 6), layout="constrained")
    for axis, (label, unit, names) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        for name in names:
            known = [(at, float(line[name]) / unit) for at, line in enumerate(lines) if line[name]]
            axis.plot([at for at, _ in known], [value for _, value in known], "o-", label=name)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.set_xticks(range(len(lines)), [line["commit"] for line in lines], rotation=45)
        axis.grid(visible=True, alpha=0.3)
        if len(names) > 1:
            axis.legend()
    with whole(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def _commit() -> tuple[str, datetime.datetime]:
    """Find the present commit and its date."""
    command = ["git", "log", "-1", "--format=%h %cI"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise HistoryError("a history is kept in a clone of the repository, and git must be installed") from error
    return found[0], datetime.datetime.fromisoformat(found[1])


def _report(path: Path, since: datetime.datetime) -> dict[str, Any]:
    """Read a report; nothing if there is none, or an older one."""
    if not path.is_file():
        return {}
    content = json.loads(path.read_text())
    return content if datetime.datetime.fromisoformat(content["date"]) >= since else {}


def _short(value: float | None) -> str | float:
    """Write four digits of a figure."""
    return "" if value is None else float(f"{value:.4g}")
