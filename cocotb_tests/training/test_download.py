"""Fetching: whole, resumed, refused; from a server in this process."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from training import download
from training.errors import TrainingError

CONTENT = np.random.default_rng(1).integers(0, 256, 300_000).astype(np.uint8).tobytes()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file; can break off, and can ignore where to begin."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks_at, self.ranges = CONTENT, 0, True
        self.begun: list[int] = []


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """Serve."""
        server = self.server
        wanted = self.headers.get("Range") if server.ranges else None
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        server.begun.append(begin)
        if begin >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(server.content) - begin))
        self.end_headers()
        self.wfile.write(server.content[begin : server.breaks_at or None])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve the file of a data set."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        host, port = made.server_address[:2]
        monkeypatch.setitem(download.SOURCES, "svhn", (f"http://{host!s}:{port}/", {"train_32x32.mat": MD5}))
        yield made
        made.shutdown()
        thread.join()


def test_a_file_comes_whole_and_once(server: Server, tmp_path: Path) -> None:
    (path,) = download.fetch("svhn", tmp_path)
    assert path == tmp_path / "svhn" / "train_32x32.mat"
    assert path.read_bytes() == CONTENT
    download.fetch("svhn", tmp_path)
    assert server.begun == [0]
    assert [path.name for path in path.parent.iterdir()] == ["train_32x32.mat"]


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_file_is_taken_up(server: Server, tmp_path: Path, *, ranges: bool) -> None:
    server.breaks_at, server.ranges = 100_000, ranges
    with pytest.raises(TrainingError, match=r"cannot be fetched \(.*100000 of 300000"):
        download.fetch("svhn", tmp_path)
    assert not (tmp_path / "svhn" / "train_32x32.mat").exists()
    server.breaks_at = 0
    (path,) = download.fetch("svhn", tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.begun == [0, 100_000 if ranges else 0]


def test_a_partial_file_that_is_complete_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "svhn").mkdir()
    (tmp_path / "svhn" / "train_32x32.mat.part").write_bytes(CONTENT)
    (path,) = download.fetch("svhn", tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.begun == [len(CONTENT)]


def test_another_file_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(TrainingError, match=f"is not the published file: MD5 is .*, must be {MD5}"):
        download.fetch("svhn", tmp_path)
    assert not list((tmp_path / "svhn").iterdir())


def test_an_unreachable_publisher_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(download.SOURCES, "svhn", ("http://127.0.0.1:9/", {"train_32x32.mat": MD5}))
    with pytest.raises(TrainingError, match=r"cannot be fetched .*or fetch the file by other means into"):
        download.fetch("svhn", tmp_path)
    with pytest.raises(TrainingError, match="unknown data set 'x'"):
        download.fetch("x", tmp_path)
