"""Junctions, tables and write scheme of the rules `mtj` and `accumulate`, from TOML.

The fields are those of `training.mtj.MtjParameters` or `training.accumulate.AccumulateParameters` and of the machine's
own; what is not given is as there::

    scheme = "blind"
    [switching]
    threshold_bits = 8
    [nonideal]
    stuck_antiparallel = 0.01
"""

import tomllib
from dataclasses import asdict
from typing import TypeVar

import dacite

from training.errors import TrainingError
from training.mtj import MtjParameters

_Kind = TypeVar("_Kind", bound=MtjParameters)


def parse(text: str, kind: type[_Kind]) -> _Kind:
    """Read parameters of a kind; an empty text gives the defaults.

    Raises
    ------
    TrainingError
        If the text is no TOML, or a field is unknown or breaks its rule.
    """
    standard = asdict(kind())
    try:
        given = tomllib.loads(text)
        merged = standard | given
        for table in {"switching", "pulse", "gradient"} & standard.keys():
            merged[table] = standard[table] | given.get(table, {})
        merged["nonideal"] = given.get("nonideal", {})
        return dacite.from_dict(kind, merged, dacite.Config(strict=True, cast=[tuple]))
    except (tomllib.TOMLDecodeError, dacite.DaciteError, ValueError, TypeError) as error:
        raise TrainingError(f"devices: {' '.join(str(error).split())}") from error
