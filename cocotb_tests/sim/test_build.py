"""Tools that build: a failure that is one line and leaves its log."""

from pathlib import Path

import pytest

from golden.lib.build_once import build_once
from sim.build import LOG, BuildError, call, complaint


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
