"""What ``mtj-gxnor infer`` refuses and reports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests.golden.test_dense import network_for
from cocotb_tests.kit.command_line import call
from gen import config as configs
from mtj_gxnor.commands import infer
from sim.runner import seed


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    """No file, another machine, more samples than predictions, no data."""
    digits = configs.load("digits")
    network = replace(network_for(digits, np.random.default_rng(seed())), predictions=np.zeros(360, np.uint8))
    path = tmp_path / "weights.npz"
    network.save(path)
    replace(network, dataset="mnist").save(tmp_path / "mnist.npz")
    for arguments, words in (
        (["--weights", str(tmp_path / "none.npz")], "error: no weights file"),
        (["--weights", str(path), "--config", "tiny"], "error: the network has the layers"),
        (["--weights", str(path), "--config", "digits", "--samples", "361"], "error: samples must be 1 .. 360"),
        (["--weights", str(tmp_path / "mnist.npz")], "error: mnist needs the folder (--data-dir)"),
    ):
        result = call("infer", *arguments)
        assert result.exit_code == 1
        assert result.output.startswith(words)
        assert result.output.count("\n") == 1


def test_a_difference_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first image whose prediction is another one is named, and the report written."""
    digits = configs.load("digits")
    known = np.arange(360).astype(np.uint8) % 10
    network = replace(network_for(digits, np.random.default_rng(seed())), predictions=known)
    network.save(tmp_path / "weights.npz")
    found = known[:50].astype(np.int64)
    found[7] = 9
    monkeypatch.setattr(infer, "infer", lambda *_: {"predictions": found.copy(), "cycles": 1, "seconds": 0.0})
    arguments = ["--weights", str(tmp_path / "weights.npz"), "--config", "digits", "--build", str(tmp_path)]
    result = call("infer", *arguments, "--samples", "50")
    assert result.exit_code == 1
    assert "49 of 50 predictions as expected" in result.output
    assert "error: test image 7 is a 9 in RTL, a 7 where it was trained" in result.output
    found[7] = 7
    assert call("infer", *arguments, "--samples", "50").exit_code == 0
    assert '"equal": 50' in (tmp_path / "reports" / "infer.json").read_text()
