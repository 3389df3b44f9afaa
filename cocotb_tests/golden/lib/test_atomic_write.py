"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from golden.lib.atomic_write import keep, whole
from golden.lib.build_once import whole_folder


def _full(_: object = None) -> None:
    """Write to a disk that is full."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(tmp_path: Path) -> None:
    """The error says what was written; nothing is left, and what was there stays."""
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match="No space left on device") as full, whole(tmp_path / "file"):
        _full()
    assert full.value.filename == str(tmp_path / "file")
    with pytest.raises(OSError, match="No space left on device") as full:
        whole_folder(tmp_path / "folder", _full)
    assert full.value.filename == str(tmp_path / "folder")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_keep(tmp_path: Path) -> None:
    """A copy beside the file, the last one; nothing where there is no file."""
    keep(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())
    for text in ("one", "two"):
        (tmp_path / "a.npz").write_text(text)
        keep(tmp_path / "a.npz")
        assert (tmp_path / "a-before.npz").read_text() == (tmp_path / "a.npz").read_text() == text
