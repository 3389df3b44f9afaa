"""Configurations: named ones beside this file, or any TOML file of the same form."""

import codecs
import json
import tomllib
from pathlib import Path
from typing import Any

import dacite

from gen import config_fields
from golden.array.nonideal import read_map
from golden.config import MachineConfig

_NAMED = Path(__file__).parent / "configs"

#: Fields of one table of which a file gives one: what its base has of the others does not count any more.
_ALTERNATIVES = {"switching": ("device", "junction", "fitted")}


class ConfigError(ValueError):
    """A configuration cannot be used; the message is one line."""


def names() -> list[str]:
    """Names of the named configurations, sorted."""
    return sorted(path.stem for path in _NAMED.glob("*.toml"))


def load(name: str) -> MachineConfig:
    """Read a configuration.

    Parameters
    ----------
    name : str
        A name of `names()`, or the path of a TOML file.

    Returns
    -------
    MachineConfig
        The validated configuration.

    Raises
    ------
    ConfigError
        If there is no such configuration, or it breaks a rule.
    """
    path = find(name)
    return _machine(name, _parse(name, path, _text(name, path), ()))


def find(name: str, folder: Path = Path()) -> Path:
    """Find the file of a configuration.

    Parameters
    ----------
    name : str
        A name of `names()`, or the path of a TOML file.
    folder : Path
        Where a relative path begins.

    Returns
    -------
    Path
        A file.

    Raises
    ------
    ConfigError
        If there is none.
    """
    path = folder / name if name.endswith(".toml") else _NAMED / f"{name}.toml"
    if not path.is_file():
        raise ConfigError(f"unknown configuration {name!r}: give one of {', '.join(names())} or a .toml file")
    return path


def _text(name: str, path: Path) -> str:
    """Read a file; some editors begin one with a byte-order mark."""
    try:
        if path.read_bytes().startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError(f"configuration {name!r}: text in UTF-16: save it in UTF-8")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"configuration {name!r}: no text in UTF-8: {error.reason} at byte {error.start}") from error


def _parse(name: str, path: Path, text: str, derived: tuple[Path, ...]) -> dict[str, Any]:
    """Read the fields of a file and of its base, those of the file before those of the base.

    Parameters
    ----------
    name, path, text
        How the user calls the configuration, its file, and what is in it.
    derived : tuple of Path
        Files that led here, each the base of the one before.
    """
    try:
        fields = tomllib.loads(text)
        base = fields.pop("base", None)
        if not isinstance(base, str | None):
            raise ValueError(f"base must be the name of a configuration or of a .toml file, not {base!r}")
        _read_map(fields, path.parent)
        config_fields.check(fields)
        if base is None:
            return fields
        derived = (*derived, path.resolve())
        below = find(base, path.parent)
        if below.resolve() in derived:
            circle = " -> ".join(file.name for file in (*derived, below))
            raise ValueError(f"base leads back to a configuration that it began with: {circle}")
    except ValueError as error:
        raise ConfigError(f"configuration {name!r}: {' '.join(str(error).split())}") from error
    return _merged(_parse(base, below, _text(base, below), derived), fields)


def _machine(name: str, fields: dict[str, Any]) -> MachineConfig:
    """Make the machine of all fields together."""
    try:
        if missing := config_fields.missing(fields):
            raise ValueError(f"{missing} is missing, and so is a base that gives it")
        return dacite.from_dict(MachineConfig, fields, dacite.Config(strict=True, cast=[tuple]))
    except ValueError as error:
        raise ConfigError(f"configuration {name!r}: {' '.join(str(error).split())}") from error


def _merged(base: dict[str, Any], own: dict[str, Any], table: str = "") -> dict[str, Any]:
    """Lay a file's fields over those of its base, table by table."""
    alternatives = set(_ALTERNATIVES.get(table, ()))
    if alternatives & own.keys():
        base = {name: value for name, value in base.items() if name not in alternatives}
    result = base | own
    for name, value in own.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            result[name] = _merged(base[name], value, name)
    return result


def _read_map(fields: dict[str, Any], folder: Path) -> None:
    """Put the stuck devices of ``nonideal.stuck_map``, a file beside the configuration, in the place of its name."""
    nonideal = fields.get("nonideal")
    if not isinstance(nonideal, dict) or "stuck_map" not in nonideal:
        return
    name = nonideal.pop("stuck_map")
    if not isinstance(name, str):
        raise ValueError(f"nonideal.stuck_map must be the name of a file, not {name!r}")
    if "stuck" in nonideal:
        raise ValueError("nonideal.stuck and nonideal.stuck_map are both given: choose one")
    nonideal["stuck"] = read_map(folder / name)


def with_switching(name: str, switching: str, output: Path) -> str:
    """Exchange the devices of a configuration.

    Parameters
    ----------
    name : str
        As for `load`.
    switching : str
        TOML of the table ``[switching]`` and those below it; fields that it does not give stay as they are.
    output : Path
        File that the result is for.

    Returns
    -------
    str
        TOML of a configuration whose base is `name`.

    Raises
    ------
    ConfigError
        If the result cannot be used.
    """
    base = str(find(name).resolve()) if name.endswith(".toml") else name
    # a string of JSON is one of TOML
    text = f"base = {json.dumps(base, ensure_ascii=False)}\n\n{switching}"
    _machine(str(output), _parse(str(output), output, text, ()))
    return text


def title(name: str) -> str:
    """Short name of a configuration, for folders: the stem of a file."""
    return Path(name).stem
