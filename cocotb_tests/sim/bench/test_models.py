"""The comparison of the golden models in the benchmark."""

import pytest

from gen import config as named
from golden.machine import Machine
from sim.bench import models


def test_every_kind_is_another_machine() -> None:
    """All kinds are valid, for both configurations that are measured, and no two are alike."""
    for name in ("mnist", "digits"):
        config = named.load(name)
        kinds = models.kinds(config)
        assert kinds["as it is"] == config
        assert len(set(kinds.values())) == len(kinds)


def test_both_models_are_timed_on_every_kind() -> None:
    """One row per kind, announced as it begins."""
    pytest.importorskip("numba", reason="the fast golden model needs the optional package numba")
    announced: list[str] = []
    rows = models.compare("digits", 1, 1, announced.append)
    kinds = list(models.kinds(named.load("digits")))
    assert [row["kind"] for row in rows] == kinds
    assert announced == [f"golden models: digits, {kind}" for kind in kinds]
    for row in rows:
        assert row["config"] == "digits"
        assert row["ratio"] == row["numba"] / row["numpy"] > 0


def test_nothing_is_compared_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where NumPy's is the quickest model there are no rows."""
    monkeypatch.setattr(models, "quickest", lambda: Machine)
    assert models.compare("digits", 1, 1, lambda line: pytest.fail(line)) == []
