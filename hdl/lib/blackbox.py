"""A component that stands in for a Verilog module generated elsewhere."""

from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring


class Instantiated(wiring.Component):
    """Has the ports of a component, and instantiates a Verilog module of a given name in its place.

    Parameters
    ----------
    component : wiring.Component
        What the module was generated from.
    module : str
        The module's name.
    reset : Value, optional
        Resets the module, as the reset of its clock domain does anyway.
    """

    def __init__(self, component: wiring.Component, module: str, reset: Value | None = None) -> None:
        self._module = module
        self._reset = reset
        super().__init__(component.signature)

    def elaborate(self, platform: object) -> Instance:
        """Build the block: the instance itself, without a module around it."""
        ports: dict[str, object] = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal() if self._reset is None else ResetSignal() | self._reset,
        }
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow == wiring.In else "o"
            ports[f"{direction}_{'__'.join(str(part) for part in path)}"] = value
        return Instance(self._module, **ports)
