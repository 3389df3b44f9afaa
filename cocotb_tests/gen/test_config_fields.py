"""Fields of a configuration: ranges that hold, meanings for all, and the reference that is generated from them."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gen import config as configs
from gen import config_docs, config_fields
from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS
from golden.device.switching import MODELS

NONIDEAL = configs.load("digits-nonideal")
#: An object of every table.
TABLES: dict[str, Any] = {
    **{path: getattr(NONIDEAL, path) for path, _ in config_fields.tables() if path and "." not in path},
    "nonideal.columns": NONIDEAL.nonideal.columns,
    "nonideal.rows": NONIDEAL.nonideal.rows,
    "switching.junction": JUNCTIONS["perpendicular_50nm"],
    "switching.fitted": Fitted("perpendicular", 1e-5, 1e-5, 60.0),
}


def _outside(field: config_fields.Field) -> list[Any]:
    """Values just outside the range of a field; none where its range is not of numbers alone."""
    if field.range.startswith("{"):
        return ["other"] if field.hint is str else [max(ast.literal_eval(field.range)) + 1]
    ends = re.fullmatch(r"(-?[\d.]+|>=?)? ?(?:\.\.)? ?(-?[\d.]+)?", field.range.replace("2^64 - 1", str((1 << 64) - 1)))
    if not field.range or ends is None:
        return []
    kind = float if float in (field.hint, *getattr(field.hint, "__args__", ())) else int
    low, high = ends.groups()
    if low in (">", ">="):
        return [kind(high) - (low == ">=")]
    return [kind(low) - 1, kind(high) + 1]


@pytest.mark.parametrize("path", TABLES)
def test_ranges(path: str) -> None:
    """Every field but tables has a meaning, and what its range leaves out is refused by name."""
    table = TABLES[path]
    for field in config_fields.fields(type(table)):
        assert field.meaning or field.table, field.name
        for value in _outside(field):
            with pytest.raises(ValueError, match=field.name):
                replace(table, **{field.name: value})


def test_tables() -> None:
    """All tables are checked; choices and ranges are read as they are meant."""
    assert {path for path, _ in config_fields.tables()} == {"", *TABLES}
    fields = {field.name: field for field in config_fields.fields(type(NONIDEAL.switching))}
    assert ast.literal_eval(fields["model"].range) == {"ideal", *MODELS}
    assert ast.literal_eval(fields["device"].range) == set(JUNCTIONS)
    assert (fields["code_bits"].default, fields["code_bits"].range) == (5, "1 .. 6")
    assert _outside(fields["code_bits"]) == [0, 7]
    assert _outside(fields["slope"]) == [0]
    assert _outside(fields["junction"]) == []


def test_reference() -> None:
    """The reference in docs/ is what is generated."""
    for name, content in config_docs.files().items():
        assert (Path(configs.__file__).parents[1] / name).read_text() == content, "mtj-gxnor configs --reference"
