"""What follows from the register map for people and for C: reference, by the exporters of PeakRDL, and header."""

import tempfile
from pathlib import Path
from typing import Any

from peakrdl_html import HTMLExporter
from peakrdl_markdown import MarkdownExporter
from systemrdl.node import FieldNode

from gen.register_header import header
from gen.register_map import MAX_LAYERS, RDL, compiled, read

#: Where the reference and the C header are kept, from the project's root.
REFERENCE, HEADER = "docs/registers.md", "fpga/c/mtj_gxnor.h"

_INTRODUCTION = """# Registers

Written by `make registers` from `gen/registers.rdl`. How the registers are used: [the block on a bus](bus.md). Bits
that are in no field read 0 and ignore what is written. Access `rw, woclr`: hardware sets the bit, writing 1 clears it.

"""


def files() -> dict[str, str]:
    """Write reference and C header.

    Returns
    -------
    dict of str to str
        `REFERENCE` and `HEADER` -> content. The reference shows one layer; the header declares the registers of as many
        layers as there can be, so that one header serves all machines.
    """
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / Path(REFERENCE).name
        # the exporter takes a freshly compiled map, as it notes things in it
        MarkdownExporter().export(compiled(1), str(reference), input_files=[f"gen/{RDL.name}"])
        text = reference.read_text("utf-8").replace("—", "-")
    return {
        REFERENCE: _INTRODUCTION + text + _tables_of_values(),
        HEADER: header(read(compiled(MAX_LAYERS))),
    }


def _values() -> list[tuple[FieldNode, list[tuple[str, int, str]]]]:
    """Fields whose values have names: name, number and meaning of each."""
    found = []
    for node in compiled(1).descendants():
        encode = node.get_property("encode") if isinstance(node, FieldNode) else None
        if isinstance(node, FieldNode) and encode is not None:
            found.append((node, [(member.name, int(member.value), member.rdl_desc or "") for member in encode]))
    return found


def _tables_of_values() -> str:
    """What the Markdown exporter leaves out: named values."""
    text = ""
    for node, values in _values():
        name = ".".join(node.get_path_segments()[1:])
        text += f"\n## Values of {name}\n\n|Value|Name|Meaning|\n|-----|----|-------|\n"
        text += "".join(f"|{value}|{title}|{meaning}|\n" for title, value, meaning in values)
    return text


def write_html(folder: Path) -> None:
    """Write the reference as HTML pages.

    Parameters
    ----------
    folder : Path
        Where; made if needed.
    """
    options: dict[str, Any] = {"title": "mtj-gxnor registers"}
    HTMLExporter(generate_source_links=False).export(compiled(MAX_LAYERS), str(folder), **options)
