"""MNIST, CIFAR-10 and SVHN from their publishers' files, checked; CIFAR-10 also from lossless images."""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.run import data as golden_data
from training.errors import TrainingError

#: MD5 of MNIST's files.
MNIST = golden_data.MNIST

#: MD5 of the batches inside the published archive of CIFAR-10, and of the archive.
CIFAR10 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR10_ARCHIVE = {"cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a"}

#: SHA-256 of the decoded arrays of CIFAR-10 as lossless images: 92 of the 60000 images are from JPEG copies.
CIFAR10_IMAGES = {
    "train": "a7051bcfbc5acdbf956087c1df8104040f37a9d7690e9fe02d3e194afd2e1fb5",
    "test": "1249626010949d8f448e0faf792debbc3da0c50ed31bfff3678c99c37fbc7e48",
    "labels": "3edb456524d5918aefded81f5aef7c32efab2a788211df998a4eb0c8957baa1f",
}

#: MD5 of the two files of SVHN's cropped digits.
SVHN = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}

#: Images in one file of the lossless form.
_STRIP = 500


@dataclass(frozen=True)
class Images:
    """A data set.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8, shape (n, channels, height, width)
        Pixels, 0 .. 255.
    train_labels, test_labels : ndarray of int64, shape (n,)
        Classes, 0 .. 9.
    source : str
        Form of the files, for reports.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    source: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width


def load(name: str, folder: Path) -> Images:
    """Load a data set.

    Parameters
    ----------
    name : str
        ``mnist``, ``cifar10`` or ``svhn``.
    folder : Path
        Where its files are, or a folder of the data set's name with them.

    Returns
    -------
    Images
        Training and test set.

    Raises
    ------
    TrainingError
        If the name is unknown, or a file is missing or corrupt.
    """
    if name not in LOADERS:
        raise TrainingError(f"unknown data set {name!r}: give one of {', '.join(LOADERS)}")
    return LOADERS[name](folder / name if (folder / name).is_dir() else folder)


def _missing(name: str, folder: Path, wanted: str) -> TrainingError:
    return TrainingError(
        f"no data of {name}: looked for {wanted} in {folder}; mtj-gxnor data --dataset {name} fetches them from the "
        f"publisher, or --data-dir names the folder that has them"
    )


def _checked(path: Path, checksum: str) -> bytes:
    """Read a file with a known MD5."""
    raw = path.read_bytes()
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != checksum:
        raise TrainingError(
            f"corrupt data file {path}: MD5 is {found}, must be {checksum}; remove it and fetch the original again"
        )
    return raw


def _mnist(folder: Path) -> Images:
    """MNIST's four files, by way of golden."""
    if not (folder / "train-images-idx3-ubyte.gz").is_file():
        raise _missing("mnist", folder, "train-images-idx3-ubyte.gz and the other three files")
    try:
        found = golden_data.load("mnist", folder)
    except golden_data.DataError as error:
        raise TrainingError(str(error)) from error
    return Images(
        found.train_images.reshape(-1, 1, 28, 28),
        found.train_labels.astype(np.int64),
        found.test_images.reshape(-1, 1, 28, 28),
        found.test_labels.astype(np.int64),
        "original files",
    )


class _Arrays(pickle.Unpickler):
    """Unpickles containers and NumPy arrays, nothing else."""

    _ALLOWED = ("_reconstruct", "ndarray", "dtype")

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a data file")


def _cifar10(folder: Path) -> Images:
    """CIFAR-10: the publisher's batches, its archive, or lossless images."""
    archive = folder / next(iter(CIFAR10_ARCHIVE))
    for batches in (folder, folder / "cifar-10-batches-py"):
        if (batches / "data_batch_1").is_file():
            for name in CIFAR10:
                if not (batches / name).is_file():
                    raise _missing("cifar10", batches, name)
            return _batches([_checked(batches / name, md5) for name, md5 in CIFAR10.items()], "original batches")
    if archive.is_file():
        raw = io.BytesIO(_checked(archive, CIFAR10_ARCHIVE[archive.name]))
        with tarfile.open(fileobj=raw) as tar:
            files = [tar.extractfile(f"cifar-10-batches-py/{name}") for name in CIFAR10]
            return _batches([file.read() for file in files if file], "original archive")
    if (folder / "train_000.webp").is_file():
        return _lossless(folder)
    raise _missing("cifar10", folder, f"data_batch_1, {archive.name} or train_000.webp")


def _batches(contents: list[bytes], source: str) -> Images:
    """Decode the publisher's batches, the last one the test set."""
    images, labels = [], []
    for content in contents:
        batch = _Arrays(io.BytesIO(content), encoding="bytes").load()
        images.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32))
        labels.append(np.asarray(batch[b"labels"], np.int64))
    return Images(np.concatenate(images[:-1]), np.concatenate(labels[:-1]), images[-1], labels[-1], source)


def _lossless(folder: Path) -> Images:
    """Decode strips of images, one below the other."""
    from PIL import Image

    def part(name: str) -> NDArray[np.uint8]:
        strips = []
        for path in sorted(folder.glob(f"{name}_*.webp")):
            with Image.open(path) as strip:
                strips.append(np.asarray(strip.convert("RGB")).reshape(_STRIP, 32, 32, 3))
        return np.concatenate(strips) if strips else np.zeros((0, 32, 32, 3), np.uint8)

    if not (folder / "labels.npy").is_file():
        raise _missing("cifar10", folder, "labels.npy")
    arrays = {"train": part("train"), "test": part("test"), "labels": np.load(folder / "labels.npy")}
    for name, array in arrays.items():
        found = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        if found != CIFAR10_IMAGES[name]:
            raise TrainingError(
                f"corrupt or incomplete images in {folder}: SHA-256 of {name} is {found}, must be "
                f"{CIFAR10_IMAGES[name]}; fetch the original files again"
            )
    train, test, labels = arrays["train"], arrays["test"], arrays["labels"].astype(np.int64)
    planes = (np.ascontiguousarray(images.transpose(0, 3, 1, 2)) for images in (train, test))
    return Images(next(planes), labels[: len(train)], next(planes), labels[len(train) :], "lossless images")


def _svhn(folder: Path) -> Images:
    """SVHN's cropped digits; the extra set is not used."""
    from scipy.io import loadmat

    parts: list[Any] = []
    for name, checksum in SVHN.items():
        if not (folder / name).is_file():
            raise _missing("svhn", folder, name)
        held = loadmat(io.BytesIO(_checked(folder / name, checksum)))
        # digit 0 has the label 10 there
        parts += [np.ascontiguousarray(held["X"].transpose(3, 2, 0, 1)), held["y"].reshape(-1).astype(np.int64) % 10]
    train_images, train_labels, test_images, test_labels = parts
    return Images(train_images, train_labels, test_images, test_labels, "original files")


LOADERS: dict[str, Callable[[Path], Images]] = {"mnist": _mnist, "cifar10": _cifar10, "svhn": _svhn}
