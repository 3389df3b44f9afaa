"""The reference of all fields of a configuration, `docs/configuration.md`."""

import dataclasses
import tomllib
from itertools import starmap, takewhile
from typing import Any

import docstring_parser

from gen import config, config_fields

#: Where the reference is kept, from the project's root.
REFERENCE = "docs/configuration.md"

_INTRODUCTION = """# Configuration

Written by `mtj-gxnor configs --reference` from the docstrings of the parameters.

A configuration is a TOML file. `--config`, and `CONFIG=` of make, take a named one, or the path of a file of your own:

```toml
base = "digits"          # everything else as there

[array]
scheme = "blind"
```

`base` names a configuration or a TOML file beside this one, which may have a base itself. Tables are laid over the
base's field by field; `device`, `[switching.junction]` and `[switching.fitted]` replace one another. A field that no
file gives has its default; a field without default must be given.

## Named configurations

| name | base | |
| --- | --- | --- |
"""


def files() -> dict[str, str]:
    """Write the reference.

    Returns
    -------
    dict of str to str
        `REFERENCE` -> content.
    """
    named = "".join(_named(name) for name in config.names())
    paths: dict[type, list[str]] = {}
    for path, parameters in config_fields.tables():
        paths.setdefault(parameters, []).append(path)
    return {REFERENCE: _INTRODUCTION + named + "".join(starmap(_table, paths.items()))}


def _named(name: str) -> str:
    """Write the row of a named configuration; the comment at its head says what it is for."""
    text = config.find(name).read_text("utf-8")
    head = takewhile(lambda line: line.startswith("#"), text.splitlines())
    meaning = " ".join(line.removeprefix("# ") for line in head)
    return f"| `{name}` | {tomllib.loads(text).get('base', '')} | {meaning} |\n"


def _table(parameters: type, paths: list[str]) -> str:
    """Write the section of a table, or of several with the same fields."""
    summary = docstring_parser.parse(parameters.__doc__ or "").short_description
    heading = ", ".join(f"`[{path}]`" if path else "Top level" for path in paths)
    rows = [_row(field) for field in config_fields.fields(parameters) if not _plain_table(field)]
    rows += [
        f"| `{name}` | a string | none | | {meaning}. |\n"
        for where, meaning in config_fields.FILE_FIELDS.items()
        for table, _, name in [where.rpartition(".")]
        if table in paths
    ]
    head = "| field | type | default | range | meaning |\n| --- | --- | --- | --- | --- |\n"
    return f"\n## {heading}\n\n{summary}\n\n{head}{''.join(rows)}"


def _plain_table(field: config_fields.Field) -> bool:
    """Whether a field is a table that may be left out, about which its own section says all."""
    return field.table is not None and field.default is not None


def _row(field: config_fields.Field) -> str:
    """Write the row of a field."""
    meaning = field.meaning.replace("``", "`").replace("|", "\\|")
    allowed = field.range.strip("{}").replace("'", '"')
    cells = (f"`{field.name}`", config_fields.described(field.hint), _default(field.default), allowed, meaning)
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")


def _default(value: Any) -> str:
    """Write a default as TOML has it."""
    if value is dataclasses.MISSING:
        return "must be given"
    if value is None or value == "":
        return "none"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
