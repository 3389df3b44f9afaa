"""CONTRIBUTING's lists of files are those of its examples."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Section -> what its example is called in files.
EXAMPLES = {
    "Add a block": "collector",
    "Add a compile-time parameter": "ema_shift",
    "Add a run-time parameter": "update_shift",
}
#: Where old names of fields stand.
RENAMES = "gen/config_fields.py"


def _listed(section: str) -> set[str]:
    """Files in the table of a section."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    rows = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    return set(re.findall(r"`([\w/]+\.\w+)`", rows))


def _naming(word: str, files: set[Path]) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in files if word in path.read_text().lower()}


@pytest.mark.parametrize("section", EXAMPLES)
def test_listed_files_name_the_example(section: str) -> None:
    listed = _listed(section)
    assert len(listed) > 7
    assert listed - _naming(EXAMPLES[section], {ROOT / name for name in listed}) == set()


def test_compile_time_parameter_is_nowhere_else() -> None:
    """All of the product that knows the example of a compile-time parameter is in the table."""
    product = {path for folder in ("golden", "hdl", "gen", "sim", "fpga") for path in (ROOT / folder).rglob("*.py")}
    section = "Add a compile-time parameter"
    assert _naming(EXAMPLES[section], product) - _listed(section) == {RENAMES}
