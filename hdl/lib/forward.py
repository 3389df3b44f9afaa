"""A block's ports, forwarded to a block inside it that has ports of the same names."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In


def forward(m: Module, outer: Any, inner: Any, members: Mapping[str, wiring.Member]) -> None:
    """Connect ports of a block to those of a block inside.

    Parameters
    ----------
    m : Module
        The outer block.
    outer, inner : interface
        The blocks, or other interfaces.
    members : mapping of str to wiring.Member
        Which ports, with the direction that they have at both.
    """
    for name, member in members.items():
        mine, other = getattr(outer, name), getattr(inner, name)
        if member.is_signature:
            wiring.connect(m, wiring.flipped(mine), other)
        else:
            m.d.comb += other.eq(mine) if member.flow == In else mine.eq(other)
