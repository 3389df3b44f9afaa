"""What computes."""

import os

import torch

from training.errors import TrainingError


def device(name: str) -> torch.device:
    """Choose a device.

    Parameters
    ----------
    name : str
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    TrainingError
        If there is no such device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise TrainingError(f"device must be auto, cpu or cuda, not {name!r}")
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise TrainingError("PyTorch finds no GPU: give --device cpu, or install a PyTorch build for it")
    chosen = torch.device("cuda" if found and name != "cpu" else "cpu")
    if chosen.type == "cuda":
        # what cuBLAS needs to add in the same order every time
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    return chosen
