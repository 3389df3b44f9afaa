"""Builds: once per content, whole or not at all, by one process at a time."""

import multiprocessing
import time
from pathlib import Path

import pytest

from golden.lib.build_once import build_once, whole_folder


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


def _build_slowly(folder: Path, log: Path) -> None:
    def make(place: Path) -> None:
        with log.open("a") as file:
            file.write("made\n")
        time.sleep(0.5)

    build_once(folder, "thing", 1, make)


def test_two_at_once(tmp_path: Path) -> None:
    """One process builds, the others wait for it."""
    log, builds = tmp_path / "log", tmp_path / "builds"
    several = [multiprocessing.Process(target=_build_slowly, args=(builds, log)) for _ in range(3)]
    for process in several:
        process.start()
    for process in several:
        process.join()
        assert process.exitcode == 0
    assert log.read_text() == "made\n"
    assert len(list(builds.iterdir())) == 1
