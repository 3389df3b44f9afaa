"""The twin rule: beside every block file of `hdl/` and `hdl/bus/` there is one of the same path in `golden/`."""

from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
#: Files without a twin, and why.
_WITHOUT = {
    "bus/axi_lite.py": "a protocol: what becomes of an access is the register bank's, and golden has no time",
    "bus/axi_registers.py": "nothing but the slave of the bus and the register bank, connected",
    "bus/stream_out.py": "a register; golden/bus/packets.py names the formats of what leaves",
}
#: Folders whose files are parts of one block, and the golden file that has it whole.
_PARTS = {"array": "array/synapse_array.py", "periphery": "machine.py"}


def _modules(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}


def _lonely(hdl: Path, golden: Path) -> list[str]:
    """Block files of `hdl` and its folder `bus` that have neither a twin in `golden` nor a reason."""
    blocks = {*_modules(hdl), *(f"bus/{name}" for name in _modules(hdl / "bus"))}
    return sorted(name for name in blocks if name not in _WITHOUT and not (golden / name).is_file())


def test_every_block_has_a_twin() -> None:
    """Every block file has its twin, which it names in its first line."""
    hdl, golden = _ROOT / "hdl", _ROOT / "golden"
    assert not _lonely(hdl, golden)
    for name in {*_modules(hdl), *(f"bus/{name}" for name in _modules(hdl / "bus"))} - set(_WITHOUT):
        assert f"twin of `golden/{name}`" in (hdl / name).read_text().partition("\n")[0], name


def test_exceptions_are_needed() -> None:
    """A file that is excused exists and has no twin; parts belong to a block that is there."""
    for name in _WITHOUT:
        assert (_ROOT / "hdl" / name).is_file(), name
        assert not (_ROOT / "golden" / name).exists(), name
    folders = {path.parent.name for path in (_ROOT / "hdl").glob("*/*.py")}
    assert folders == {"bus", "lib", *_PARTS}
    assert all((_ROOT / "golden" / whole).is_file() for whole in _PARTS.values())


@pytest.mark.parametrize("name", ["adder.py", "bus/adder.py"])
def test_missing_twin_is_found(tmp_path: Path, name: str) -> None:
    """A block file alone is named."""
    (tmp_path / "hdl" / "bus").mkdir(parents=True)
    (tmp_path / "golden").mkdir()
    (tmp_path / "hdl" / name).touch()
    assert _lonely(tmp_path / "hdl", tmp_path / "golden") == [name]
