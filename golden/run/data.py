"""Data sets: the digits that come with scikit-learn, and MNIST in its original files."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Published MD5 of the four files of MNIST.
MNIST = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}

#: Training samples of the fixed split of the digits; the rest is the test set.
_DIGITS_TRAIN = 1437


class DataError(ValueError):
    """A data set cannot be used; the message is one line."""


@dataclass(frozen=True)
class Dataset:
    """Images and labels.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8, shape (n, pixels)
        Pixels, 0 .. 16 for the digits and 0 .. 255 for MNIST.
    train_labels, test_labels : ndarray of uint8, shape (n,)
        Classes, 0 .. 9.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load(name: str, folder: Path | None) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str
        ``digits`` (8x8, 1437 + 360) or ``mnist`` (28x28, 60000 + 10000).
    folder : Path or None
        Where MNIST's files are, or a folder ``mnist`` with them; the digits need none.

    Returns
    -------
    Dataset
        Training and test set.

    Raises
    ------
    DataError
        If the name is unknown, or a file is missing or corrupt.
    """
    if name == "digits":
        # the one import beyond NumPy: the images are data files of that package
        from sklearn.datasets import load_digits

        digits: Any = load_digits()
        images, labels = digits.data.astype(np.uint8), digits.target.astype(np.uint8)
        return Dataset(images[:_DIGITS_TRAIN], labels[:_DIGITS_TRAIN], images[_DIGITS_TRAIN:], labels[_DIGITS_TRAIN:])
    if name != "mnist":
        raise DataError(f"unknown data set {name!r}: give digits or mnist")
    if folder is None:
        raise DataError("mnist needs the folder (--data-dir) with " + ", ".join(MNIST))
    if not (folder / next(iter(MNIST))).exists() and (folder / "mnist").is_dir():
        folder = folder / "mnist"
    contents = [_read(folder / file, checksum) for file, checksum in MNIST.items()]
    train_images, train_labels, test_images, test_labels = (
        np.frombuffer(content, np.uint8, offset=16 if "images" in file else 8)
        for file, content in zip(MNIST, contents, strict=True)
    )
    return Dataset(train_images.reshape(-1, 784), train_labels, test_images.reshape(-1, 784), test_labels)


def _read(path: Path, checksum: str) -> bytes:
    if not path.is_file():
        raise DataError(f"missing data file {path}: put the original file there, or name another folder (--data-dir)")
    raw = path.read_bytes()
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != checksum:
        raise DataError(f"corrupt data file {path}: MD5 is {found}, must be {checksum}; fetch the original file again")
    return gzip.decompress(raw)
