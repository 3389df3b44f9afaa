"""Finished runs as a table in docs/accuracy.md; what earlier machines found is kept in docs/accuracy.json."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.settings import RULES

#: Between these lines of the document stands what is made here.
BEGIN, END = "<!-- made by make accuracy-table -->", "<!-- end -->"

#: What a row keeps of a report.
_KEPT = [
    *("dataset", "rule", "seed", "test_accuracy_last", "test_accuracy_best", "epochs", "parameters", "width"),
    *("network", "seconds", "device", "data", "command", "date", "test_curve", "train_curve"),
]


def collect(known: Path, folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Add the reports of finished runs to the rows that are known; a run of the same command replaces its row.

    Parameters
    ----------
    known : Path
        JSON of rows; it need not exist.
    folders : iterable of Path
        Folders of runs, each with ``report.json`` or without.

    Returns
    -------
    list of dict
        All rows, by command.
    """
    rows = {row["command"]: row for row in (json.loads(known.read_text()) if known.is_file() else [])}
    for folder in folders:
        path = folder / "report.json"
        found = json.loads(path.read_text()) if path.is_file() else {"finished": False}
        if found["finished"]:
            rows[found["command"]] = {name: found[name] for name in _KEPT}
    return [rows[command] for command in sorted(rows)]


def _group(row: dict[str, Any]) -> str:
    """Command without rule and seed: rows of one group differ in these alone."""
    words = row["command"].split()
    return " ".join(word for word in words if not word.startswith(("RULE=", "SEED=")))


def render(rows: list[dict[str, Any]]) -> str:
    """Write rows as Markdown: every run, then mean and spread over seeds, and the gap between the rules."""
    lines = [
        "| command | last epoch | best epoch | epochs | parameters | minutes | machine | date |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        lines.append(
            f"| `{row['command']}` | {100 * row['test_accuracy_last']:.2f} % | {100 * row['test_accuracy_best']:.2f} % "
            f"| {row['epochs']} | {row['parameters']} | {row['seconds'] / 60:.0f} | {row['device']} "
            f"| {row['date'][:10]} |"
        )
    groups: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[_group(row)][row["rule"]].append(row)
    lines += [
        "",
        "Mean over seeds and standard deviation between them; the gap is that of the means, with its standard error.",
        "",
        "| runs | rule | seeds | last epoch | best epoch | gap to `gxnor`, last epoch |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for group, rules in groups.items():
        for rule in (rule for rule in RULES if rule in rules):
            found = [[row[f"test_accuracy_{which}"] for row in rules[rule]] for which in ("last", "best")]
            last, best = (_spread(values) for values in found)
            gap = "" if rule == "gxnor" or "gxnor" not in rules else _gap(rules["gxnor"], rules[rule])
            lines.append(f"| `{group}` | `{rule}` | {len(found[0])} | {last} | {best} | {gap} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    spread = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.2f}{spread} %"


def _gap(standard: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    """Mean of some rows less mean of others, with the standard error of the difference."""
    theirs, mine = ([row["test_accuracy_last"] for row in part] for part in (standard, rows))
    text = f"{100 * (statistics.mean(mine) - statistics.mean(theirs)):+.2f}"
    if len(theirs) > 1 and len(mine) > 1:
        error = sum(statistics.variance(part) / len(part) for part in (theirs, mine)) ** 0.5
        text += f" ± {100 * error:.2f}"
    return f"{text} %"
