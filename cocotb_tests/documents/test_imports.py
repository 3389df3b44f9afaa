"""Which tests know the hardware's source: those that docs/tests.md names."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_imports_of_hdl() -> None:
    """The paragraph of docs/tests.md names every file that imports `hdl`, and says how many they are."""
    paragraphs = (ROOT / "docs" / "tests.md").read_text().split("\n\n")
    (paragraph,) = [text for text in paragraphs if "of them import `hdl`" in text]
    importing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cocotb_tests").rglob("*.py")
        if re.search(r"^\s*(from|import) hdl\b", path.read_text(), re.MULTILINE)
    }
    assert set(re.findall(r"`(cocotb_tests/[\w/]+\.py)`", paragraph)) == importing
    number = ("None", "One", "Two", "Three", "Four", "Five", "Six")[len(importing)]
    assert f" {number} of them import `hdl`" in paragraph
