"""Configurations from files: the named ones, and one line for everything that can be wrong with one."""

import re
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from gen import config as configs
from gen import config_fields
from golden.array.converter import ConverterParameters
from golden.config import variant
from golden.device.fitted import Fitted
from golden.device.junction import JUNCTIONS

FOLDER = Path(configs.__file__).parent / "configs"
TINY = (FOLDER / "tiny.toml").read_text()
USE = "[switching]\nmodel = 'erf'\ncurrent_to_antiparallel = 50e-6\ncurrent_to_parallel = 50e-6\n"


def _file(folder: Path, content: str, name: str = "mine.toml") -> str:
    """Write a configuration; return its path as the user gives it."""
    path = folder / name
    path.write_text(content)
    return str(path)


@pytest.mark.parametrize("name", configs.names())
def test_named_configurations(name: str) -> None:
    """A named configuration is what its file says, and its file says nothing that is so without it."""
    given = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    base = given.pop("base", None)
    machine = asdict(configs.load(name))
    below: dict[str, Any] = asdict(configs.load(base)) if base else {}
    for block, fields in given.items():
        if not isinstance(fields, dict):
            assert machine[block] == tuple(fields) != below.get(block)
            continue
        defaults = next(parameters for path, parameters in config_fields.tables() if path == block)
        without = below[block] if base else {field.name: field.default for field in config_fields.fields(defaults)}
        for field, value in fields.items():
            assert machine[block][field] == (tuple(value) if isinstance(value, list) else value)
            assert machine[block][field] != without[field], field
    assert (FOLDER / f"{name}.toml").read_text().startswith("# ")


def test_names() -> None:
    """The names are those of the files, sorted; the ones that the documentation uses exist."""
    assert configs.names() == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert {"digits", "mnist", "tiny"} <= set(configs.names())


def test_files(tmp_path: Path) -> None:
    """A path to a TOML file is as good as a name."""
    path = _file(tmp_path, TINY)
    assert configs.load(path) == configs.load("tiny")
    assert configs.title(path) == "mine"
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


def test_bases(tmp_path: Path) -> None:
    """What a file gives lies over its base, field by field, also down a chain and in tables below tables."""
    tiny = configs.load("tiny")
    (tmp_path / "below").mkdir()
    first = _file(tmp_path, 'base = "tiny"\n[array]\nlanes = 8\n[nonideal.rows]\nstep = 1\n', "below/first.toml")
    assert configs.load(first) == variant(tiny, array={"lanes": 8}, nonideal={"rows": ConverterParameters(step=1)})
    second = _file(tmp_path, 'base = "below/first.toml"\n[array]\nscheme = "blind"\n[nonideal.rows]\noffset = 2\n')
    assert configs.load(second) == variant(
        tiny, array={"lanes": 8, "scheme": "blind"}, nonideal={"rows": ConverterParameters(step=1, offset=2)}
    )
    assert configs.load(_file(tmp_path, 'base = "tiny"\n')) == tiny


