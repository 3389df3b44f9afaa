"""Builds: once per content, whole or not at all, a failure that is one line and leaves its log."""

from pathlib import Path

import pytest

from sim import runner
from sim.build import LOG, BuildError, build_once, call, complaint, whole_folder


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_once_per_content(tmp_path: Path) -> None:
    """The same content is not built again, another one is, and nothing else is left."""
    made: list[Path] = []

    def make(place: Path) -> None:
        made.append(place)
        (place / "a").write_text("x")

    first = build_once(tmp_path, "thing", ("a", 1), make)
    assert build_once(tmp_path, "thing", ("a", 1), make) == first
    second = build_once(tmp_path, "thing", ("a", 2), make)
    assert len(made) == 2
    assert set(tmp_path.iterdir()) == {first, second}
    assert _files(first) == {"a": "x"}
    assert first.is_absolute()


def test_failure(tmp_path: Path) -> None:
    """A tool that fails: its first error in one line, its output in the folder named there; then it is tried anew."""

    def make(place: Path) -> None:
        call("thing", ["sh", "-c", "echo fine; echo 'x.v:3: error: no'; echo more; exit 1"], place, {})

    for _ in range(2):
        with pytest.raises(BuildError, match=r"^thing cannot be built: x.v:3: error: no \(logs in .*\.failed\)$"):
            build_once(tmp_path, "thing", 1, make)
        (log,) = tmp_path.glob(f"thing-*.failed/{LOG}")
        assert log.read_text().splitlines() == ["fine", "x.v:3: error: no", "more"]
    built = build_once(tmp_path, "thing", 1, lambda place: None)
    assert set(tmp_path.iterdir()) == {built, built.with_name(f"{built.name}.failed")}


def test_another_process_was_first(tmp_path: Path) -> None:
    """What has appeared meanwhile stays, for it may be in use; without `keep` it is replaced."""
    folder = tmp_path / "x"

    def make(place: Path) -> str:
        folder.mkdir(exist_ok=True)
        (folder / "theirs").write_text("")
        (place / "mine").write_text("")
        return "made"

    assert whole_folder(folder, make, keep=True) == "made"
    assert _files(folder) == {"theirs": ""}
    assert whole_folder(folder, make) == "made"
    assert _files(folder) == {"mine": ""}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_bug_leaves_nothing(tmp_path: Path) -> None:
    def make(place: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build_once(tmp_path, "thing", 1, make)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a\n%Error: b\nc error\n", "%Error: b"),
        ("a\nb\n\n", "b"),
        ("", "no log was written"),
        ("an Error\n", "an Error"),
    ],
)
def test_complaint(text: str, first: str) -> None:
    assert complaint(text) == first


def test_a_folder_with_a_blank_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b").mkdir()
    monkeypatch.chdir(tmp_path / "a b")
    with pytest.raises(
        runner.SimulatorError, match=r"^make cannot build in a folder with a blank in its name: move .*a b'$"
    ):
        runner.check("verilator")
