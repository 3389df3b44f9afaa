"""The main job in the RTL: bit-exact, interrupted and resumed, and stopped by a difference."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cocotb_tests.machine.test_faults import FAULTS, mutate
from gen import config as configs
from gen import generated
from mtj_gxnor.commands.train import train
from sim import harness, rtl, runner, verilate
from sim.build import BuildError

SIM = os.environ.get("SIM", "verilator")
pytestmark = pytest.mark.skipif(SIM == "icarus", reason="the four-state tier is small")

SETTINGS: dict[str, Any] = {"dataset": "digits", "samples": 120, "epochs": 2, "sim": "verilator", "quick": True}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a small machine for the digits."""
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text('base = "digits"\nlayers = [64, 16, 10]\narray.lanes = 16\n')
    return str(path)


def report(build: Path) -> dict[str, Any]:
    """Read a run's report."""
    return json.loads((build / "reports" / "train.json").read_text())


def test_run_is_bit_exact(tmp_path: Path, config: str) -> None:
    """RTL and golden model train to the same weights, which are those of the golden model alone."""
    train(config=config, build=tmp_path / "rtl", **SETTINGS)
    rtl = report(tmp_path / "rtl")
    assert rtl["bit_exact"] is True
    assert rtl["compared_values"] > 10_000
    assert rtl["rtl_cycles"] > 0
    assert rtl["counters"]["switches"] > 0
    train(config=config, build=tmp_path / "golden", **{**SETTINGS, "sim": "golden"})
    assert report(tmp_path / "golden")["weights_sha256"] == rtl["weights_sha256"]


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")
def test_icarus_run_is_bit_exact(tmp_path: Path, config: str) -> None:
    """So does Icarus, which wakes the host in the midst of a time step."""
    settings = {**SETTINGS, "samples": 40, "epochs": 1}
    train(config=config, build=tmp_path / "rtl", **{**settings, "sim": "icarus"})
    assert report(tmp_path / "rtl")["bit_exact"] is True
    train(config=config, build=tmp_path / "golden", **{**settings, "sim": "golden"})
    assert report(tmp_path / "golden")["weights_sha256"] == report(tmp_path / "rtl")["weights_sha256"]


def test_host_wakes_last(config: str) -> None:
    """What the host reads when it wakes is in the one block of the harness that ends with waking it."""
    files = generated.machine(configs.load(config), "small")
    written = harness.write(json.loads(files["manifest.json"]), clock_inside=True)
    (block,) = re.findall(r"always @\(negedge running\) begin\n(.*?)\n  end", written, re.DOTALL)
    assert written.count("negedge running") == 1
    assert "counters[" in block
    assert "$fflush(log)" in block
    assert block.splitlines()[-1].strip() == "done = ~done;"


def test_bus_run_is_bit_exact(tmp_path: Path, config: str) -> None:
    """Through driver and registers the RTL trains to the same weights, and the report says how."""
    train(config=config, build=tmp_path / "axi", transport="axi", **SETTINGS)
    axi = report(tmp_path / "axi")
    assert (axi["transport"], axi["bit_exact"]) == ("axi", True)
    assert axi["compared_values"] > 3000
    train(config=config, build=tmp_path / "golden", **{**SETTINGS, "sim": "golden"})
    assert report(tmp_path / "golden")["weights_sha256"] == axi["weights_sha256"]


