"""Command line of the fit: from a CSV file to a configuration, or one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from gen import config as configs
from golden.device.switching import erf

ROOT = Path(configs.__file__).resolve().parents[1]


def _fit(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtj_gxnor", "fit", str(folder / "rows.csv"), "--model", "erf", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_fit(tmp_path: Path) -> None:
    """Exact probabilities give the device back, as a configuration that is otherwise the one named."""
    lines = ["current_A,width_s,p_sw,attempts"]
    for current in (35e-6, 50e-6):
        for width in np.linspace(2e-9, 20e-9, 15).tolist():
            lines.append(f"{current},{width},{float(erf(width, current / 22e-6, 65.0, 1.8e-9))},1000000")
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    output = tmp_path / "new" / "mine.toml"
    done = _fit(tmp_path, "--config", "tiny", "--temperature", "320", "--output", str(output))
    assert (done.returncode, done.stderr) == (0, "")
    config = configs.load(str(output))
    device = config.switching.operation.device
    assert abs(device.stability(320) / 65 - 1) < 1e-3
    assert abs(device.time_constant(320) / 1.8e-9 - 1) < 1e-4
    assert abs(device.critical_current(0, 320) / 22e-6 - 1) < 1e-4
    assert config.array == configs.load("tiny").array
    assert config.switching.code_bits == configs.load("tiny").switching.code_bits
    assert done.stdout.startswith(f"# Fitted to {tmp_path}/rows.csv: 30 rows, deviance ")
    assert done.stdout.split("# in ")[0] in output.read_text()


def test_mistakes(tmp_path: Path) -> None:
    """One line each, and nothing written."""
    output = tmp_path / "mine.toml"
    done = _fit(tmp_path, "--output", str(output))
    assert (done.returncode, done.stderr) == (1, f"error: {tmp_path}/rows.csv: No such file or directory\n")
    (tmp_path / "rows.csv").write_text("current_A,width_s,p_sw\n1e-5,1e-8,50\n")
    done = _fit(tmp_path, "--output", str(output))
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {tmp_path}/rows.csv: line 2: p_sw must be 0 .. 1, not 50: is it in percent? "
        "call the column p_sw_percent\n"
    )
    assert not output.exists()
