"""The project as a library: built as a wheel, installed elsewhere, used from an empty folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mtj_gxnor
from golden.run.run import Run
from sim.runner import ROOT


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
    """The example of docs/library.md runs as it stands there."""
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "library.md").read_text(), re.MULTILINE | re.DOTALL
    )
    example += "print(mtj_gxnor.__file__)"
    last, mean, place = _run(sys.executable, "-c", example, cwd=tmp_path, site=installed).splitlines()
    assert "test_samples=360" in last
    assert -1 < float(mean) < 1
    assert Path(place).is_relative_to(installed)
    assert {"top.v", "manifest.json"} <= {file.name for file in (tmp_path / "verilog").iterdir()}


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


def test_mistakes(tmp_path: Path) -> None:
    """A path is as good as its text; what is wrong is one line that says what would be right."""
    path = tmp_path / "mine.toml"
    path.write_text('base = "tiny"\n')
    config = mtj_gxnor.load_config(path)
    assert config == mtj_gxnor.load_config(str(path)) == mtj_gxnor.load_config("tiny")
    run = Run(config, _data(config), 0, 1)
    for layer in (-1, 3):
        with pytest.raises(ValueError, match=f"^layer must be 0 .. 2, not {layer}$"):
            mtj_gxnor.weights(run, layer)


def _data(config: mtj_gxnor.MachineConfig) -> mtj_gxnor.Dataset:
    images = np.zeros((config.sizes[-1], config.sizes[0]), np.uint8)
    labels = np.arange(config.sizes[-1], dtype=np.uint8)
    return mtj_gxnor.Dataset(images, labels, images, labels)
