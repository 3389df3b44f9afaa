"""The command line of training, golden model alone: reports, resuming, interruption, and one line for every mistake."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from cocotb_tests.kit.command_line import Result, call
from gen import config as configs
from gen import generated
from golden.lib.lock import locked
from golden.run import data
from golden.run.run import Run
from sim import run_report

ROOT = Path(configs.__file__).resolve().parents[1]
#: Enough to learn something, little enough to take a moment.
SAMPLES = 60

KEYS = {
    "dataset",
    "config",
    "epochs",
    "samples",
    "test_accuracy",
    "bit_exact",
    "compared_values",
    "rtl_cycles",
    "rtl_samples_per_second",
    "wall_seconds",
    "weights_sha256",
}


def _command(build: Path, **options: Any) -> list[str]:
    arguments = {"dataset": "digits", "sim": "golden", "samples": SAMPLES, **options, "build": build}
    command = ["train"]
    for name, value in arguments.items():
        if value is True:
            command.append(f"--{name}")
        elif value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    return command


def _train(build: Path, **options: Any) -> Result:
    return call(*_command(build, **options))


def _report(build: Path) -> dict[str, Any]:
    return json.loads((build / "reports" / "train.json").read_text())


def _digest(epochs: int) -> str:
    """Digest of the weights after a run inside this process."""
    run = Run(configs.load("digits"), data.load("digits", None), SAMPLES, epochs)
    for step in run.steps():
        run.advance(step, run.present(step))
    return run.weights_sha256()


@pytest.fixture(scope="module")
def two_epochs() -> str:
    """Digest of an uninterrupted run of two epochs."""
    return _digest(2)


def test_report(tmp_path: Path, two_epochs: str) -> None:
    """The report has all keys, the picture is a picture, one line says how it went."""
    finished = _train(tmp_path, epochs=2)
    assert finished.exit_code == 0, finished.stderr
    report = _report(tmp_path)
    assert report.keys() >= KEYS
    assert (report["dataset"], report["config"], report["simulator"]) == ("digits", "digits", "golden")
    assert (report["epochs"], report["samples"]) == (2, SAMPLES)
    assert (report["bit_exact"], report["compared_values"], report["rtl_cycles"]) == (None, 0, 0)
    assert report["rtl_samples_per_second"] == 0
    assert report["wall_seconds"] > 0
    assert report["weights_sha256"] == two_epochs
    # ten classes: far better than guessing
    assert 0.25 < report["test_accuracy"] <= 1
    assert report["test_accuracy"] == report["test_curve"][-1]
    assert len(report["test_curve"]) == len(report["train_curve"]) == 2
    assert report["counters"]["samples"] == 2 * (SAMPLES + 360)
    assert report["seed"] == {"random": configs.load("digits").random.seed, "shuffle": 1}
    picture = tmp_path / "reports" / "train.png"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert picture.stat().st_size > 5000
    assert {path.name for path in picture.parent.iterdir()} == {"train.json", "train.png"}
    said = rf"digits on digits: test accuracy {report['test_accuracy']:.4f} after 2 epochs, \d+ s; .*train.png\n"
    assert re.fullmatch(said, finished.stdout)


def test_summary_beside_rtl() -> None:
    """With another machine beside the golden one the line says what was compared."""
    content = {"test_accuracy": 0.5, "epochs": 1, "bit_exact": True, "compared_values": 7, "rtl_cycles": 9}
    said = run_report.summary(content | {"wall_seconds": 1.2}, "it")
    assert said == "it: test accuracy 0.5000 after 1 epoch, bit_exact True, 7 values compared, 9 cycles, 1 s"


def test_resume(tmp_path: Path, two_epochs: str) -> None:
    """One epoch, then RESUME to two: the same weights as two in one go."""
    assert _train(tmp_path, epochs=1).exit_code == 0
    first = _report(tmp_path)
    assert first["weights_sha256"] == _digest(1) != two_epochs
    finished = _train(tmp_path, epochs=2, resume=True)
    assert finished.exit_code == 0, finished.stderr
    second = _report(tmp_path)
    assert second["weights_sha256"] == two_epochs
    assert second["test_curve"][:1] == first["test_curve"]
    assert second["wall_seconds"] > first["wall_seconds"]
    # a checkpoint of other settings is no start
    refused = _train(tmp_path, epochs=2, resume=True, samples=SAMPLES + 1)
    assert refused.exit_code != 0
    assert f"belongs to another run: samples is {SAMPLES} there and {SAMPLES + 1} here" in refused.stderr


def test_resume_compiled(tmp_path: Path, two_epochs: str) -> None:
    """What the NumPy model began the compiled one goes on with, to the same weights."""
    pytest.importorskip("numba", reason="the fast golden model needs the optional package numba")
    assert _train(tmp_path, epochs=1).exit_code == 0
    finished = _train(tmp_path, epochs=2, resume=True, sim="fast")
    assert finished.exit_code == 0, finished.stderr
    report = _report(tmp_path)
    assert (report["simulator"], report["weights_sha256"]) == ("fast", two_epochs)


def test_compiled_nonideal(tmp_path: Path) -> None:
    """A non-ideal array: the compiled model ends with the NumPy one's weights and counters."""
    pytest.importorskip("numba", reason="the fast golden model needs the optional package numba")
    config = tmp_path / "measured.toml"
    config.write_text(
        'base = "digits-nonideal"\n[nonideal.columns]\nstep = 1\nnoise = 8\n[nonideal.rows]\noffset = 2\n'
    )
    reports = {}
    for sim in ("golden", "fast"):
        finished = _train(tmp_path / sim, epochs=1, config=config, sim=sim)
        assert finished.exit_code == 0, finished.stderr
        reports[sim] = _report(tmp_path / sim)
    golden, fast = reports["golden"], reports["fast"]
    assert (golden["simulator"], fast["simulator"]) == ("golden", "fast")
    assert fast["weights_sha256"] == golden["weights_sha256"]
    assert fast["counters"] == golden["counters"]


