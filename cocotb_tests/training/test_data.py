"""Data sets in all their forms, and files that are missing or wrong."""

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests.training import files
from training import data
from training.errors import TrainingError


def test_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.mnist(tmp_path / "mnist", monkeypatch, 20, 10)
    found = data.load("mnist", tmp_path)
    images, labels = files.digits(20, np.random.default_rng(1))
    np.testing.assert_array_equal(found.train_images[:, 0], images)
    np.testing.assert_array_equal(found.train_labels, labels)
    assert (found.shape, len(found.test_labels)) == ((1, 28, 28), 10)


@pytest.mark.parametrize("form", ["batches", "subfolder", "archive"])
def test_cifar10_as_published(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path if form == "batches" else tmp_path / "cifar-10-batches-py"
    images, labels = files.cifar10(folder, monkeypatch)
    if form == "archive":
        with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as tar:
            tar.add(folder, folder.name)
        for path in folder.iterdir():
            path.unlink()
        md5 = files._md5((tmp_path / "cifar-10-python.tar.gz").read_bytes())
        monkeypatch.setattr(data, "CIFAR10_ARCHIVE", {"cifar-10-python.tar.gz": md5})
    found = data.load("cifar10", tmp_path)
    np.testing.assert_array_equal(np.concatenate([found.train_images, found.test_images]), images)
    np.testing.assert_array_equal(np.concatenate([found.train_labels, found.test_labels]), labels)
    assert len(found.test_labels) == 4


def test_cifar10_as_lossless_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = files.lossless(tmp_path / "cifar10", monkeypatch)
    found = data.load("cifar10", tmp_path)
    np.testing.assert_array_equal(found.train_images, images[:1000].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found.test_images, images[1000:].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(np.concatenate([found.train_labels, found.test_labels]), labels)
    (tmp_path / "cifar10" / "train_001.webp").unlink()
    with pytest.raises(TrainingError, match=r"corrupt or incomplete images in .*: SHA-256 of train is"):
        data.load("cifar10", tmp_path)


def test_svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = files.svhn(tmp_path / "svhn", monkeypatch)
    found = data.load("svhn", tmp_path)
    np.testing.assert_array_equal(found.train_images[5, 2], images[:, :, 2, 5])
    np.testing.assert_array_equal(np.concatenate([found.train_labels, found.test_labels]), labels % 10)
    assert found.test_labels[-1] == 0


@pytest.mark.parametrize("name", list(data.LOADERS))
def test_missing_files_say_where_and_how(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        data.load(name, tmp_path)
    text = str(caught.value)
    assert str(tmp_path) in text
    assert f"mtj-gxnor data --dataset {name}" in text
    assert "\n" not in text


def test_wrong_checksums_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.svhn(tmp_path, monkeypatch)
    path = tmp_path / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TrainingError, match=r"corrupt data file .*test_32x32.mat: MD5 is \w+, must be"):
        data.load("svhn", tmp_path)
    folder = files.mnist(tmp_path / "mnist", monkeypatch)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match=r"corrupt data file .*t10k-labels"):
        data.load("mnist", tmp_path)


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="unknown data set 'imagenet': give one of mnist, cifar10, svhn"):
        data.load("imagenet", tmp_path)


def test_a_batch_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.cifar10(tmp_path, monkeypatch)
    content = pickle.dumps({b"data": Path("x")}, protocol=2)
    (tmp_path / "data_batch_2").write_bytes(content)
    monkeypatch.setitem(data.CIFAR10, "data_batch_2", files._md5(content))
    with pytest.raises(pickle.UnpicklingError, match="is not allowed in a data file"):
        data.load("cifar10", tmp_path)
