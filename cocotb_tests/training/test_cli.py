"""The command line: reports, resuming, time limit, weights files, the table, the curves, one line per mistake."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocotb_tests.kit.command_line import Result, call
from cocotb_tests.training import files
from golden.dense import Dense
from training import devices, nonideality_sweep, speed, table
from training.mtj import MtjParameters

KEYS = {
    *("test_accuracy_last", "test_accuracy_best", "epochs", "parameters", "width", "seed", "seconds", "device"),
    "train_curve",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a small MNIST in it."""
    files.mnist(tmp_path / "data" / "mnist", monkeypatch)
    return tmp_path


def _call(folder: Path, *words: str, command: Any = "accuracy", **options: Any) -> Result:
    standard = {"data-dir": folder / "data", "build": folder / "build"}
    if command == "accuracy":
        standard |= {"network": "4C5-MP2-10", "epochs": 2, "batch": 20}
        standard |= {"precision": "float32", "layout": "channels_last"}
    arguments = [command, *words]
    for name, value in (standard | options).items():
        arguments += [f"--{name}", str(value)]
    return call(*arguments)


def _report(folder: Path, rule: str = "mtj") -> dict[str, Any]:
    return json.loads((folder / "build" / "reports" / f"accuracy-mnist-{rule}.json").read_text())


def test_a_run_writes_its_report(folder: Path) -> None:
    result = _call(folder, rule="gxnor", seed=3)
    assert result.exit_code == 0, result.output
    report = _report(folder, "gxnor")
    assert report.keys() >= KEYS
    assert (report["epochs"], report["finished"], report["seed"], report["width"]) == (2, True, 3, 1.0)
    assert len(report["train_curve"]) == 2
    assert report["test_accuracy_best"] == max(report["test_curve"])
    assert report["command"] == ("make accuracy DATASET=mnist RULE=gxnor SEED=3 NETWORK=4C5-MP2-10 EPOCHS=2 BATCH=20")
    assert "test accuracy" in result.output


def test_a_run_goes_on_after_its_time_limit(folder: Path) -> None:
    whole = _call(folder)
    assert whole.exit_code == 0
    curve = _report(folder)["test_curve"]
    limited = _call(folder, **{"time-limit": 0})
    assert "time is over: the same command with --resume (make: RESUME=1) goes on" in limited.output
    assert (_report(folder)["epochs"], _report(folder)["finished"]) == (0, False)
    assert _call(folder, "--resume").exit_code == 0
    assert _report(folder)["test_curve"] == curve


def test_precision_and_layout_are_measured_once_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quickest = ["bfloat16", "channels_first"]

    def deal(self: speed._Pass) -> float:
        return float([str(self._dtype).removeprefix("torch."), self._network.layout] != quickest)

    monkeypatch.setattr(speed._Pass, "seconds", deal)
    words = ["accuracy", "--network", "4C5-MP2-10", "--epochs", "2", "--batch", "20", "--rule", "accumulate"]
    words += ["--data-dir", str(folder / "data"), "--build", str(folder / "build")]

    def chosen(*last: str) -> tuple[str, str]:
        result = call(*words, *last)
        assert result.exit_code == 0, result.output
        found = _report(folder, "accumulate")["settings"]
        return found["precision"], found["layout"]

    assert chosen("--time-limit", "0") == ("bfloat16", "channels_first")
    # taken up on a machine on which another choice is quicker
    quickest[:] = ["float32", "channels_last"]
    assert chosen("--resume") == ("bfloat16", "channels_first")
    assert chosen() == ("float32", "channels_last")


def test_a_network_for_the_machine_becomes_a_weights_file(folder: Path) -> None:
    result = call(
        *("accuracy", "--config", "mnist", "--epochs", "1", "--batch", "20", "--precision", "float32"),
        *("--data-dir", str(folder / "data"), "--build", str(folder / "build")),
    )
    assert result.exit_code == 0, result.output
    (path,) = (folder / "build" / "accuracy").glob("*/weights.npz")
    dense = Dense.load(path)
    assert f"--config mnist --weights {path}" in result.output
    assert dense.sizes == [784, 512, 10]
    labels = files.digits(50, files.np.random.default_rng(0))[1]
    assert float((dense.predictions == labels).mean()) == _report(folder)["test_accuracy_last"]


