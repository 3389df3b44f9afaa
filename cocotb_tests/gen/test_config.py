"""Configurations from files: the named ones, and one line for everything that can be wrong with one."""

import re
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gen import config as configs
from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS

FOLDER = Path(configs.__file__).parent / "configs"
TINY = (FOLDER / "tiny.toml").read_text()


@pytest.mark.parametrize("name", configs.names())
def test_named_configurations(name: str) -> None:
    """Every named configuration loads, field by field what the file says, and every field has a line of meaning."""
    text = (FOLDER / f"{name}.toml").read_text()
    machine = asdict(configs.load(name))
    for block, fields in tomllib.loads(text).items():
        if isinstance(fields, dict):
            for field, value in fields.items():
                assert machine[block][field] == (tuple(value) if isinstance(value, list) else value)
        else:
            assert machine[block] == tuple(fields)
    for line in text.splitlines():
        assert " = " not in line or re.search(r"\S +# \S", line), f"{name}: {line}"


def test_names() -> None:
    """The names are those of the files, sorted; the ones that the documentation uses exist."""
    assert configs.names() == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert {"digits", "mnist", "tiny"} <= set(configs.names())


def test_files(tmp_path: Path) -> None:
    """A path to a TOML file is as good as a name."""
    path = tmp_path / "mine.toml"
    path.write_text(TINY)
    assert configs.load(str(path)) == configs.load("tiny")
    assert configs.title(str(path)) == "mine"
    assert configs.title("tiny") == "tiny"


@pytest.mark.parametrize("name", ["huge", "", "nowhere/x.toml", "."])
def test_unknown_names(name: str) -> None:
    """The message lists the names."""
    listed = ", ".join(configs.names())
    with pytest.raises(
        configs.ConfigError,
        match=f"^unknown configuration {re.escape(repr(name))}: give one of {listed} or a .toml file$",
    ):
        configs.load(name)


def _refused(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "bad.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(str(path))
    message = str(caught.value)
    assert message.startswith(f"configuration {str(path)!r}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lanes = 4 ", 'lanes = "4" ', ["array.lanes", "int", "str"]),
        ("lanes = 4 ", "lanes = 4.0 ", ["array.lanes", "int", "float"]),
        ("layers = [10, 6, 5, 3]", 'layers = ["a", "b"]', ["layers"]),
        pytest.param(
            "layers = [10, 6, 5, 3]",
            "layers = 10",
            ["layers"],
        ),
        ("offset_tracks_mean = true", "offset_tracks_mean = 1", ["neuron.offset_tracks_mean", "bool", "int"]),
        ("lanes = 4 ", "lanse = 4 ", ["lanse"]),
        ("[gradient]", "[gradiant]", ["gradiant"]),
        ("lanes = 4 ", "lanes = 5 ", ["array.lanes must be a multiple of array.group = 2, not 5"]),
        (
            "update_shifts = [8, 8, 8]",
            "update_shifts = [8, 8]",
            ["training.update_shifts must name one update shift per layer (3), not [8, 8]"],
        ),
        ("lanes = 4 ", "# ", ["array.lanes"]),
        ("lanes = 4 ", "lanes = ", ["line"]),
        ("lanes = 4 ", "lanes = 4\nlanes = 4 ", ["line"]),
    ],
)
def test_bad_files(old: str, new: str, says: list[str], tmp_path: Path) -> None:
    """Wrong types, unknown, missing and repeated fields, broken rules, broken TOML: one line that names the field."""
    assert TINY.count(old) == 1
    message = _refused(tmp_path, TINY.replace(old, new))
    for part in says:
        assert part in message


def test_other_bad_files(tmp_path: Path) -> None:
    """Missing tables, an empty file, and bytes that are no text."""
    assert "layers" in _refused(tmp_path, "")
    assert _refused(tmp_path, b"\xff\xfe\x00")
    assert "array" in _refused(tmp_path, "layers = [4, 2]\n")


