"""Files of arrays under a header: whatever is in a file, it is read as written or refused in one line."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.lib.headed_arrays import DamagedError, read, write
from sim.runner import seed

ARRAYS = {"a": np.arange(12).reshape(3, 4), "b": np.full(300, -7, np.int8)}


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "new" / "f.npz", {"x": [1, {"y": 0.5}]}, ARRAYS)
    header, arrays = read(tmp_path / "new" / "f.npz")
    assert header == {"x": [1, {"y": 0.5}]}
    assert arrays.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], values)
        assert arrays[name].dtype == values.dtype


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({}, "its content is damaged"),
        ({"header": "{"}, "its content is damaged"),
        ({"header": '{"x": NaN}'}, "its content is damaged"),
        ({"header": "[" * 100_000}, "its content is damaged"),
        ({"header": "[1]"}, "its header is no table"),
        ({"header": "{}", "a": np.array([0.5])}, "a is no array of integers"),
        ({"header": "{}", "a": np.array([None])}, "its content is damaged"),
    ],
)
def test_other_content(arrays: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """Nothing of NumPy's advice, to trust the file and run what is in it, is passed on."""
    with (tmp_path / "f.npz").open("wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(DamagedError, match=f"^{re.escape(reason)}$"):
        read(tmp_path / "f.npz")


def test_member_that_is_no_array(tmp_path: Path) -> None:
    write(tmp_path / "f.npz", {}, ARRAYS)
    with zipfile.ZipFile(tmp_path / "f.npz", "a") as archive:
        archive.writestr("note.txt", "hello")
    with pytest.raises(DamagedError, match=r"^note\.txt is no array of integers$"):
        read(tmp_path / "f.npz")


@pytest.mark.parametrize("content", [b"", b"PK nothing", b"\x80\x04K\x07.", b"\x93NUMPY\x01\x00v\x00{'descr': '|O'"])
def test_no_archive(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(DamagedError, match=r"^it is no archive of NumPy, or only a part of one$"):
        read(tmp_path / "f.npz")


def test_any_bytes(tmp_path: Path) -> None:
    """Files with bytes changed, cut out and added: refused, or what was written."""
    path = tmp_path / "f.npz"
    write(path, {"x": 1}, ARRAYS)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(seed()), 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, kind = int(rng.integers(len(content))), rng.integers(4)
            if kind == 0:
                del content[at : at + int(rng.integers(1, 50))]
            elif kind == 1:
                content[at:at] = rng.bytes(5)
            else:
                content[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            header, arrays = read(path)
        except DamagedError:
            refused += 1
            continue
        # what is not covered by the archive's checks is names and the like
        assert header == {"x": 1}
        assert all(any(np.array_equal(values, known) for known in ARRAYS.values()) for values in arrays.values())
    assert refused > 200
