"""The examples of docs/integration.md run as they stand there."""

import os
import re
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("section", "said"), [("FuseSoC", "mtj_gxnor_bench: passed"), ("A bench of your own", "PASS=1 FAIL=0")]
)
def test_shell(section: str, said: str, tmp_path: Path) -> None:
    """The commands of a section run as they stand there, in what a clone has after `make setup` and `make verilog`."""
    verilog.write(generated.machine(config.load("tiny"), "tiny"), tmp_path / "build" / "verilog" / "tiny")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "fpga").symlink_to(runner.ROOT / "fpga")
    text = DOCUMENT.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    (commands,) = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    finished = subprocess.run(
        ["bash", "-euc", commands],
        cwd=tmp_path,
        # as after a login: nothing of the environment's is on PATH; a clone's root would give the program itself
        env={"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(runner.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert said in finished.stdout
    assert "%Warning" not in finished.stdout


def test_commands_of_the_array() -> None:
    """The table has every command with its number."""
    from hdl.array.array_interface import ArrayOp

    table = dict(re.findall(r"^\| ([A-Z_]+) \| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE))
    assert table == {op.name: str(op.value) for op in ArrayOp}
