"""The figures of the documents are what the code draws."""

import pytest

from docs.figures import files


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return files.files()


@pytest.mark.parametrize("name", ["pipeline.svg", "switching.svg", "synapse.svg"])
def test_drawn(drawn: dict[str, str], name: str) -> None:
    assert drawn[name] == (files.FOLDER / name).read_text(), "make figures draws it again"