def test_base_with_other_devices(tmp_path: Path) -> None:
    """One device replaces another; a map of stuck devices is read beside its own file, and a list replaces it."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "stuck.csv").write_text("row,lane,device,state\n1,2,0,P\n")
    use = 'model = "erf"\ncurrent_to_antiparallel = 50e-6\ncurrent_to_parallel = 50e-6\n'
    first = f"{use}device = 'perpendicular_50nm'\n[nonideal]\nstuck_map = 'stuck.csv'\n"
    _file(tmp_path, f'base = "tiny"\n[switching]\n{first}', "below/first.toml")
    fitted = (
        "geometry = 'perpendicular'\ncritical_current_to_antiparallel = 1e-5\ncritical_current_to_parallel = 1e-5\n"
    )
    second = f'base = "below/first.toml"\n[switching.fitted]\n{fitted}delta = 60\nprecession = 2e-9\n'
    loaded = configs.load(_file(tmp_path, second))
    assert (loaded.switching.device, loaded.nonideal.stuck) == ("", ((1, 2, 0, 1),))
    assert loaded.switching.operation.device == Fitted("perpendicular", 1e-5, 1e-5, 60.0, 2e-9)
    assert configs.load(_file(tmp_path, f"{second}[nonideal]\nstuck = []\n")).nonideal.stuck == ()
    third = _file(tmp_path, 'base = "mine.toml"\n[switching]\ndevice = "perpendicular_50nm"\n', "third.toml")
    assert configs.load(third).switching.operation.device == JUNCTIONS["perpendicular_50nm"]


def test_bad_bases(tmp_path: Path) -> None:
    """A base that is not there, that is no name, that is broken itself, and a circle: one line."""
    listed = ", ".join(configs.names())
    assert _refused(tmp_path, 'base = "huge"\n').endswith(
        f"unknown configuration 'huge': give one of {listed} or a .toml file"
    )
    assert "unknown configuration 'no.toml'" in _refused(tmp_path, 'base = "no.toml"\n')
    assert "base must be the name of a configuration or of a .toml file, not 3" in _refused(tmp_path, "base = 3\n")
    _file(tmp_path, 'base = "bad.toml"\n', "round.toml")
    assert _refused(tmp_path, 'base = "bad.toml"\n').endswith(": bad.toml -> bad.toml")
    path = _file(tmp_path, 'base = "round.toml"\n', "bad.toml")
    with pytest.raises(
        configs.ConfigError,
        match=r"^configuration 'round.toml': base leads back to a configuration that it began with: "
        r"bad.toml -> round.toml -> bad.toml$",
    ):
        configs.load(path)
    _file(tmp_path, "[array]\nlanse = 3\n", "round.toml")
    with pytest.raises(configs.ConfigError, match=r"^configuration 'round.toml': unknown field array.lanse: "):
        configs.load(path)


def _refused(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "bad.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(configs.ConfigError) as caught:
        configs.load(str(path))
    message = str(caught.value)
    assert message.startswith(f"configuration {str(path)!r}: ")
    assert "\n" not in message
    return message.removeprefix(f"configuration {str(path)!r}: ")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('array.lanes = "4"', "array.lanes must be an integer, not the string '4'"),
        ("array.lanes = 4.0", "array.lanes must be an integer, not the float 4.0"),
        ("array = 4", "array must be a table, not the integer 4"),
        ('layers = ["a", "b"]', "layers[0] must be an integer or an image like '28x28x1', not 'a'"),
        ("layers = [10, 2.5, 3]", "layers[1] must be an integer or a string, not the float 2.5"),
        ("layers = 10", "layers must be an array of integers or strings, not the integer 10"),
        ('layers = "10, 3"', "layers must be an array of integers or strings, not the string '10, 3'"),
        ("nonideal.stuck = 1.5", "nonideal.stuck must be an array of arrays of 4 integers, not the float 1.5"),
        ('nonideal.stuck = "all"', "nonideal.stuck must be an array of arrays of 4 integers, not the string 'all'"),
        ("nonideal.stuck = [[1, 2]]", "nonideal.stuck[0] must be an array of 4 integers, not the array [1, 2]"),
        ("nonideal.stuck = [[0, 0, 0, true]]", "nonideal.stuck[0][3] must be an integer, not the boolean true"),
        ("training.batch = true", "training.batch must be an integer, not the boolean true"),
        ("pulse.slope = false", "pulse.slope must be a number, not the boolean false"),
        ("neuron.offset_learned = 1", "neuron.offset_learned must be true or false, not the integer 1"),
        ("array.scheme = 1979-05-27", "array.scheme must be a string, not the date or time 1979-05-27"),
        ("array.scheme = {}", "array.scheme must be a string, not the table {}"),
        ("switching.fitted = 3", "switching.fitted must be a table, not the integer 3"),
        ("array.lanse = 4", "unknown field array.lanse: did you mean array.lanes?"),
        ("gradiant.bits = 4", "unknown field gradiant: did you mean gradient?"),
        ('bases = "tiny"', "unknown field bases: did you mean base?"),
        ("nonideal.stuck_maps = 1", "unknown field nonideal.stuck_maps: did you mean nonideal.stuck_map?"),
        ("pulse.zzz = 4", "unknown field pulse.zzz: give one of nu_bits, slope, dead_zone, loadable"),
        ("array.lanes = 5", "array.lanes must be a multiple of array.group = 2, not 5"),
        (
            "training.update_shifts = [8, 8]",
            "training.update_shifts must name one update shift per layer (3), not [8, 8]",
        ),
        (
            "error.backward_shift = 2.5",
            "error.backward_shift must be an integer or an array of integers, not the float 2.5",
        ),
        ("input.low = [1, 2.5]", "input.low[1] must be an integer, not the float 2.5"),
        ("training.shuffle_seed = -1", "training.shuffle_seed must be 0 .. 2^64 - 1, not -1"),
    ],
)
def test_bad_fields(fields: str, message: str, tmp_path: Path) -> None:
    """Wrong types, unknown fields, broken rules: one line that names the field in the file's own terms."""
    assert _refused(tmp_path, f'base = "tiny"\n{fields}\n') == message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("training.rates = [8, 8, 8]", "training.update_shifts"),
        ("training.slow_down = 1", "training.shift_increase_every"),
        ("gradient.rates = [8, 8]", "gradient.update_shifts"),
        ('switching.form = "erf"', "switching.model"),
        ("switching.spread = 0.05", "switching.variation"),
        ("switching.spread_bins = 8", "switching.variation_bins"),
        ("switching.cycle_spread = 0.05", "switching.cycle_variation"),
        ("neuron.follow_shift = 4", "neuron.ema_shift"),
        ("neuron.initial_spread = 4", "neuron.initial_scale"),
        ("neuron.offset_follows = true", "neuron.offset_tracks_mean"),
        ("neuron.offset_trains = true", "neuron.offset_learned"),
    ],
)
def test_renamed_fields(old: str, new: str, tmp_path: Path) -> None:
    """A field in the old terms is refused, with today's name."""
    assert _refused(tmp_path, f'base = "tiny"\n{old}\n') == f"{old.partition(' ')[0]} is now called {new}"


