"""Arithmetic on the carry chains of an FPGA: planes in, planes out, lane by lane in between."""

from amaranth.hdl import Cat, Module, Signal, Value

from hdl import planes
from hdl.planes import Planes


def add(m: Module, name: str, a: Planes, b: Planes, carry: Value, *, adders: str) -> list[Value]:
    """Add two numbers per lane, modulo 2^len(a).

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    a, b : sequence of Value
        Planes, least significant first, equally many.
    carry : Value
        Carry-in, one bit per lane.
    adders : str
        ``planes`` or ``chains``, see `golden.synapse_array.ArrayParameters`.

    Returns
    -------
    list of Value
        Planes of the sum.
    """
    if adders == "planes":
        return planes.add(m, name, a, b, carry)
    lanes, bits = len(a[0]), len(a)
    sums = []
    for lane in range(lanes):
        x, y = Cat(plane[lane] for plane in a), Cat(plane[lane] for plane in b)
        # one bit below brings the carry in, so that a lane needs one chain
        total = Signal(bits + 1, name=f"{name}_{lane}")
        m.d.comb += total.eq(Cat(carry[lane], x) + Cat(carry[lane], y))
        sums.append(total[1:])
    return planes.transpose(sums, bits)
