"""Fetching data sets from their publishers: resumable, and a file appears under its name only when it is whole."""

import hashlib
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from tqdm import tqdm

from training import data
from training.errors import TrainingError

#: Where the files of a data set are: base address, and MD5 of every file. MNIST's publisher no longer serves it; its
#: four files are fetched from the copy that PyTorch's authors keep.
SOURCES = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", data.MNIST),
    "cifar10": ("https://www.cs.toronto.edu/~kriz/", data.CIFAR10_ARCHIVE),
    "svhn": ("http://ufldl.stanford.edu/housenumbers/", data.SVHN),
}

_CHUNK = 1 << 16
_TIMEOUT = 30.0


def fetch(name: str, folder: Path) -> list[Path]:
    """Fetch the files of a data set that are not there yet.

    Parameters
    ----------
    name : str
        ``mnist``, ``cifar10`` or ``svhn``.
    folder : Path
        The files come into a folder of the data set's name below it. A file that is under way is called ``NAME.part``
        and taken up where it ended.

    Returns
    -------
    list of Path
        All files.

    Raises
    ------
    TrainingError
        If the name is unknown, the publisher cannot be reached, or what came is not the file.
    """
    if name not in SOURCES:
        raise TrainingError(f"unknown data set {name!r}: give one of {', '.join(SOURCES)}")
    base, files = SOURCES[name]
    paths = []
    for file, checksum in files.items():
        path = folder / name / file
        paths.append(path)
        if path.is_file() and _md5(path) == checksum:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{file}.part")
        try:
            _download(base + file, partial)
        except (urllib.error.URLError, OSError) as error:
            raise TrainingError(
                f"{base + file} cannot be fetched ({error}); the same command goes on where it stopped, or fetch the "
                f"file by other means into {path.parent}"
            ) from error
        if (found := _md5(partial)) != checksum:
            partial.unlink()
            raise TrainingError(f"{base + file} is not the published file: MD5 is {found}, must be {checksum}")
        partial.replace(path)
    return paths


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _download(url: str, partial: Path) -> None:
    """Append what is missing to a partial file, or begin anew where the server cannot continue."""
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is here; the checksum decides
        raise
    with answer:
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        left = int(answer.headers.get("Content-Length") or 0)
        have *= goes_on
        with (
            partial.open("ab" if goes_on else "wb") as file,
            tqdm(total=have + left or None, initial=have, unit="B", unit_scale=True, desc=partial.stem) as bar,
        ):
            while block := answer.read(_CHUNK):
                file.write(block)
                bar.update(len(block))
    if partial.stat().st_size < have + left:
        raise OSError(f"the connection ended after {partial.stat().st_size} of {have + left} bytes")