def _one_line(finished: Result) -> str:
    """Check that a run ended with one line on the error stream, and return it."""
    assert finished.exit_code == 1
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    assert finished.stderr.count("\n") == 1, finished.stderr
    assert finished.stderr.startswith("error: ")
    return finished.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dataset": "svhn", "config": "digits"}, "unknown data set 'svhn': give digits or mnist"),
        (
            {"config": "huge"},
            f"unknown configuration 'huge': give one of {', '.join(configs.names())} or a .toml",
        ),
        ({"sim": "xyz"}, "unknown simulator 'xyz': give one of "),
        ({"dataset": "mnist"}, "mnist needs the folder (--data-dir) with train-images-idx3-ubyte.gz, "),
        ({"dataset": "mnist", "data_dir": "/nowhere"}, "missing data file /nowhere/train-images-idx3-ubyte.gz: "),
        ({"config": "tiny"}, "the data set has 64 pixels and 10 classes, the configuration's layers [10, 6, 5, 3] "),
        ({"samples": 1438}, "samples must be 1 .. 1437, not 1438"),
        ({"samples": -1}, "samples must be 1 .. 1437, not -1"),
        ({"epochs": -1}, "epochs must be >= 1, not -1"),
        ({"resume": True}, "nothing to resume: there is no checkpoint "),
        ({"transport": "pci"}, "unknown transport 'pci': give direct or axi"),
        ({"transport": "axi"}, "--transport axi needs --sim verilator, not golden"),
        (
            {"transport": "axi", "sim": "verilator", "resume": True},
            "--transport axi cannot do --resume: give --transport direct, or leave --resume out",
        ),
        ({"transport": "axi", "sim": "verilator", "waves": True}, "--transport axi cannot do --waves: "),
        ({"waves": True}, "--waves needs a simulator: give --sim verilator or icarus, not golden"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_mistakes(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    """One line that says what is wrong, a code, no trace of Python, and nothing in the build folder's reports."""
    assert says in _one_line(_train(tmp_path, **{"epochs": 1, **options}))
    assert not (tmp_path / "reports").exists()


def test_two_runs_at_once(tmp_path: Path, two_epochs: str) -> None:
    """Of two runs that would share their files the second is refused, with a way out; the first is not disturbed."""
    folder = tmp_path / "train" / "digits-digits-golden"
    with locked(folder):
        for resume in (None, True):
            assert f"another run works in {folder}: wait for its end, or" in _one_line(_train(tmp_path, resume=resume))
    assert _train(tmp_path, epochs=2).exit_code == 0
    assert _report(tmp_path)["weights_sha256"] == two_epochs


def test_forgotten_resume(tmp_path: Path, two_epochs: str) -> None:
    """A run that begins anew keeps the checkpoint of the one before; put back, it is gone on from."""
    assert _train(tmp_path, epochs=1).exit_code == 0
    assert _train(tmp_path, epochs=1, seed=5).exit_code == 0
    kept = tmp_path / "train" / "digits-digits-golden" / "checkpoint-before.npz"
    kept.replace(kept.with_name("checkpoint.npz"))
    finished = _train(tmp_path, epochs=2, resume=True)
    assert finished.exit_code == 0, finished.stderr
    assert _report(tmp_path)["weights_sha256"] == two_epochs


@pytest.mark.parametrize("sim", ["golden", "verilator"])
def test_bad_checkpoint(sim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No, a truncated, another run's, a further run's: one line, and nothing is generated or built before it."""
    monkeypatch.setattr(generated, "machine", lambda *_: pytest.fail("something is generated"))
    kind = "-golden" if sim == "golden" else ""
    checkpoint = tmp_path / "train" / f"digits-digits{kind}" / "checkpoint.npz"
    options: dict[str, Any] = {"sim": sim, "resume": True, "epochs": 1}
    assert "nothing to resume: there is no checkpoint" in _one_line(_train(tmp_path, **options))
    assert _train(tmp_path / "other", epochs=2).exit_code == 0
    content = (tmp_path / "other" / "train" / "digits-digits-golden" / "checkpoint.npz").read_bytes()
    checkpoint.write_bytes(content)
    assert "epochs must be >= 2, as far as the checkpoint" in _one_line(_train(tmp_path, **options))
    assert "seed is 1 there and 9 here" in _one_line(_train(tmp_path, **options, seed=9))
    checkpoint.write_bytes(content[: len(content) // 2])
    assert "cannot be read (it is no archive of NumPy, or only a part" in _one_line(_train(tmp_path, **options))
    assert checkpoint.read_bytes() == content[: len(content) // 2]


def test_unknown_data_set_without_a_configuration(tmp_path: Path) -> None:
    """A data set that does not exist is called that, though the default configuration has its name."""
    assert "unknown data set 'svhn'" in _one_line(_train(tmp_path, dataset="svhn"))


def test_build_folder_that_is_a_file(tmp_path: Path) -> None:
    """Said in one line, before any training."""
    (tmp_path / "file").write_text("x")
    assert str(tmp_path / "file") in _one_line(_train(tmp_path / "file", epochs=1))


def _until(stream: IO[bytes], pattern: bytes) -> bytes:
    """Read until a pattern occurs."""
    seen = b""
    while not re.search(pattern, seen):
        chunk = os.read(stream.fileno(), 4096)
        assert chunk, f"ended early: {seen!r}"
        seen += chunk
    return seen


def _interrupt(build: Path, **options: Any) -> tuple[int, str]:
    """Start a run that would take minutes, and press Ctrl-C once it has learned something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mtj_gxnor", *_command(build, epochs=100_000 // SAMPLES, **options)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        # shells start background jobs with Ctrl-C ignored, which is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stderr is not None
        seen = _until(process.stderr, rb"test 0\.\d+")
        process.send_signal(signal.SIGINT)
        seen += process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
    return process.returncode, seen.decode()


def _check_interrupted(code: int, errors: str) -> None:
    assert code > 0, "ended by a signal"
    assert "Traceback" not in errors
    last = errors.splitlines()[-1]
    assert last == "interrupted: the same command with --resume (make: RESUME=1) goes on from the last checkpoint"
    # the progress bar rewrites one line with carriage returns; then comes the message
    assert errors.count("\n") == 2, errors


def test_interrupted_run_keeps_what_it_did(tmp_path: Path) -> None:
    """Ctrl-C before the first periodic checkpoint: the message promises one, so there is one to go on from."""
    _check_interrupted(*_interrupt(tmp_path))
    checkpoints = list(tmp_path.rglob("*.npz"))
    assert len(checkpoints) == 1
    run = Run(configs.load("digits"), data.load("digits", None), SAMPLES, 100_000 // SAMPLES)
    run.resume(checkpoints[0])
    assert 0 < run.done < len(run._steps)
    again = Run(configs.load("digits"), data.load("digits", None), SAMPLES, 100_000 // SAMPLES)
    for step in again.steps()[: run.done]:
        again.advance(step, again.present(step))
    assert again.weights_sha256() == run.weights_sha256()
    # and the command line goes on from it to the end of a run never interrupted
    epochs = run.done // (len(run._steps) // run.epochs) + 2
    finished = _train(tmp_path, epochs=epochs, resume=True)
    assert finished.exit_code == 0, finished.stderr
    whole = Run(configs.load("digits"), data.load("digits", None), SAMPLES, epochs)
    for step in whole.steps():
        whole.advance(step, whole.present(step))
    assert _report(tmp_path)["weights_sha256"] == whole.weights_sha256()
