"""Arithmetic on the carry chains of an FPGA: planes in, planes out, lane by lane in between."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value

from hdl.lib import planes
from hdl.lib.planes import Planes, pipeline, reg, reg_en, wire


def add(m: Module, name: str, a: Planes, b: Planes, carry: Value, *, adders: str) -> list[Value]:
    """Add two numbers per lane: `hdl.lib.planes.add`, whose parameters and result are these.

    `adders` is ``planes`` or ``chains``, see `golden.array.synapse_array.ArrayParameters`.
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
            counts = [(reg_en(m, f"{name}_{i}", enable, count), weight) for i, (count, weight) in enumerate(counts)]
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
    return pipeline(m, f"{name}_total", total.as_signed() if is_signed else total, cycles)


def _tree(m: Module, name: str, words: list[Value], cycles: int) -> tuple[Value, int]:
    """Add up words in a tree with `cycles` ranks of registers, or fewer if it is low; the sum, and ranks left."""
    if all(len(word) == 1 for word in words):
        return _count(m, name, words, cycles)
    levels = (len(words) - 1).bit_length()
    ranks = _ranks(levels, cycles)
    for level in range(levels):
        for rank in range(ranks.count(level)):
            words = [reg(m, f"{name}_{level}_{rank}_{at}", word) for at, word in enumerate(words)]
        odd = words[len(words) & ~1 :]
        pairs = zip(words[::2], words[1::2], strict=False)
        words = [wire(m, f"{name}_sum{level}_{at}", a + b) for at, (a, b) in enumerate(pairs)] + odd
    return words[0], sum(rank < 0 for rank in ranks)


def _ranks(levels: int, cycles: int) -> list[int]:
    """Registers go in front of these levels, evenly; the last level has something to do behind it."""
    return [levels - 1 - rank * levels // (cycles or 1) for rank in range(cycles)]


def _count(m: Module, name: str, bits: list[Value], cycles: int) -> tuple[Value, int]:
    """Count ones as `_tree` adds words: full adders, two LUTs for three bits of a weight, until a chain can add."""
    heights, levels = [len(bits)], 1
    while max(heights) > 2:
        kept, carried = [h - h // 3 * 2 for h in heights], [h // 3 for h in heights]
        heights = [a + b for a, b in zip([*kept, 0], [0, *carried], strict=True)]
        levels += 1
    ranks = _ranks(levels, cycles)
    columns = [bits]
    for level in range(levels):
        for rank in range(ranks.count(level)):
            columns = [
                list(reg(m, f"{name}_{level}_{rank}_{at}", Cat(column))) if column else []
                for at, column in enumerate(columns)
            ]
        if level < levels - 1:
            columns = _full_adders(m, f"{name}_level{level}", columns)
    low, high = (Cat(column[at] if len(column) > at else Const(0, 1) for column in columns) for at in range(2))
    return wire(m, f"{name}_count", low + high), sum(rank < 0 for rank in ranks)


def _full_adders(m: Module, name: str, columns: list[list[Value]]) -> list[list[Value]]:
    """Turn three bits of a weight into one of the same and one of twice the weight, wherever there are three."""
    after: list[list[Value]] = [[] for _ in range(len(columns) + 1)]
    for weight, column in enumerate(columns):
        last = len(column) // 3 * 3
        a, b, c = (Cat(column[at:last:3]) for at in range(3))
        if last:
            half = wire(m, f"{name}_half{weight}", a ^ b)
            after[weight] += list(wire(m, f"{name}_sum{weight}", half ^ c))
            after[weight + 1] += list(wire(m, f"{name}_carry{weight}", (a & b) | (half & c)))
        after[weight] += column[last:]
    return after if after[-1] else after[:-1]
