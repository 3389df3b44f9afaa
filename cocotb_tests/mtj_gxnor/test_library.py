"""The project as a library: built as a wheel, installed elsewhere, used from an empty folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtj_gxnor
from golden.run.run import Run
from sim.runner import ROOT

#: What docs/library.md shows.
LINES = """
import mtj_gxnor
config = mtj_gxnor.load_config("digits")
run = mtj_gxnor.train(config, mtj_gxnor.load_data("digits"), samples=60, epochs=1)
print(run.curve[-1].test_samples, mtj_gxnor.weights(run, 0).shape, mtj_gxnor.__file__)
print(len(mtj_gxnor.write_verilog(mtj_gxnor.load_config("tiny"), "verilog")))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the wheel is installed into; what it depends on comes from this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("mtj_gxnor-*.whl")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--target")
    _run(sys.executable, *pip, str(folder / "site"), str(wheel), cwd=folder)
    return folder / "site"


def _run(*command: str, cwd: Path, site: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(site)} if site else {}
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_command_line(installed: Path, tmp_path: Path) -> None:
    """The program generates and trains from any folder, into that folder."""
    program = str(installed / "bin" / "mtj-gxnor")
    said = _run(sys.executable, program, "verilog", "--config", "tiny", cwd=tmp_path, site=installed)
    assert said.startswith("wrote build/verilog/tiny, 35 rows x 4 lanes")
    manifest = json.loads((tmp_path / "build" / "verilog" / "tiny" / "manifest.json").read_text())
    assert manifest["versions"]["mtj-gxnor"] == mtj_gxnor.__version__
    options = ("--sim", "golden", "--samples", "60", "--epochs", "1")
    said = _run(sys.executable, program, "train", *options, cwd=tmp_path, site=installed)
    assert said.startswith("digits on digits: test accuracy ")
    assert (tmp_path / "build" / "reports" / "train.json").is_file()


def test_python(installed: Path, tmp_path: Path) -> None:
    """Six lines: a configuration, a training, weights, Verilog."""
    trained, written = _run(sys.executable, "-c", LINES, cwd=tmp_path, site=installed).splitlines()
    samples, *shape, place = trained.split()
    assert (samples, shape) == ("360", ["(64,", "256)"])
    assert Path(place).is_relative_to(installed)
    assert int(written) == len(list((tmp_path / "verilog").iterdir())) > 5


def test_weights_are_the_layers() -> None:
    """Layers of both orientations, one folded over column blocks, against the definition of the memory layout."""
    config = mtj_gxnor.load_config("tiny")
    assert any(layer.blocks > 1 for layer in config.geometry.layers)
    run = Run(config, _data(config), 0, 1)
    rows = run.machine.array.weights()
    for layer in config.geometry.layers:
        found = mtj_gxnor.weights(run, layer.index)
        assert found.shape == (layer.inputs, layer.outputs)
        for i in range(layer.inputs):
            for o in range(layer.outputs):
                along, across = (i, o) if layer.inputs_on_rows else (o, i)
                height = layer.inputs if layer.inputs_on_rows else layer.outputs
                block, lane = divmod(across, config.array.lanes)
                assert found[i, o] == rows[layer.row + block * height + along, lane]


def _data(config: mtj_gxnor.MachineConfig) -> mtj_gxnor.Dataset:
    images = np.zeros((config.layers[-1], config.layers[0]), np.uint8)
    labels = np.arange(config.layers[-1], dtype=np.uint8)
    return mtj_gxnor.Dataset(images, labels, images, labels)
