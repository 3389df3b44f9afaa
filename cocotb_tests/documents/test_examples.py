"""The examples of docs/integration.md run as they stand there."""

import re
from pathlib import Path

import pytest

from gen import config, generated, verilog
from sim import runner

DOCUMENT = runner.ROOT / "docs" / "integration.md"


def test_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verilog.write(generated.machine(config.load("tiny"), "tiny"), tmp_path / "build" / "verilog" / "tiny")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, DOCUMENT.name, "exec"), names)
    learned, refused = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"80 samples, [1-9]\d* devices switched", learned)
    assert refused.startswith("('STATE',) STATE: START of TRAIN or TEST while neurons or gradients were unknown")


def test_commands_of_the_array() -> None:
    """The table has every command with its number."""
    from hdl.array.array_interface import ArrayOp

    table = dict(re.findall(r"^\| ([A-Z_]+) \| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE))
    assert table == {op.name: str(op.value) for op in ArrayOp}
