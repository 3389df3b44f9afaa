"""Machines that do not fit into memory are refused before anything is built."""

from dataclasses import replace
from pathlib import Path

import pytest

from gen import config as named
from golden.run import memory_check

MNIST = named.load("mnist")


def test_named_configurations_fit() -> None:
    """All named machines fit into 8 GB."""
    assert max(memory_check.estimate(named.load(name)) for name in named.names()) < 8e9


def test_estimate_grows() -> None:
    """More lanes or more rows never take less."""
    wide = replace(MNIST, array=replace(MNIST.array, lanes=1024))
    deep = replace(MNIST, layers=(784, 4096, 10))
    assert memory_check.estimate(MNIST) < memory_check.estimate(wide)
    assert memory_check.estimate(MNIST) < memory_check.estimate(deep)


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line: size, estimate, what is free, what to do."""
    monkeypatch.setattr(memory_check, "available", lambda: 1e9)
    memory_check.check(MNIST)
    large = replace(MNIST, layers=(784, 65536, 10))
    message = r"^\d+ rows x 512 lanes need about \d+\.\d GB .*, 1\.0 GB are free: make layers or array\.lanes smaller$"
    with pytest.raises(memory_check.TooLargeError, match=message):
        memory_check.check(large)


def test_available() -> None:
    """What is free is less than what there is."""
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    assert 0 < memory_check.available() < 1024 * int(total.split()[1])
