"""Tables as text, as programs and spreadsheets of all countries write them: separators, byte-order marks, comments."""

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

#: Separators, the first one that is in the line of column names is the file's.
_SEPARATORS = (";", "\t", ",")
#: What a file in UTF-16 begins with.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    separator : str
        What is between fields.
    lines : tuple of (int, tuple of str)
        Number of every line that is neither empty nor a comment, and its fields without blanks around them. The first
        one has the names of the columns.
    """

    separator: str
    lines: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(path: Path) -> Table:
    """Read a table. Lines that begin with # are comments.

    Parameters
    ----------
    path : Path
        A file in UTF-8, or in UTF-16 with a byte-order mark. Fields are separated by commas, semicolons or tabs.

    Returns
    -------
    Table
        Its lines.

    Raises
    ------
    ValueError
        If the file is no text, or a line has quotes that do not end.
    OSError
        If the file cannot be read.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not a text file: byte {error.start} is no {error.encoding.upper()}") from error
    numbered = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip() and line.lstrip()[0] != "#"]
    separator = next((mark for mark in _SEPARATORS if numbered and mark in numbered[0][1]), ",")
    return Table(separator, tuple((at, _fields(at, line, separator)) for at, line in numbered))


def _fields(at: int, line: str, separator: str) -> tuple[str, ...]:
    try:
        (fields,) = csv.reader([line], delimiter=separator, strict=True)
    except csv.Error as error:
        raise ValueError(f"line {at}: {error}") from error
    return tuple(field.strip() for field in fields)
