"""Junctions, tables and write scheme of the rule `mtj`, from TOML.

The fields are those of `training.mtj.MtjParameters` and of the machine's own; what is not given is as there::

    scheme = "blind"
    [switching]
    threshold_bits = 8
    [nonideal]
    stuck_antiparallel = 0.01
"""

import tomllib
from dataclasses import asdict

import dacite

from training.errors import TrainingError
from training.mtj import MtjParameters


def parse(text: str) -> MtjParameters:
    """Read parameters; an empty text gives the defaults.

    Raises
    ------
    TrainingError
        If the text is no TOML, or a field is unknown or breaks its rule.
    """
    standard = asdict(MtjParameters())
    try:
        given = tomllib.loads(text)
        merged = standard | given
        for table in ("switching", "pulse"):
            merged[table] = standard[table] | given.get(table, {})
        merged["nonideal"] = given.get("nonideal", {})
        return dacite.from_dict(MtjParameters, merged, dacite.Config(strict=True, cast=[tuple]))
    except (tomllib.TOMLDecodeError, dacite.DaciteError, ValueError, TypeError) as error:
        raise TrainingError(f"DEVICES: {' '.join(str(error).split())}") from error
