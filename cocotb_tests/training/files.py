"""Small data sets in the publishers' formats, with their checksums in the place of the published ones."""

import gzip
import hashlib
import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from golden.run import data as golden_data
from training import data


def _string(pickler: Any, text: bytes | str) -> None:
    """Pickle a string as Python 2 did, which had one kind of them."""
    raw = text.encode() if isinstance(text, str) else text
    pickler.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
    pickler.memoize(text)


def _python2(thing: Any) -> bytes:
    """Pickle as Python 2 did, in which the batches of CIFAR-10 were written."""
    file = io.BytesIO()
    pickler: Any = pickle._Pickler(file, 2)  # pyright: ignore[reportAttributeAccessIssue]
    pickler.dispatch = {**pickler.dispatch, bytes: _string, str: _string}
    pickler.dump(thing)
    return file.getvalue().replace(b"numpy._core", b"numpy.core")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def digits(count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw images that can be learned: a bright bar whose place is the class, in noise."""
    labels = np.resize(np.arange(10), count).astype(np.uint8)
    images = rng.integers(0, 60, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[2 + 2 * label : 5 + 2 * label] += 150
    return images.astype(np.uint8), labels


def mnist(folder: Path, monkeypatch: pytest.MonkeyPatch, train: int = 200, test: int = 50) -> Path:
    """Write a small MNIST; return the folder, for DATA_DIR."""
    rng = np.random.default_rng(1)
    contents = []
    for count in (train, test):
        images, labels = digits(count, rng)
        contents.append(gzip.compress(struct.pack(">4i", 0x803, count, 28, 28) + images.tobytes(), mtime=0))
        contents.append(gzip.compress(struct.pack(">2i", 0x801, count) + labels.tobytes(), mtime=0))
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for name, content in zip(golden_data.MNIST, contents, strict=True):
        (folder / name).write_bytes(content)
        sums[name] = _md5(content)
    monkeypatch.setattr(golden_data, "MNIST", sums)
    return folder


def cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write six small batches of CIFAR-10; return all images (n, 3, 32, 32) and labels, the test batch last."""
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (6, 4, 3, 32, 32)).astype(np.uint8)
    labels = rng.integers(0, 10, (6, 4))
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for name, part, classes in zip(data.CIFAR10, images, labels, strict=True):
        batch = {"data": part.reshape(4, -1), "labels": classes.tolist(), "batch_label": "x"}
        content = _python2(batch)
        (folder / name).write_bytes(content)
        sums[name] = _md5(content)
    monkeypatch.setattr(data, "CIFAR10", sums)
    return images.reshape(-1, 3, 32, 32), labels.reshape(-1)


def lossless(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Write CIFAR-10 as lossless strips, 1000 + 500 images; return them (n, 32, 32, 3) and their labels."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (1500, 32, 32, 3)).astype(np.uint8)
    labels = rng.integers(0, 10, 1500).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(("train_000", "train_001", "test_000")):
        strip = images[500 * index : 500 * (index + 1)].reshape(-1, 32, 3)
        Image.fromarray(strip).save(folder / f"{name}.webp", lossless=True, quality=0, method=0)
    np.save(folder / "labels.npy", labels)
    parts = {"train": images[:1000], "test": images[1000:], "labels": labels}
    sums = {name: hashlib.sha256(part.tobytes()).hexdigest() for name, part in parts.items()}
    monkeypatch.setattr(data, "CIFAR10_IMAGES", sums)
    return images, labels


def svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write SVHN's two files, 6 + 4 images; return them as stored, (32, 32, 3, n), and labels 1 .. 10."""
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (32, 32, 3, 10)).astype(np.uint8)
    labels = np.arange(1, 11).reshape(-1, 1)
    folder.mkdir(parents=True, exist_ok=True)
    sums = {}
    for name, part in (("train_32x32.mat", slice(0, 6)), ("test_32x32.mat", slice(6, 10))):
        savemat(folder / name, {"X": images[..., part], "y": labels[part].astype(np.uint8)})
        sums[name] = _md5((folder / name).read_bytes())
    monkeypatch.setattr(data, "SVHN", sums)
    return images, labels.reshape(-1)