def test_whole_numbers_for_real_ones(tmp_path: Path) -> None:
    """A slope of 3 is a slope of 3.0."""
    path = tmp_path / "whole.toml"
    path.write_text(TINY.replace("slope = 3.0", "slope = 3"))
    assert configs.load(str(path)) == configs.load("tiny")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("slope = inf", ["slope", "inf"]),
        ("slope = nan", ["slope", "nan"]),
        ('device = "perpendicular_50nm"', ["current_to_antiparallel", "0.0"]),
        ("[switching.junction]\ngeometry = 'perpendicular'", ["switching.junction.length"]),
        ("[switching.fitted]\ngeometry = 'flat'", ["switching.fitted.critical_current_to_antiparallel"]),
        (
            "[switching.fitted]\ngeometry = 'flat'\ncritical_current_to_antiparallel = 1e-5\n"
            "critical_current_to_parallel = 1e-5\ndelta = 60.0",
            ["fitted.geometry", "flat"],
        ),
        ("[switching.fitted]\nunits = 'mA'", ["units"]),
    ],
)
def test_unusable_devices(lines: str, says: list[str], tmp_path: Path) -> None:
    """Device parameters are checked when a configuration is loaded, not when its tables are needed."""
    table = re.search(r"\[switching\][^[]*", TINY)
    assert table
    model = "ideal" if lines.startswith("slope") else "erf"
    message = _refused(tmp_path, TINY.replace(table[0], f'[switching]\nmodel = "{model}"\n{lines}\n'))
    for part in says:
        assert part in message


def test_devices(tmp_path: Path) -> None:
    """A named device, physical parameters and fitted ones, each as a configuration has them."""
    table = re.search(r"\[switching\][^[]*", TINY)
    assert table
    use = "[switching]\nmodel = 'erf'\ncurrent_to_antiparallel = 50e-6\ncurrent_to_parallel = 50e-6\n"
    fields = {name: value for name, value in asdict(JUNCTIONS["perpendicular_50nm"]).items() if value is not None}
    for lines in (
        "device = 'perpendicular_50nm'",
        "[switching.junction]\n" + "\n".join(f"{name} = {value!r}" for name, value in fields.items()),
    ):
        path = tmp_path / "device.toml"
        path.write_text(TINY.replace(table[0], f"{use}{lines}\n"))
        switching = configs.load(str(path)).switching
        assert switching.operation.device == JUNCTIONS["perpendicular_50nm"]
    path.write_text(
        TINY.replace(
            table[0],
            f"{use}[switching.fitted]\ngeometry = 'in_plane'\ncritical_current_to_antiparallel = 1e-5\n"
            f"critical_current_to_parallel = 2e-5\ndelta = 60\nprecession = 2e-9\n",
        )
    )
    assert configs.load(str(path)).switching.operation.device == Fitted("in_plane", 1e-5, 2e-5, 60.0, 2e-9)


def test_spread_must_fit(tmp_path: Path) -> None:
    """An initial scale beyond the scale's width would be cut by the hardware alone."""
    message = _refused(tmp_path, TINY.replace("initial_scale = 2 ", "initial_scale = 1000 "))
    assert "initial_scale" in message


def test_with_switching(tmp_path: Path) -> None:
    """The devices of a configuration are exchanged, all else stays, also where it has devices with tables below."""
    use = "[switching]\nmodel = 'erf'\ncurrent_to_antiparallel = 50e-6\ncurrent_to_parallel = 50e-6\n"
    fitted = (
        "critical_current_to_antiparallel = 1e-5\ncritical_current_to_parallel = 2e-5\ndelta = 60\nprecession = 2e-9"
    )
    path = tmp_path / "fitted.toml"
    path.write_text(configs.with_switching("tiny", f"{use}[switching.fitted]\ngeometry = 'in_plane'\n{fitted}\n"))
    assert replace(configs.load(str(path)), switching=configs.load("tiny").switching) == configs.load("tiny")
    assert configs.load(str(path)).switching.fitted is not None
    path.write_text(configs.with_switching(str(path), f"{use}device = 'perpendicular_50nm'\n"))
    assert replace(configs.load(str(path)), switching=configs.load("tiny").switching) == configs.load("tiny")
    assert configs.load(str(path)).switching.fitted is None
    with pytest.raises(configs.ConfigError, match="unknown configuration 'huge'"):
        configs.with_switching("huge", use)
