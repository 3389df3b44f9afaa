"""Texts that a program writes into a document, between two lines of it."""

from pathlib import Path

from golden.lib.atomic_write import whole
from golden.lib.errors import UserError


def insert(document: Path, begin: str, end: str, made: str) -> bool:
    """Put a text in the place of what stands between two lines.

    Parameters
    ----------
    document : Path
        The document, written whole or not at all.
    begin, end : str
        The two lines, which stay.
    made : str
        The text, without the end of its last line.

    Returns
    -------
    bool
        Whether that changed the document.

    Raises
    ------
    UserError
        If the document has no such lines.
    """
    old = document.read_text()
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise UserError(f"{document} has no lines {begin!r} and {end!r}")
    new = f"{before}{begin}\n{made}\n{end}{after}"
    if new != old:
        with whole(document) as temporary:
            temporary.write_text(new)
    return new != old
