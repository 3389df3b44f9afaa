"""Non-idealities that are off cost nothing, and none reaches the periphery; configurations with them, good and bad."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gen import config as named
from gen import verilog
from golden.array.converter import ConverterParameters
from golden.array.nonideal import NonidealParameters
from golden.config import variant

TINY = named.load("tiny")
TEXT = (Path(named.__file__).parent / "configs" / "tiny.toml").read_text()


def test_off_costs_nothing() -> None:
    """With everything off the array has no trace of it, whatever the seed of what is not there."""
    ideal = verilog.machine_files(TINY, "test")
    off = replace(TINY, nonideal=NonidealParameters(seed=77))
    found = verilog.machine_files(off, "test")
    for file in ("array.v", "periphery.v", "top.v"):
        assert found[file] == ideal[file]
    assert not re.search(r"stuck|kind|read_out|bias|shifts|newest", ideal["array.v"])


def test_periphery_does_not_know() -> None:
    """Stuck devices and converters change the array alone; loads of streams and of its table are words to pass on."""
    ideal = verilog.machine_files(TINY, "test")
    noisy = ConverterParameters(0, 0, 1, 4, 0)
    wrong = replace(TINY, nonideal=NonidealParameters(stuck_parallel=0.1, columns=noisy, rows=noisy))
    found = verilog.machine_files(wrong, "test")
    assert found["periphery.v"] == ideal["periphery.v"]
    assert found["top.v"] == ideal["top.v"]
    assert found["array.v"] != ideal["array.v"]
    found = verilog.machine_files(variant(wrong, random={"loadable": True}, switching={"loadable": True}), "test")
    assert found["top.v"] == ideal["top.v"]
    assert found["array.v"] != ideal["array.v"]
    for file, module in (("periphery.v", "gradient_memory"), ("periphery.v", "update_unit")):
        assert _module(found[file], module) == _module(ideal[file], module)


def test_what_cannot_be_loaded_costs_nothing() -> None:
    """Without loads of tables and streams neither side has registers for them; with one of them, that one alone."""
    names = {"random": r"\bshifts\b", "switching": r"\breg \[\d+:0\] thresholds\b", "pulse": r"\breg \[\d+:0\] codes\b"}
    for loaded in (None, *names):
        config = TINY if loaded is None else variant(TINY, **{loaded: {"loadable": True}})
        files = verilog.machine_files(config, "test")
        text = files["array.v"] + files["periphery.v"]
        assert {name for name, pattern in names.items() if re.search(pattern, text)} == {loaded} - {None}


def _module(text: str, name: str) -> str:
    """Take one module out of a file."""
    found = re.search(rf"(?ms)^module mtj_gxnor_periphery_{name}\b.*?^endmodule", text)
    assert found
    return found[0]


def _load(folder: Path, text: str) -> NonidealParameters:
    path = folder / "mine.toml"
    path.write_text(TEXT + text)
    return named.load(str(path)).nonideal


def test_map_is_read_beside_the_configuration(tmp_path: Path) -> None:
    """A CSV file, a NumPy file and the list itself say the same; the same machine whichever it was."""
    cells = ((34, 0, 1, 0), (0, 3, 0, 1))
    (tmp_path / "a.csv").write_text("# found on the wafer\nrow,lane,device,state\n34,0,1,AP\n\n0, 3, 0, P\n")
    np.save(tmp_path / "a.npy", np.array(cells))
    (tmp_path / "b.csv").write_text("\ufeffrow;lane;device;state\n34;0;1;AP\n0;3;0;P\n")
    for text in (
        'stuck_map = "a.csv"',
        'stuck_map = "b.csv"',
        'stuck_map = "a.npy"',
        "stuck = [[34, 0, 1, 0], [0, 3, 0, 1]]",
    ):
        assert _load(tmp_path, f"[nonideal]\n{text}\n").stuck == cells


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("row,lane\n1,2\n", "must begin with the line row,lane,device,state, not 'row,lane'"),
        ("", "must begin with the line row,lane,device,state, not ''"),
        ("row,lane,device,state\n1,2,0\n", "line 2: 4 fields are needed, not 3"),
        ("row,lane,device,state\n# x\n1,-2,0,P\n", "line 3: lane must be a number from 0, not '-2'"),
        ("row,lane,device,state\n1,2,0,1\n", "line 2: state must be P or AP, not '1'"),
        (
            "row,lane,device,state\n" + "1" * 200_000 + ",2,0,P\n",
            "is no table: line 2: field larger than field limit (131072)",
        ),
        ("row,lane,device,state\n99,2,0,P\n", "row, lane, device [99, 2, 0] is outside the array of 35 rows, 4 lanes"),
        ("row,lane,device,state\n1,2,0,P\n1,2,0,AP\n", "nonideal.stuck names row 1, lane 2, device 0 twice"),
    ],
)
def test_bad_maps(tmp_path: Path, content: str, message: str) -> None:
    """Messages name file, line, rule and value."""
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(named.ConfigError, match=re.escape(message)) as caught:
        _load(tmp_path, '[nonideal]\nstuck_map = "a.csv"\n')
    assert "\n" not in str(caught.value)


def test_bad_map_files(tmp_path: Path) -> None:
    """Files that are missing, of another model, or not NumPy's; a map and a list together."""
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    (tmp_path / "b.npy").write_text("no")
    np.save(tmp_path / "c.npy", np.array([[None] * 4]))
    np.save(tmp_path / "d.npy", np.zeros((300, 4), int))
    (tmp_path / "d.npy").write_bytes((tmp_path / "d.npy").read_bytes()[:500])
    (tmp_path / "e.csv").write_bytes(b"row,lane,device,state\n\xff")
    for text, message in (
        ('stuck_map = "none.csv"', "none.csv' cannot be read: No such file or directory"),
        ('stuck_map = "."', "cannot be read: Is a directory"),
        ('stuck_map = "c.npy"', "c.npy' is no NumPy file of numbers, or only a part of one"),
        ('stuck_map = "d.npy"', "d.npy' is no NumPy file of numbers, or only a part of one"),
        ('stuck_map = "e.csv"', "e.csv' is no table: "),
        ('stuck_map = "a.npy"', "must hold integers of shape (n, 4)"),
        ('stuck_map = "b.npy"', "is no NumPy file"),
        ("stuck_map = 3", "nonideal.stuck_map must be the name of a file, not 3"),
        ('stuck_map = "a.npy"\nstuck = []', "nonideal.stuck and nonideal.stuck_map are both given"),
    ):
        with pytest.raises(named.ConfigError, match=re.escape(message)):
            _load(tmp_path, f"[nonideal]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[nonideal]\nseed = -1", "nonideal.seed must be 0 .. 2^64 - 1, not -1"),
        ("[nonideal]\nstuck_parallel = 1.5", "nonideal.stuck_parallel must be 0 .. 1, not 1.5"),
        (
            "[nonideal]\nstuck_parallel = 0.75\nstuck_antiparallel = 0.5",
            "nonideal.stuck_parallel + nonideal.stuck_antiparallel must be at most 1, not 1.25",
        ),
        ("[nonideal]\nstuck = [[0, 0, 0, 2]]", "nonideal.stuck: state must be 1 (parallel) or 0 (antiparallel), not 2"),
        ("[nonideal.columns]\nbits = 1", "bits of a converter must be 2 .. 24"),
        ("[nonideal.columns]\nbits = 20", "nonideal.columns: bits + step of a converter must be at most the"),
        ("[nonideal.rows]\nstep = 12", "nonideal.rows: bits + step of a converter must be at most the"),
        ("[nonideal.rows]\nstep = 17", "step of a converter must be 0 .. 16, not 17"),
        ("[nonideal.rows]\noffset = -1", "offset of a converter must be 0 .. 65535, not -1"),
        ("[nonideal.rows]\nnoise = 3", "noise of a converter must be an even number of bits, not 3"),
        ("[nonideal.rows]\nnoise = 34", "noise of a converter must be 0 .. 32, not 34"),
        ("[nonideal.rows]\nnoise_step = 1", "noise_step = 1 of a converter needs noise: set noise > 0"),
        ("[nonideal]\nnoise = 2", "noise"),
    ],
)
def test_bad_parameters(tmp_path: Path, text: str, message: str) -> None:
    """Messages name field, rule and value."""
    with pytest.raises(named.ConfigError, match=re.escape(message)):
        _load(tmp_path, f"{text}\n")
