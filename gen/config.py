"""Configurations: named ones beside this file, or any TOML file of the same form."""

import tomllib
from pathlib import Path
from typing import Any

import dacite

from golden.array.nonideal import read_map
from golden.config import MachineConfig

_NAMED = Path(__file__).parent / "configs"


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
    path = _path(name)
    try:
        fields = tomllib.loads(path.read_text())
        _read_map(fields, path.parent)
        return dacite.from_dict(MachineConfig, fields, dacite.Config(strict=True, cast=[tuple]))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, dacite.DaciteError, ValueError, TypeError) as error:
        raise ConfigError(f"configuration {name!r}: {' '.join(str(error).split())}") from error


def _read_map(fields: dict[str, Any], folder: Path) -> None:
    """Put the stuck devices of ``nonideal.stuck_map``, a file beside the configuration, in the place of its name."""
    nonideal = fields.get("nonideal")
    if not isinstance(nonideal, dict) or "stuck_map" not in nonideal:
        return
    name = nonideal.pop("stuck_map")
    if not isinstance(name, str):
        raise TypeError(f"nonideal.stuck_map must be the name of a file, not {name!r}")
    if "stuck" in nonideal:
        raise ValueError("nonideal.stuck and nonideal.stuck_map are both given: choose one")
    nonideal["stuck"] = read_map(folder / name)


def _path(name: str) -> Path:
    """File of a configuration."""
    path = Path(name) if name.endswith(".toml") else _NAMED / f"{name}.toml"
    if not path.is_file():
        raise ConfigError(f"unknown configuration {name!r}: give one of {', '.join(names())} or a .toml file")
    return path


def with_switching(name: str, switching: str) -> str:
    """Exchange the devices of a configuration.

    Parameters
    ----------
    name : str
        As for `load`.
    switching : str
        TOML of the table ``[switching]`` and those below it.

    Returns
    -------
    str
        TOML of the configuration, otherwise as it was.
    """
    load(name)
    kept: list[str] = []
    inside = False
    for line in _path(name).read_text().splitlines(keepends=True):
        if line.startswith("["):
            inside = line.startswith(("[switching]", "[switching."))
        if not inside:
            kept.append(line)
    return f"{''.join(kept).rstrip()}\n\n{switching}"


def title(name: str) -> str:
    """Short name of a configuration, for folders: the stem of a file."""
    return Path(name).stem
