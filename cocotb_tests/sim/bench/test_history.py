"""The history of what was measured."""

import json
import subprocess
from pathlib import Path

import pytest

from sim.bench import history

_BOARDS = ("one", "other")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit of 2 January 2026, as the present folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_DATE", "2026-01-02T00:00:00+00:00")
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return tmp_path


def _report(name: str, day: int, **values: float) -> None:
    Path(f"{name}.json").write_text(json.dumps({"date": f"2026-01-0{day}T01:00:00+00:00", **values}))


@pytest.mark.usefixtures("clone")
def test_record() -> None:
    """One line per commit, the newest figures of it; reports of an earlier commit are not taken."""
    path = Path("history.csv")
    _report("bench", 2, rtl_cycles_per_second=123456.7, rtl_train_samples_per_second=10)
    _report("fpga-one", 3, lut=3890, fmax_mhz=31.25)
    _report("fpga-other", 1, lut=1, fmax_mhz=1)
    first = history.record(Path(), path, _BOARDS, test_minutes=9.5)
    assert (first["cycles_per_second"], first["lut_one"], first["lut_other"]) == (123500, 3890, "")
    again = history.record(Path(), path, _BOARDS)
    (line,) = history.read(path)
    assert list(line) == history.columns(_BOARDS)
    assert line == {name: str(value) for name, value in again.items()}
    assert line["test_minutes"] == ""
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "second"], check=True)
    history.record(Path(), path, _BOARDS)
    assert [line["date"] for line in history.read(path)] == ["2026-01-02", "2026-01-02"]
    assert path.with_suffix(".svg").read_text().count("<svg") == 1


@pytest.mark.usefixtures("clone")
def test_nothing_to_record() -> None:
    """No report of this commit, or no repository: one line, and no file."""
    _report("bench", 1)
    with pytest.raises(history.HistoryError, match=r"no report of commit \w+ in \.: make bench first"):
        history.record(Path(), Path("history.csv"), _BOARDS)
    assert not Path("history.csv").exists()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a clone: one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(history.HistoryError, match="a history is kept in a clone"):
        history.record(Path(), Path("history.csv"), _BOARDS)
