"""Boards of one's own, in files: TOML that names a platform of amaranth-boards, or Python that makes a `Board`."""

import importlib
import runpy
import tomllib
from dataclasses import MISSING, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.build import Attrs
from amaranth_boards.resources import UARTResource

from fpga.flow.boards import Board, BoardError, board

#: What a TOML file can say of a `Board` as it is; the others have forms of their own.
_PLAIN = (
    "title",
    "device",
    "flip_flops",
    "family",
    "target_mhz",
    "baud",
    "config",
    "serial",
    "loader",
    "place",
    "pack",
    "synthesis",
)
_OWN = ("base", "platform", "clock", "seeds", "uart")
#: What a Python file calls its board.
_NAME = "BOARD"


def load(path: Path) -> Board:
    """Read a board.

    Parameters
    ----------
    path : Path
        A file ``.toml``: fields of `Board`; ``base``, a board whose fields hold where there are none here;
        ``platform`` as ``module:Class``; ``clock``, the platform's resource of the oscillator, where it is not
        its default; a table ``uart`` with ``rx``, ``tx``, and, where pins are those of a connector, ``connector`` as a
        list of its name and number, and ``attributes``. Or ``.py``: a program after which ``BOARD`` is a `Board`.

    Returns
    -------
    Board
        The board.

    Raises
    ------
    BoardError
        If the file is missing or does not describe a board; the message is one line.
    """
    if not path.is_file():
        raise BoardError(f"there is no board {str(path)!r}")
    try:
        found = _of_python(path) if path.suffix == ".py" else _of_toml(tomllib.loads(path.read_text("utf-8-sig")))
        if not hasattr(found.platform(), "default_clk_frequency"):
            raise ValueError("the platform has no clock")
    except Exception as error:  # a board in Python, or a platform, may raise anything
        raise BoardError(f"board {str(path)!r}: {' '.join(str(error).split()) or type(error).__name__}") from error
    return found


def _of_python(path: Path) -> Board:
    found = runpy.run_path(str(path)).get(_NAME)
    if not isinstance(found, Board):
        raise ValueError(f"the program must make {_NAME} a fpga.flow.boards.Board, not {type(found).__name__}")
    return found


def _of_toml(content: dict[str, Any]) -> Board:
    if unknown := content.keys() - {*_PLAIN, *_OWN}:
        raise ValueError(f"unknown field {min(unknown)}: fields are {', '.join((*_OWN, *_PLAIN))}")
    given: dict[str, Any] = {name: _plain(name, content[name]) for name in _PLAIN if name in content}
    if "platform" in content:
        given["platform"] = _platform(content["platform"])
    if "seeds" in content:
        given["seeds"] = tuple(int(seed) for seed in content["seeds"])
    if "uart" in content:
        given["resources"] = (_uart(content["uart"]),)
    if "base" in content:
        # where things lie on a device is known of that device alone
        base = board(content["base"])
        made = replace(base, **{"floor": None if "platform" in content else base.floor, **given})
    else:
        needed = [entry.name for entry in fields(Board) if entry.default is entry.default_factory is MISSING]
        if missing := [name for name in needed if name not in given]:
            raise ValueError(f"{missing[0]} is missing, and so is a base that gives it")
        made = Board(**given)
    return replace(made, platform=partial(_changed, made.platform, content.get("clock"), "uart" in content))


def _plain(name: str, value: Any) -> Any:
    kind = next(entry.type for entry in fields(Board) if entry.name == name)
    allowed = {str: str, int: int, float: (int, float)}[kind]  # pyright: ignore[reportArgumentType]
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise ValueError(f"{name} must be {'a text' if kind is str else 'a number'}, not {value!r}")
    if name == "family" and value not in ("ice40", "ecp5", "gowin"):
        raise ValueError(f"family must be ice40, ecp5 or gowin, not {value!r}")
    if not isinstance(value, str) and value <= 0:
        raise ValueError(f"{name} must be > 0, not {value}")
    return value


def _platform(name: str) -> Any:
    module, _, kind = str(name).partition(":")
    if not kind:
        raise ValueError(f"platform must be module:Class, not {name!r}")
    return getattr(importlib.import_module(module), kind)


def _uart(table: dict[str, Any]) -> Any:
    if missing := [name for name in ("rx", "tx") if name not in table]:
        raise ValueError(f"uart.{missing[0]} is missing")
    connector = {"conn": tuple(table["connector"])} if "connector" in table else {}
    return UARTResource(0, rx=table["rx"], tx=table["tx"], attrs=Attrs(**table.get("attributes", {})), **connector)


def _changed(platform: Any, clock: str | None, own_uart: bool) -> Any:
    """Make a platform with another clock, and without a serial line where the board brings its own."""
    made = platform()
    if clock is not None:
        made.lookup(clock)
        made.default_clk = clock
    if own_uart:
        made.resources.pop(("uart", 0), None)
    return made
