"""The site of `make docs`: pages in Markdown, and an API reference from the docstrings; nothing is fetched."""

import re
import sys
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


def setup(app: Sphinx) -> None:
    """Connect the hook, before napoleon's."""
    app.connect("autodoc-process-docstring", _escape_bars, priority=400)