def test_mistakes_are_one_line_and_leave_nothing(folder: Path) -> None:
    slow = folder / "devices.toml"
    slow.write_text("scheme = 'slow'")
    for options, words in (
        ({"dataset": "x"}, "error: unknown data set 'x'"),
        ({"data-dir": folder / "none"}, "error: no data of mnist: looked for train-images"),
        ({"rule": "x"}, "error: rule must be one of"),
        ({"config": "x"}, "error: unknown configuration 'x'"),
        ({"devices": slow}, "error: devices: scheme must be"),
        ({"devices": folder / "none.toml"}, f"error: {folder}/none.toml: No such file"),
        ({"device": "tpu"}, "error: device must be auto, cpu or cuda"),
        ({"batch": 1000}, "error: batch must be at most the 200 training samples"),
    ):
        result = _call(folder, **options)
        assert result.exit_code == 1
        assert result.output.startswith(words), result.output
        assert result.output.count("\n") == 1
    resumed = _call(folder, "--resume")
    assert resumed.output.startswith("error: nothing to resume: there is no checkpoint")
    assert not list((folder / "build").glob("reports/*"))


def test_finished_runs_become_a_table(folder: Path) -> None:
    docs = folder / "docs"
    docs.mkdir()
    document = docs / "accuracy.md"
    document.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for rule, seed in (("gxnor", 1), ("gxnor", 2), ("mtj", 1), ("mtj", 2)):
        assert _call(folder, rule=rule, seed=seed).exit_code == 0
    _call(folder, seed=9, **{"time-limit": 0})
    arguments = ["accuracy-table", "--build", str(folder / "build"), "--docs", str(docs)]
    result = call(*arguments)
    assert result.output.startswith("4 runs"), result.output
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert text.count("`make accuracy DATASET=mnist RULE=mtj SEED=") == 2
    rows = json.loads((docs / "accuracy.json").read_text())
    last = {rule: [row["test_accuracy_last"] for row in rows if row["rule"] == rule] for rule in ("gxnor", "mtj")}
    gap = 50 * (sum(last["mtj"]) - sum(last["gxnor"]))
    assert f"| {gap:+.2f} ±" in text
    # rows of runs that are gone stay
    for path in (folder / "build" / "accuracy").glob("*/report.json"):
        path.unlink()
    call(*arguments)
    assert document.read_text() == text
    document.write_text("nothing")
    assert call(*arguments).output.startswith("error: ")


def test_curves_are_drawn_from_points_that_are_run_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = (nonideality_sweep.CURVES[1].points[0], nonideality_sweep.CURVES[1].points[2])
    monkeypatch.setattr(
        nonideality_sweep,
        "CURVES",
        (nonideality_sweep.Curve("stuck", two), nonideality_sweep.Curve("scheme", nonideality_sweep.CURVES[-1].points)),
    )
    (folder / "docs").mkdir()
    options: dict[str, Any] = {"command": "nonidealities", "samples": 100, "epochs": 1, "docs": folder / "docs"}
    assert "0 points, 3 left" in _call(folder, **options, **{"time-limit": -1}).output
    result = _call(folder, **options)
    assert result.stdout.startswith("3 points, 0 left"), result.output
    found = json.loads((folder / "build" / "reports" / "nonidealities.json").read_text())
    assert [curve["labels"] for curve in found["curves"]] == [["0", "3"], ["verified", "blind"]]
    assert found["curves"][0]["accuracy"][0] == found["curves"][1]["accuracy"][0]
    assert (folder / "docs" / "accuracy-nonidealities.svg").read_text().count("test accuracy") >= 1
    monkeypatch.setattr("mtj_gxnor.commands.accuracy.Run", None)
    assert _call(folder, **options).stdout == result.stdout


def test_every_point_of_the_curves_is_a_valid_device() -> None:
    for text, _ in nonideality_sweep.points(1):
        assert devices.parse(text, MtjParameters).thresholds.shape[1] == 2
