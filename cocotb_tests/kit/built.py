"""A component that a test describes where it uses it."""

from collections.abc import Callable, Mapping

from amaranth.hdl import Module
from amaranth.lib import wiring


class Built(wiring.Component):
    """Ports, and what a test makes of them.

    Parameters
    ----------
    ports : mapping of str to Member
        The signature.
    build : callable
        Gets the module and the component, and fills the module.
    """

    def __init__(self, ports: Mapping[str, wiring.Member], build: "Callable[[Module, Built], None]") -> None:
        self._build = build
        super().__init__(dict(ports))

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        self._build(m, self)
        return m