def test_interrupted_run_resumes_to_the_same_weights(tmp_path: Path, config: str) -> None:
    """A run is interrupted by Ctrl-C after its first checkpoint and goes on to the same end."""
    options = ["--dataset", "digits", "--config", config, "--samples", "400", "--epochs", "3", "--quick"]
    command = [sys.executable, "-m", "mtj_gxnor", "train", *options, "--build", str(tmp_path / "cut")]
    process = subprocess.Popen(
        command,
        cwd=runner.ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # shells start background jobs with Ctrl-C ignored, which is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = tmp_path / "cut" / "train" / "digits-small" / "checkpoint.npz"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "interrupted" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert not (tmp_path / "cut" / "reports" / "train.json").exists()
    settings = {**SETTINGS, "samples": 400, "epochs": 3}
    train(config=config, build=tmp_path / "cut", resume=True, **settings)
    train(config=config, build=tmp_path / "golden", **{**settings, "sim": "golden"})
    assert report(tmp_path / "cut")["bit_exact"] is True
    assert report(tmp_path / "cut")["weights_sha256"] == report(tmp_path / "golden")["weights_sha256"]


def test_killed_simulator(tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that is killed, as for want of memory, is one line; the run goes on to the same weights."""
    step, steps = rtl.RtlBackend.step, 0

    def dying(backend: rtl.RtlBackend, *arguments: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 3:
            command = ["ps", "--ppid", str(os.getpid()), "-o", "pid=,comm="]
            listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            (simulator,) = [int(line.split()[0]) for line in listed.splitlines() if "harness" in line]
            os.kill(simulator, signal.SIGKILL)
        return step(backend, *arguments)

    monkeypatch.setattr(rtl.RtlBackend, "step", dying)
    with pytest.raises(rtl.SimulationError, match=r"^the simulation has ended without an answer: see [^\n]*$"):
        train(config=config, build=tmp_path / "rtl", **SETTINGS)
    train(config=config, build=tmp_path / "rtl", resume=True, **SETTINGS)
    train(config=config, build=tmp_path / "golden", **{**SETTINGS, "sim": "golden"})
    assert report(tmp_path / "rtl")["bit_exact"] is True
    assert report(tmp_path / "rtl")["weights_sha256"] == report(tmp_path / "golden")["weights_sha256"]


def test_failed_build(tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that fails is one line with its first complaint, whatever is built."""
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\necho 'fatal error: out of paper' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(verilate, "_compiler", lambda: str(tmp_path))
    for transport in ("direct", "axi"):
        with pytest.raises(BuildError, match=r"^[^\n]* cannot be built: fatal error: out of paper \(logs in [^\n]*$"):
            train(config=config, build=tmp_path, transport=transport, **SETTINGS)


def test_difference_stops_the_run(tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the RTL ends the run with batch, quantity, index and both values, and can be looked at in a wave."""
    generate = generated.machine

    def faulty(*arguments: Any) -> dict[str, str]:
        files = generate(*arguments)
        file, module, pattern, replacement = FAULTS["neurons: threshold excluded"]
        return files | {file: mutate(files[file], module, pattern, replacement)}

    monkeypatch.setattr(generated, "machine", faulty)
    with pytest.raises(SystemExit, match="RTL and golden model differ: epoch 1, batch from sample 0: predictions"):
        train(config=config, build=tmp_path, transport="axi", **SETTINGS)
    assert report(tmp_path)["bit_exact"] is False
    with pytest.raises(SystemExit) as stopped:
        train(config=config, build=tmp_path, **SETTINGS)
    message = str(stopped.value)
    assert "epoch 1, batch from sample 0" in message
    assert "in RTL" in message
    assert "in the golden model" in message
    assert "--resume and --waves records this batch" in message
    assert report(tmp_path)["bit_exact"] is False
    waves = runner.waveform_file("digits-small", "verilator")
    waves.unlink(missing_ok=True)
    with pytest.raises(SystemExit, match=f"predictions.*; recorded in {waves}$"):
        train(config=config, build=tmp_path, resume=True, waves=True, **SETTINGS)
    assert waves.stat().st_size > 5_000


def test_recording_leaves_a_run_as_it_is(tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorded mini-batch says where it is; report and checkpoint of the run before it stay."""
    train(config=config, build=tmp_path, **{**SETTINGS, "sim": "golden"})
    work = tmp_path / "train"
    (work / "digits-small-golden").rename(work / "digits-small")
    kept = [tmp_path / "reports" / "train.json", work / "digits-small" / "checkpoint.npz"]
    before = [path.read_bytes() for path in kept]
    waves = runner.waveform_file("digits-small", "verilator")
    waves.unlink(missing_ok=True)
    capsys.readouterr()
    train(config=config, build=tmp_path, waves=True, **SETTINGS)
    said = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(rf"recorded one mini-batch, [1-9]\d+ values compared and equal; {waves}", said)
    assert waves.stat().st_size > 5_000
    assert [path.read_bytes() for path in kept] == before
