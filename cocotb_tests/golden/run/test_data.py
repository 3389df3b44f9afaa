"""Data sets: the digits' split, and MNIST's files found, checked and read."""

import gzip
import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golden.run import data

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _images(values: NDArray[np.uint8]) -> bytes:
    return gzip.compress(struct.pack(">4I", 0x803, len(values), 28, 28) + values.tobytes(), mtime=0)


def _labels(values: NDArray[np.uint8]) -> bytes:
    return gzip.compress(struct.pack(">2I", 0x801, len(values)) + values.tobytes(), mtime=0)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, data.Dataset]:
    """Files in MNIST's form with 5 + 3 samples, their checksums in place of the published ones."""
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (count, 784)).astype(np.uint8) for count in (5, 3)]
    labels = [rng.integers(0, 10, count).astype(np.uint8) for count in (5, 3)]
    contents = [_images(images[0]), _labels(labels[0]), _images(images[1]), _labels(labels[1])]
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in zip(FILES, contents, strict=True):
        (folder / name).write_bytes(content)
    sums = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in contents]
    monkeypatch.setattr(data, "MNIST", dict(zip(FILES, sums, strict=True)))
    return folder, data.Dataset(images[0], labels[0], images[1], labels[1])


def _same(found: data.Dataset, expected: data.Dataset) -> None:
    for field in ("train_images", "train_labels", "test_images", "test_labels"):
        assert np.array_equal(getattr(found, field), getattr(expected, field)), field
        assert getattr(found, field).dtype == np.uint8


def test_digits() -> None:
    """1437 + 360 real digits of 8 x 8 pixels of 17 shades, in the order of scikit-learn, all classes in both parts."""
    from sklearn.datasets import load_digits

    digits = data.load("digits", None)
    original: Any = load_digits()
    assert digits.train_images.shape == (1437, 64)
    assert digits.test_images.shape == (360, 64)
    images = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    assert (images == original.data).all()
    assert (labels == original.target).all()
    assert images.max() == 16
    assert set(digits.train_labels.tolist()) == set(digits.test_labels.tolist()) == set(range(10))
    assert images.dtype == labels.dtype == np.uint8


def test_published_checksums() -> None:
    """The checksums of the original files, as published with the data set."""
    assert (
        dict(
            zip(
                FILES,
                (
                    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    "d53e105ee54ea40749a09fcbcd1e9432",
                    "9fb629c4189551a2d022fa330f9573f3",
                    "ec29112dd5afa0611ce80d1b7f02629c",
                ),
                strict=True,
            )
        )
        == data.MNIST
    )


def test_mnist_files(small: tuple[Path, data.Dataset]) -> None:
    """Images and labels come out of the idx form pixel by pixel; the folder may be a level up."""
    folder, expected = small
    _same(data.load("mnist", folder), expected)
    folder.rename(folder.parent / "mnist")
    _same(data.load("mnist", folder.parent), expected)


def test_unknown_data_set() -> None:
    """The message names what there is."""
    with pytest.raises(data.DataError, match=r"^unknown data set 'svhn': give digits or mnist$"):
        data.load("svhn", None)


def test_no_folder() -> None:
    """The message names the variable and the files."""
    with pytest.raises(data.DataError, match=f"^mnist needs the folder \\(--data-dir\\) with {', '.join(FILES)}$"):
        data.load("mnist", None)


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there reads like the first missing file."""
    with pytest.raises(data.DataError, match=f"^missing data file {tmp_path}/nowhere/{FILES[0]}: put .*--data-dir"):
        data.load("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize("name", FILES)
def test_missing_file(small: tuple[Path, data.Dataset], name: str) -> None:
    """Whichever file is missing, the message names it."""
    folder, _ = small
    (folder / name).unlink()
    with pytest.raises(data.DataError, match=f"^missing data file {folder}/{name}: put the original file there"):
        data.load("mnist", folder)


@pytest.mark.parametrize("name", FILES)
def test_corrupt_file(small: tuple[Path, data.Dataset], name: str) -> None:
    """One bit, or a missing end: the message has both checksums."""
    folder, _ = small
    good = (folder / name).read_bytes()
    for bad in (good[:12] + bytes([good[12] ^ 1]) + good[13:], good[:-1], b""):
        (folder / name).write_bytes(bad)
        found, wanted = (hashlib.md5(content, usedforsecurity=False).hexdigest() for content in (bad, good))
        message = (
            f"^corrupt data file {folder}/{name}: MD5 is {found}, must be {wanted}; fetch the original file again$"
        )
        with pytest.raises(data.DataError, match=message):
            data.load("mnist", folder)