def test_other_bad_files(tmp_path: Path) -> None:
    """Broken TOML, missing fields and tables, an empty file, and bytes that are no text."""
    assert "line 1" in _refused(tmp_path, "array.lanes = \n")
    assert "line 2" in _refused(tmp_path, "array.lanes = 4\narray.lanes = 4\n")
    assert _refused(tmp_path, "") == "layers is missing, and so is a base that gives it"
    assert "array is missing" in _refused(tmp_path, "layers = [4, 2]\n")
    assert "array.group is missing" in _refused(tmp_path, "layers = [4, 2]\narray.lanes = 4\n")
    assert _refused(tmp_path, b"\xff\x00") == "no text in UTF-8: invalid start byte at byte 0"
    assert _refused(tmp_path, TINY.encode("utf-16")) == "text in UTF-16: save it in UTF-8"


def test_byte_order_mark(tmp_path: Path) -> None:
    """Some editors begin a text with one."""
    assert configs.load(_file(tmp_path, "\ufeff" + TINY)) == configs.load("tiny")


def test_whole_numbers_for_real_ones(tmp_path: Path) -> None:
    """A slope of 3 is a slope of 3.0."""
    assert configs.load(_file(tmp_path, 'base = "tiny"\npulse.slope = 3\n')) == configs.load("tiny")


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
    model = "ideal" if lines.startswith("slope") else "erf"
    message = _refused(tmp_path, f'base = "tiny"\n[switching]\nmodel = "{model}"\n{lines}\n')
    for part in says:
        assert part in message


def test_devices(tmp_path: Path) -> None:
    """A named device, physical parameters and fitted ones, each as a configuration has them."""
    fields = {name: value for name, value in asdict(JUNCTIONS["perpendicular_50nm"]).items() if value is not None}
    for lines in (
        "device = 'perpendicular_50nm'",
        "[switching.junction]\n" + "\n".join(f"{name} = {value!r}" for name, value in fields.items()),
    ):
        switching = configs.load(_file(tmp_path, f'base = "tiny"\n{USE}{lines}\n')).switching
        assert switching.operation.device == JUNCTIONS["perpendicular_50nm"]


def test_scale_must_fit(tmp_path: Path) -> None:
    """An initial scale beyond the scale's width would be cut by the hardware alone."""
    assert "initial_scale" in _refused(tmp_path, 'base = "tiny"\nneuron.initial_scale = 1000\n')


def test_with_switching(tmp_path: Path) -> None:
    """The devices of a configuration are exchanged, all else stays, also where it has devices with tables below."""
    tiny = configs.load("tiny")
    fitted = (
        "[switching.fitted]\ngeometry = 'in_plane'\ncritical_current_to_antiparallel = 1e-5\n"
        "critical_current_to_parallel = 2e-5\ndelta = 60\nprecession = 2e-9\n"
    )
    path, other = tmp_path / "fitted.toml", tmp_path / "elsewhere" / "named.toml"
    path.write_text(configs.with_switching("tiny", f"{USE}{fitted}", path))
    assert replace(configs.load(str(path)), switching=tiny.switching) == tiny
    assert configs.load(str(path)).switching.operation.device == Fitted("in_plane", 1e-5, 2e-5, 60.0, 2e-9)
    other.parent.mkdir()
    other.write_text(configs.with_switching(str(path), f"{USE}device = 'perpendicular_50nm'\n", other))
    assert replace(configs.load(str(other)), switching=tiny.switching) == tiny
    assert configs.load(str(other)).switching.fitted is None
    assert configs.load(str(other)).switching.device == "perpendicular_50nm"
    with pytest.raises(configs.ConfigError, match="unknown configuration 'huge'"):
        configs.with_switching("huge", USE, path)
    with pytest.raises(configs.ConfigError, match="base leads back to a configuration that it began with"):
        configs.with_switching(str(path), f"{USE}{fitted}", path)
    with pytest.raises(configs.ConfigError, match="needs one device, and 0 are given"):
        configs.with_switching("tiny", USE, path)
