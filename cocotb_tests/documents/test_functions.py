"""House rule: a function is short enough to be read in one piece."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("golden", "hdl", "gen", "sim", "fpga", "training", "mtj_gxnor", "docs", "cocotb_tests")
LINES = 80


def _long(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LINES:
                yield f"{path}: {node.name} has {lines} lines, more than {LINES}"


def test_no_long_functions() -> None:
    assert [found for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") for found in _long(path)] == []


def test_a_long_function_is_found(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("def short():\n    pass\n\n\ndef long():\n" + LINES * "    pass\n")
    assert list(_long(tmp_path / "long.py")) == [f"{tmp_path}/long.py: long has {LINES + 1} lines, more than {LINES}"]
