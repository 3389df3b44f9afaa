"""What the documents name exists: files, folders, fields of configurations, targets of make."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from golden.config import MachineConfig

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
#: What is made, and is not there in a fresh clone.
MADE = ("build", ".venv")

BLOCKS = {name: kind for name, kind in get_type_hints(MachineConfig).items() if is_dataclass(kind)}
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def _prose(document: Path) -> str:
    """Text without blocks of code."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def links(document: Path) -> Iterator[str]:
    """Relative links that lead nowhere."""
    for link in re.findall(r"\]\(([^)#\s]+)", _prose(document)):
        if "://" not in link and not (document.parent / link).exists():
            yield link


def files(document: Path) -> Iterator[str]:
    """Files and folders in backticks, from the project's root, that are not there; * stands for any names."""
    tops = {path.name for path in ROOT.iterdir()} - set(MADE)
    for name in re.findall(r"`([\w.*/-]+)`", _prose(document)):
        named = name.endswith((".py", ".cpp")) or ("/" in name and name.split("/")[0] in tops)
        if named and not any(ROOT.glob(name.rstrip("/"))):
            yield name


def parameters(document: Path) -> Iterator[str]:
    """Fields of a configuration, `block.field`, that no block has."""
    for block, name in re.findall(r"`(\w+)\.(\w+)`", _prose(document)):
        if block in BLOCKS and name not in ("py", "v") and name not in {field.name for field in fields(BLOCKS[block])}:
            yield f"{block}.{name}"


def targets(document: Path) -> Iterator[str]:
    """Targets of `make` that it does not have."""
    for name in re.findall(r"`make ([a-z-]+)", document.read_text()):
        if name not in TARGETS:
            yield f"make {name}"


@pytest.mark.parametrize("missing", [links, files, parameters, targets])
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_exists(document: Path, missing: Callable[[Path], Iterator[str]]) -> None:
    assert not list(missing(document))


def test_what_is_missing_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("[a](none.md) `golden/none.py` `none.py` `golden/none/` `array.none` `make none`\n")
    found = [list(missing(document)) for missing in (links, files, parameters, targets)]
    assert found == [["none.md"], ["golden/none.py", "none.py", "golden/none/"], ["array.none"], ["make none"]]
