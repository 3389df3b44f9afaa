"""Kept Verilog: what is generated anew, generated once, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from cocotb_tests.kit import configs
from gen import generated, verilog
from golden.config import MachineConfig


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty folder of kept files; lists what is generated."""
    names: list[str] = []
    generate = verilog.block_files

    def block_files(config: MachineConfig, title: str, block: str) -> dict[str, str]:
        names.append(block)
        return generate(config, title, block)

    monkeypatch.setattr(generated, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(verilog, "block_files", block_files)
    return names


def test_once(made: list[str]) -> None:
    """The second time the same files in the same order, without generating them."""
    fresh = verilog.block_files(configs.tiny(), "test", "counters")
    made.clear()
    first, second = (generated.block(configs.tiny(), "test", "counters") for _ in range(2))
    assert list(first.items()) == list(second.items()) == list(fresh.items())
    assert made == ["counters"]


def test_nothing_stale(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another configuration, title, block, source or version is generated anew."""
    tiny = configs.tiny()
    generated.block(tiny, "test", "counters")
    generated.block(replace(tiny, training=replace(tiny.training, epochs=tiny.training.epochs + 1)), "test", "counters")
    generated.block(tiny, "other", "counters")
    generated.block(tiny, "test", "collector")
    monkeypatch.setattr(generated, "_DIGEST", "another")
    generated.block(tiny, "test", "counters")
    monkeypatch.setattr(generated.manifest, "versions", lambda: {"amaranth": "another"})
    generated.block(tiny, "test", "counters")
    assert made == ["counters", "counters", "counters", "collector", "counters", "counters"]


@pytest.mark.parametrize("package", ["golden", "hdl", "gen"])
def test_digest_of_sources(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of any source file changes the digest; compiled code does not."""
    for name in ("golden", "hdl", "gen"):
        (tmp_path / name / "lib").mkdir(parents=True)
        (tmp_path / name / "lib" / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(generated.resources, "files", lambda name: tmp_path / name)
    before = generated._sources()
    (tmp_path / package / "lib" / "a.pyc").write_text("compiled")
    assert generated._sources() == before
    (tmp_path / package / "lib" / "a.py").write_text("x = 2\n")
    assert generated._sources() != before


def test_a_half_written_folder_is_not_used(made: list[str]) -> None:
    """What a killed process has left does not count."""
    generated.block(configs.tiny(), "test", "counters")
    (folder,) = generated.KEPT.iterdir()
    folder.rename(folder.with_name(f".{folder.name}-killed"))
    generated.block(configs.tiny(), "test", "counters")
    assert made == ["counters", "counters"]
