"""The tests of this tier need PyTorch; without it they are left out, and say so."""

import importlib.util

import pytest

_MISSING = importlib.util.find_spec("torch") is None

collect_ignore_glob = ["test_*.py"] if _MISSING else []


def pytest_report_header() -> str | None:
    """Say why nothing of this tier runs."""
    return "cocotb_tests/training is left out: PyTorch is missing, make test-training installs it" if _MISSING else None


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Let tests that run side by side not wait for each other's threads."""
    import torch

    torch.set_num_threads(1)
