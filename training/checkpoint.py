"""Checkpoints: whole files, readable without running anything, that say to which run they belong."""

from pathlib import Path
from typing import Any

import torch

from golden.lib.atomic_write import whole
from training.errors import TrainingError

#: A checkpoint of another version is refused.
VERSION = 2


def save(path: Path, identity: dict[str, Any], state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    identity : dict
        What decides the run's course, by name.
    state : dict
        Tensors, numbers, texts, and lists and dicts of them.
    """
    with whole(path) as temporary:
        torch.save({"version": VERSION, "identity": identity, "state": state}, temporary)


def load(path: Path, identity: dict[str, Any] | None, device: torch.device) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        The file.
    identity : dict or None
        The run that it must belong to, None for any.
    device : torch.device
        Where tensors go.

    Returns
    -------
    identity, state : dict
        As they were saved.

    Raises
    ------
    TrainingError
        If there is none, it cannot be read, or it belongs to another run.
    """
    if not path.is_file():
        raise TrainingError(f"nothing to resume: there is no checkpoint {path}; start without --resume")
    try:
        held: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        version, theirs, state = held["version"], held["identity"], held["state"]
    # PyTorch does not say which exceptions a file can cause; its texts advise to trust the file
    except Exception as error:
        raise TrainingError(f"checkpoint {path} cannot be read (it is damaged): start without --resume") from error
    if version != VERSION:
        raise TrainingError(f"checkpoint {path} has version {version}, not {VERSION}: start without --resume")
    for name, expected in (identity or {}).items():
        if theirs.get(name) != expected:
            raise TrainingError(
                f"checkpoint {path} belongs to another run: {name.upper()} is {theirs.get(name)!r} there and "
                f"{expected!r} here; use the same settings, or start without --resume"
            )
    return theirs, state
