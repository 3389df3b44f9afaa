"""The site of `make docs`: pages in Markdown, and an API reference from the docstrings; nothing is fetched."""

import re
import sys
from enum import Enum
from functools import cached_property
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "mtj-gxnor"
copyright = "the authors of mtj-gxnor, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = project
html_copy_source = False
# diagrams in text fit
html_theme_options = {"light_css_variables": {"code-font-size": "72%"}}
highlight_language = "none"  # of blocks that name no language
# pages of the project's root belong to the site, so that links in both directions are followed and checked
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**"]
exclude_patterns = ["docs/api/*/modules.rst"]

myst_heading_anchors = 3
nitpicky = False  # types in docstrings are prose: "ndarray of int8, shape (rows, lanes)"

PACKAGES = ["mtj_gxnor", "golden", "hdl", "gen", "sim", "fpga", "training"]
apidoc_modules = [
    {
        "path": str(ROOT / package),
        "destination": f"docs/api/{package}",
        # commands are for the command line, and some need PyTorch
        "exclude_patterns": [str(ROOT / package / name) for name in ("__main__.py", "commands", "commands/*")],
        "module_first": True,
        "automodule_options": {"members", "show-inheritance"},
    }
    for package in PACKAGES
]
autodoc_mock_imports = ["torch", "onnx", "qonnx"]  # the pages need no PyTorch
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature stays as short as in the text; types stand under Parameters
napoleon_google_docstring = False
napoleon_use_ivar = True
default_role = "literal"  # `name` in a docstring is code
suppress_warnings = ["ref.python"]  # a type in a docstring that two modules have, such as Board, is not linked


def _escape_bars(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep |x| of a docstring the size of x: reStructuredText takes it for a substitution."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|`.*?`)", line)
        lines[number] = "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in parts)


def _one_attribute_each(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Give every attribute of a list such as `length, width : float` an entry: napoleon takes the first for a type."""
    text = "\n".join(lines)
    before, underlined, attributes = text.partition("Attributes\n----------\n")
    entry = re.compile(r"^(\w+(?:, \w+)+)((?: : .*)?\n(?:(?:[ ]+.*)?(?:\n|\Z))*)", re.MULTILINE)
    attributes = entry.sub(lambda found: "".join(name + found[2] for name in found[1].split(", ")), attributes)
    lines[:] = (before + underlined + attributes).split("\n")


def _plain_types(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep types in prose as they are: words such as shape would be linked to whatever has that name."""
    for number, line in enumerate(lines):
        found = re.fullmatch(r"(:r?type[^:]*:) (.+)", line)
        if found and not re.fullmatch(r"[\w.]+(, optional)?", found[2]):
            lines[number] = f"{found[1]} *{found[2].replace('*', '')}*"


def _skip_fields(_app: Sphinx, what: str, _name: str, found: object, skip: bool, _options: object) -> bool:
    """Leave out fields: they stand under Attributes, with their meaning."""
    return skip or (
        what == "class" and not callable(found) and not isinstance(found, property | Enum | cached_property)
    )


def setup(app: Sphinx) -> None:
    """Connect the hooks, those of docstrings before napoleon's or after."""
    app.connect("autodoc-skip-member", _skip_fields)
    app.connect("autodoc-process-docstring", _one_attribute_each, priority=400)
    app.connect("autodoc-process-docstring", _escape_bars, priority=400)
    app.connect("autodoc-process-docstring", _plain_types, priority=600)
