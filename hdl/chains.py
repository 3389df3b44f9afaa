"""Arithmetic on the carry chains of an FPGA: planes in, planes out, lane by lane in between."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value

from hdl import planes
from hdl.planes import Planes, delayed, held, later, named


def add(m: Module, name: str, a: Planes, b: Planes, carry: Value, *, adders: str) -> list[Value]:
    """Add two numbers per lane: `hdl.planes.add`, whose parameters and result are these.

    `adders` is ``planes`` or ``chains``, see `golden.synapse_array.ArrayParameters`.
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


def at_most(m: Module, name: str, a: Planes, b: Planes, *, adders: str) -> Value:
    """Compare unsigned numbers per lane: one bit per lane, set where a <= b; arguments as of `add`."""
    if adders == "planes":
        return planes.at_most(m, name, a, b)
    found = Signal(len(a[0]), name=name)
    for lane in range(len(found)):
        m.d.comb += found[lane].eq(Cat(plane[lane] for plane in a) <= Cat(plane[lane] for plane in b))
    return found


def add_up(
    m: Module, name: str, enable: Value, numbers: Sequence[tuple[Planes, bool]], *, bits: int, cycles: int, adders: str
) -> Value:
    """Add up numbers over all lanes.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    enable : Value
        The numbers are valid.
    numbers : sequence of (planes, bool)
        Planes of the numbers, and whether they are signed.
    bits : int
        Bits that hold the sum.
    cycles : int
        After how many cycles the sum is there, >= 0.
    adders : str
        As of `add`.

    Returns
    -------
    Value
        The sum, signed where a number is.
    """
    is_signed = any(signed for _, signed in numbers)
    if adders == "planes":
        terms = []
        for number, signed in numbers:
            weights = [1 << bit for bit in range(len(number))]
            weights[-1] *= -1 if signed else 1
            terms += zip(number, weights, strict=True)
        counts = planes.counted(m, name, terms)
        if cycles:
            counts = [(held(m, f"{name}_{i}", enable, count), weight) for i, (count, weight) in enumerate(counts)]
        return _last(m, name, planes.total(counts), cycles - 1, bits, is_signed=is_signed)
    words = []
    for number, signed in numbers:
        of_lanes = [Cat(plane[lane] for plane in number) for lane in range(len(number[0]))]
        words += [word.as_signed() if signed else word for word in of_lanes]
    total, left = _tree(m, name, words, cycles)
    return _last(m, name, total, left, bits, is_signed=is_signed)


def _last(m: Module, name: str, total: Value, cycles: int, bits: int, *, is_signed: bool) -> Value:
    """Pass on a sum, without the bits that it does not need."""
    total = total[:bits]
    return later(m, f"{name}_total", total.as_signed() if is_signed else total, cycles)


def _tree(m: Module, name: str, words: list[Value], cycles: int) -> tuple[Value, int]:
    """Add up words in a tree with `cycles` ranks of registers, or fewer if it is low; the sum, and ranks left."""
    if len(words) > 2 and all(len(word) == 1 for word in words):
        # single bits: a full adder is two LUTs for three of them
        words += [Const(0, 1)] * (-len(words) % 3)
        thirds = zip(words[::3], words[1::3], words[2::3], strict=True)
        words = [
            named(m, f"{name}_third{at}", Cat(a ^ b ^ c, (a & b) | (c & (a ^ b))))
            for at, (a, b, c) in enumerate(thirds)
        ]
    levels = (len(words) - 1).bit_length()
    # registers in front of levels, evenly; the last level has something to do behind it
    ranks = [levels - 1 - rank * levels // (cycles or 1) for rank in range(cycles)]
    for level in range(levels):
        for rank in range(ranks.count(level)):
            words = [delayed(m, f"{name}_{level}_{rank}_{at}", word) for at, word in enumerate(words)]
        odd = words[len(words) & ~1 :]
        pairs = zip(words[::2], words[1::2], strict=False)
        words = [named(m, f"{name}_sum{level}_{at}", a + b) for at, (a, b) in enumerate(pairs)] + odd
    return words[0], sum(rank < 0 for rank in ranks)
