"""The fields of a configuration: names, types, defaults, ranges and meanings, all from the parameters' dataclasses."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import docstring_parser

from golden.config import MachineConfig

#: Fields of files alone, which become something else when a file is read: path -> meaning.
FILE_FIELDS = {
    "base": "Configuration that this one changes: a named one, or a TOML file, its path from this file's folder",
    "nonideal.stuck_map": "Map of stuck devices in the place of `stuck`: a CSV or NumPy file, path likewise",
}

#: Fields of the old terms -> today's. Their files are refused with the new name.
_RENAMED = {
    "rates": "update_shifts",
    "slow_down": "shift_increase_every",
    "form": "model",
    "follow_shift": "ema_shift",
    "initial_spread": "initial_scale",
    "offset_follows": "offset_tracks_mean",
    "offset_trains": "offset_learned",
    "spread_bins": "variation_bins",
    "spread": "variation",
    "cycle_spread": "cycle_variation",
}

_SCALARS = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
_KINDS = {bool: "boolean", int: "integer", float: "float", str: "string", list: "array", dict: "table"}


@dataclass(frozen=True)
class Field:
    """One field of a table.

    Attributes
    ----------
    name : str
        Its name.
    hint : Any
        Its Python type.
    default : Any
        Its default; ``dataclasses.MISSING`` for a field that must be given.
    range : str
        Values that it may take, as the docstring has them; empty where its type says it all.
    meaning : str
        What it means, unit included; one paragraph.
    """

    name: str
    hint: Any
    default: Any
    range: str
    meaning: str

    @property
    def table(self) -> type | None:
        """The dataclass of a field that is a table."""
        found = [option for option in _options(self.hint) if dataclasses.is_dataclass(option)]
        return typing.cast(type, found[0]) if found else None


def _options(hint: Any) -> tuple[Any, ...]:
    """Types between which a hint leaves the choice."""
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def fields(parameters: type) -> list[Field]:
    """List the fields of a dataclass of parameters, in its order.

    Ranges and meanings come from the attributes of its numpydoc docstring, where ``bits : int, 2 .. 8`` gives a range
    and ``synapse : {'ternary', 'binary'}`` a choice.
    """
    described: dict[str, tuple[str, str]] = {}
    parsed = docstring_parser.parse(parameters.__doc__ or "", docstring_parser.DocstringStyle.NUMPYDOC)
    for entry in parsed.params:
        kind = entry.type_name or ""
        allowed = kind if kind.startswith("{") else kind.partition(", ")[2]
        for name in entry.arg_name.split(", "):
            described[name] = (allowed, " ".join((entry.description or "").split()))
    hints = typing.get_type_hints(parameters)
    return [
        Field(field.name, hints[field.name], _default(field), *described.get(field.name, ("", "")))
        for field in dataclasses.fields(parameters)
    ]


def _default(field: dataclasses.Field[Any]) -> Any:
    """Find the default of a field; that of a table that may be left out is the table of its own defaults."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def tables(parameters: type = MachineConfig, path: str = "") -> Iterator[tuple[str, type]]:
    """Give all tables of a configuration, each with its path: first the top level, whose path is empty."""
    yield path, parameters
    for field in fields(parameters):
        if field.table:
            yield from tables(field.table, f"{path}.{field.name}".lstrip("."))


def check(values: dict[str, Any], parameters: type = MachineConfig, path: str = "") -> None:
    """Check names and types of what a file gives; whether anything is missing or out of range shows later.

    Raises
    ------
    ValueError
        For an unknown field, with the nearest name, and for a value of another type; in TOML's terms.
    """
    known = {field.name: field for field in fields(parameters)}
    for name, value in values.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in known:
            raise ValueError(_unknown(where, known))
        table = known[name].table
        if table and isinstance(value, dict):
            check(value, table, where)
        else:
            _check_type(where, value, known[name].hint)


def _unknown(where: str, known: Iterable[str]) -> str:
    """Say that a field is unknown, and which one may be meant."""
    path, _, name = where.rpartition(".")
    prefix = f"{path}." if path else ""
    if _RENAMED.get(name, "") in known:
        return f"{where} is now called {prefix}{_RENAMED[name]}"
    beside = [field.rpartition(".")[2] for field in FILE_FIELDS if field.rpartition(".")[0] == path]
    near = difflib.get_close_matches(name, [*known, *beside], 1)
    hint = f"did you mean {prefix}{near[0]}?" if near else f"give one of {', '.join([*known, *beside])}"
    return f"unknown field {where}: {hint}"


def _check_type(where: str, value: Any, hint: Any) -> None:
    """Refuse a value of another type; booleans are no numbers, whole numbers are real ones."""
    arrays = [option for option in _options(hint) if typing.get_origin(option) is tuple]
    if arrays and isinstance(value, list | tuple):
        items = typing.get_args(arrays[0])
        if items[-1] is Ellipsis or len(items) == len(value):
            for at, item in enumerate(value):
                _check_type(f"{where}[{at}]", item, items[0])
            return
    if type(value) not in {float: (int, float)}.get(hint, _options(hint)):
        raise ValueError(f"{where} must be {described(hint)}, not {_shown(value)}")


def described(hint: Any) -> str:
    """Name a type in TOML's terms, with its article."""
    if typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        count = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"an array of {count}{_plural(items[0])}"
    if isinstance(hint, types.UnionType):
        return " or ".join(described(option) for option in _options(hint) if option is not type(None))
    return _SCALARS.get(hint, "a table")


def _plural(hint: Any) -> str:
    """Name values of a type: ``an array of 4 integers`` are ``arrays of 4 integers``."""
    if isinstance(hint, types.UnionType):
        return " or ".join(map(_plural, _options(hint)))
    noun, _, rest = described(hint).partition(" ")[2].partition(" ")
    return f"{noun}s {rest}".rstrip()


def _shown(value: Any) -> str:
    """Name a value and its type in TOML's terms."""
    kind = _KINDS.get(type(value), "date or time")
    text = str(value).lower() if kind == "boolean" else str(value) if kind == "date or time" else repr(value)
    return f"the {kind} {text}"


def missing(values: dict[str, Any], parameters: type = MachineConfig, path: str = "") -> str | None:
    """Find the first field that must be given and is not; None if there is none."""
    for field in fields(parameters):
        where = f"{path}.{field.name}".lstrip(".")
        if field.name not in values:
            if field.default is dataclasses.MISSING:
                return where
        elif field.table and (found := missing(values[field.name], field.table, where)):
            return found
    return None
