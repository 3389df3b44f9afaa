"""The command line of the device report: its files, and one line for every mistake."""

import itertools
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cocotb_tests.kit.command_line import Result, call
from golden.device.junction import JUNCTIONS
from sim.device import llg

FIGURES = ("device-bands.svg", "device-tables.svg", "device-switching.svg", "device-rtl.svg")


def _device(build: Path, **options: Any) -> Result:
    arguments = [(f"--{name.replace('_', '-')}", str(value)) for name, value in options.items()]
    return call("device", "--build", str(build), *itertools.chain(*arguments))


def _report(build: Path) -> dict[str, Any]:
    for name in FIGURES:
        assert ElementTree.parse(build / "reports" / name).getroot().tag.endswith("svg")
    return json.loads((build / "reports" / "device.json").read_text())


def test_report(tmp_path: Path) -> None:
    """Parameters, derived quantities, table residuals and the comparison, or why there is none."""
    done = _device(tmp_path, trajectories=20, seed=3, code_bits=2)
    assert done.exit_code == 0, done.stderr
    report = _report(tmp_path)
    assert report["device"] == "perpendicular_50nm"
    assert report["parameters"]["length"] == 50e-9
    assert abs(report["derived"]["300 K"]["stability"] - 70.4) < 0.05
    assert report["pulse_table_max_residual"] == max(
        entry["residual"] for entry in report["pulse_tables"] if "shared" not in entry["variant"]
    )
    assert report["pulse_table_max_residual"] <= 0.01
    assert report["pulse_table_max_residual_shared_widths"] > 0.01
    assert {entry["model"] for entry in report["pulse_tables"]} == {"erf", "rayleigh", "fokker_planck", "macrospin"}
    assert abs(report["worst_z"]) < report["worst_z_allowed"]
    assert report["rtl_points_outside"] == 0
    assert len(report["rtl_points"]) == 3 * 2 * 3
    assert 0 < report["family_wise_alpha"] <= 1e-3
    assert report["min_stream_separation_log2"] >= 40
    missing = llg.missing(JUNCTIONS["perpendicular_50nm"])
    assert report["cmtj_reason"] == (missing or None)
    if missing:
        assert report["cmtj_agreement"] is None
    else:
        assert report["cmtj_agreement"].keys() == {"erf", "rayleigh", "fokker_planck", "macrospin"}
        assert report["cmtj_agreement"]["erf"]["points"] == len(report["cmtj_points"]) == 24
    assert report["seed"] == 3
    assert {"command", "versions", "date"} <= report.keys()
    assert report["versions"]["numpy"]


@pytest.mark.slow
def test_in_plane(tmp_path: Path) -> None:
    """Only the models that hold in the plane, and no comparison."""
    done = _device(tmp_path, device="in_plane_100nm", temperature=350, code_bits=1)
    assert done.exit_code == 0, done.stderr
    report = _report(tmp_path)
    assert {entry["model"] for entry in report["pulse_tables"]} == {"erf"}
    assert report["cmtj_agreement"] is None
    assert report["cmtj_reason"]
    assert report["temperature_K"] == 350


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "mine"}, "unknown device 'mine': give one of perpendicular_50nm, in_plane_100nm"),
        ({"overdrive": 1.0}, "overdrive must be 1.3 .. 10 times the critical current, not 1.0"),
        ({"temperature": 0}, "temperature must be 1 .. 10000 K, not 0.0"),
        ({"temperature": 1e300}, "temperature must be 1 .. 10000 K, not 1e+300"),
        ({"trajectories": 0}, "trajectories must be >= 1, not 0"),
        ({"code_bits": 7}, "code_bits must be 1 .. 6, not 7"),
        ({"seed": -1}, "seed must be >= 0, not -1"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """One line, and nothing written."""
    done = _device(tmp_path, **options)
    assert (done.exit_code, done.stderr) == (1, f"error: {message}\n")
    assert not (tmp_path / "reports").exists()
