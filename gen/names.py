"""Names of a machine's modules and files. A design with several machines gives each a prefix of its own."""

import re
from dataclasses import dataclass

from golden.lib.errors import UserError

#: Prefix of a machine that nobody has given another.
PREFIX = "mtj_gxnor"


@dataclass(frozen=True)
class Names:
    """Names that begin with a prefix.

    Attributes
    ----------
    prefix : str
        A Verilog identifier.

    Raises
    ------
    UserError
        If it is none.
    """

    prefix: str = PREFIX

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_]\w*", self.prefix, re.ASCII):
            raise UserError(f"a prefix must be a Verilog identifier, not {self.prefix!r}")

    def module(self, part: str) -> str:
        """Name a module, a package, or whatever else a design has once."""
        return f"{self.prefix}_{part}"

    def macro(self, part: str) -> str:
        """Name a macro of C."""
        return f"{self.prefix.upper()}_{part}"

    def file(self, name: str) -> str:
        """Name a file that can lie beside that of another machine; the usual prefix is left out."""
        return name if self.prefix == PREFIX else f"{self.prefix}_{name}"

    def text(self, content: str) -> str:
        """Rename what is written for the usual prefix."""
        return re.sub(rf"\b{PREFIX}(?=_)", self.prefix, content)
