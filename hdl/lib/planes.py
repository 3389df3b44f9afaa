"""Arithmetic on bit-planes.

A number per lane is held as planes: vector b holds bit b of every lane's number. Logic on planes works on all lanes at
once, which a simulator executes as whole-word operations and an FPGA as one LUT per lane and bit. Intermediate
vectors are named signals, so that they are evaluated once and visible in waveforms.
"""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

Planes = Sequence[Value]


def wire(m: Module, name: str, value: Value) -> Signal:
    """Give an expression a name: a combinational signal of its shape."""
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def ones(lanes: int) -> Const:
    """Make a plane of ones; unsigned, so that it widens nothing."""
    return Const((1 << lanes) - 1, lanes)


def broadcast(bit: Value, lanes: int) -> Value:
    """Make a plane that holds one bit in every lane."""
    return Mux(bit, ones(lanes), Const(0, lanes))


def add(m: Module, name: str, a: Planes, b: Planes, carry: Value) -> list[Value]:
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

    Returns
    -------
    list of Value
        Planes of the sum.
    """
    total = []
    for bit, (x, y) in enumerate(zip(a, b, strict=True)):
        half = wire(m, f"{name}_half{bit}", x ^ y)
        total.append(half ^ carry)
        if bit < len(a) - 1:
            carry = wire(m, f"{name}_carry{bit}", (x & y) | (half & carry))
    return total


def subtract(m: Module, name: str, a: Planes, b: Planes) -> list[Value]:
    """Subtract per lane, modulo 2^len(a); planes as in `add`."""
    return add(m, name, a, [~plane for plane in b], ones(len(a[0])))


def at_most(m: Module, name: str, a: Planes, b: Planes) -> Value:
    """Compare unsigned numbers per lane: one bit per lane, set where a <= b."""
    below: Value = ones(len(a[0]))
    for bit, (x, y) in enumerate(zip(a, b, strict=True)):
        below = wire(m, f"{name}_at_most{bit}", (~x & y) | (~(x ^ y) & below))
    return below


def reg_en(m: Module, name: str, enable: Value, value: Value) -> Signal:
    """Register a value in the cycles in which `enable` is high: data of a pipeline, which needs no reset."""
    signal = Signal(value.shape(), name=name, reset_less=True)
    with m.If(enable):
        m.d.sync += signal.eq(value)
    return signal


def reg(m: Module, name: str, value: Value) -> Signal:
    """Register a value in every cycle: data that goes beside a pipeline."""
    signal = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += signal.eq(value)
    return signal


def pipeline(m: Module, name: str, value: Value, cycles: int) -> Value:
    """Register a value `cycles` times, 0 for none: data that goes beside a pipeline."""
    for cycle in range(cycles):
        value = reg(m, f"{name}_{cycle + 1}", value)
    return value


def extend(planes: Planes, count: int) -> list[Value]:
    """Sign-extend planes to `count` planes, or drop the upper ones where the number is known to fit."""
    return [*planes, *[planes[-1]] * (count - len(planes))][:count]


def any_of(planes: Planes, lanes: int) -> Value:
    """OR of planes: one bit per lane; zero without planes."""
    result: Value = Const(0, lanes)
    for plane in planes:
        result = result | plane
    return result


def counted(m: Module, name: str, terms: Sequence[tuple[Value, int]]) -> list[tuple[Value, int]]:
    """Count the ones of vectors, each with a weight that is plus or minus a power of two.

    Full adders take three 64-bit words of a weight to one of the same and one of twice the weight, until a word or two
    of every weight are left; in these, pairs, nibbles, bytes and so on are added side by side.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    terms : sequence of (Value, int)
        Vectors and weights.

    Returns
    -------
    list of (Value, int)
        Numbers and weights; the sum of their products is the weighted count.
    """
    words: dict[int, list[Value]] = {}
    for number, (vector, weight) in enumerate(terms):
        for at in range(0, len(vector), 64):
            words.setdefault(weight, []).append(wire(m, f"{name}{number}_{at}", vector[at : at + 64]))
    counts = []
    while words:
        weight = min(words, key=abs)
        left = words.pop(weight)
        adders = 0
        while len(left) > 2:
            a, b, c, *left = left
            label = f"{name}_{weight}_{adders}".replace("-", "minus")
            half = wire(m, f"{label}_half", a ^ b)
            left.append(wire(m, f"{label}_sum", half ^ c))
            words.setdefault(2 * weight, []).append(wire(m, f"{label}_carry", (a & b) | (half & c)))
            adders += 1
        for number, word in enumerate(left):
            counts.append((_ones(m, f"{name}_{weight}_{number}".replace("-", "minus"), word), weight))
    return counts


def _ones(m: Module, name: str, word: Value) -> Value:
    """Count the ones of a word."""
    bits, field = len(word), 1
    width = 1 << (bits - 1).bit_length()
    word = Cat(word, Const(0, width - bits))
    while field < width:
        mask = sum(((1 << field) - 1) << at for at in range(0, width, 2 * field))
        # the highest field of either term is 0: left out, lest the sum has a bit more than the word
        top = width - field
        word = wire(m, f"{name}_{field}", ((word & mask)[:top] + (word[field:] & mask)[:top])[:width])
        field *= 2
    return word[: bits.bit_length()]


def total(terms: Sequence[tuple[Value, int]]) -> Value:
    """Add up numbers, each times its weight, plus or minus a power of two, in a tree."""
    shifted = [number << (abs(weight).bit_length() - 1) for number, weight in terms]
    numbers = [number if weight > 0 else -number for number, (_, weight) in zip(shifted, terms, strict=True)]
    while len(numbers) > 1:
        numbers = [
            numbers[i] + numbers[i + 1] if i + 1 < len(numbers) else numbers[i] for i in range(0, len(numbers), 2)
        ]
    return numbers[0]


def lookup(m: Module, name: str, select: Planes, table: Sequence[int], bits: int) -> list[Value]:
    """Look up a constant table per lane.

    Every output plane is a reduced decision diagram over the select planes; equal subfunctions are built once.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    select : sequence of Value
        Planes of the index, least significant first.
    table : sequence of int
        ``2^len(select)`` entries.
    bits : int
        Planes of an entry.

    Returns
    -------
    list of Value
        Planes of the entries.
    """
    lanes = len(select[0])
    nodes: dict[tuple[int, int], Value] = {}

    def node(function: int, depth: int) -> Value:
        """Build the function of the lowest `depth` select planes, its truth table packed into an integer."""
        full = (1 << (1 << depth)) - 1
        if function in (0, full):
            return ones(lanes) if function else Const(0, lanes)
        if (function, depth) in nodes:
            return nodes[function, depth]
        half = 1 << (depth - 1)
        low, high = function & ((1 << half) - 1), function >> half
        plane = select[depth - 1]
        top = (1 << half) - 1
        if low == high:
            value = node(low, depth - 1)
        elif low == 0:
            value = plane if high == top else plane & node(high, depth - 1)
        elif high == 0:
            value = ~plane if low == top else ~plane & node(low, depth - 1)
        elif low == top:
            value = ~plane | node(high, depth - 1)
        elif high == top:
            value = plane | node(low, depth - 1)
        elif low ^ high == top:
            value = plane ^ node(low, depth - 1)
        else:
            value = (plane & node(high, depth - 1)) | (~plane & node(low, depth - 1))
        nodes[function, depth] = wire(m, f"{name}_{len(nodes)}", value)
        return nodes[function, depth]

    functions = [sum((entry >> bit & 1) << at for at, entry in enumerate(table)) for bit in range(bits)]
    return [node(function, len(select)) for function in functions]


def choose(m: Module, name: str, select: Planes, table: Value, bits: int) -> list[Value]:
    """Look up a table that is itself a value, per lane; otherwise as `lookup`.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    select : sequence of Value
        Planes of the index, least significant first.
    table : Value
        ``2^len(select)`` entries of `bits` bits, the first lowest.
    bits : int
        Planes of an entry.

    Returns
    -------
    list of Value
        Planes of the entries.
    """
    lanes = len(select[0])
    # one plane per entry: the lanes that ask for it
    asked: list[Value] = [ones(lanes)]
    for depth, plane in enumerate(select):
        halves = ((0, ~plane), (1, plane))
        asked = [wire(m, f"{name}_{depth}_{high}_{at}", a & p) for high, p in halves for at, a in enumerate(asked)]
    chosen = []
    for bit in range(bits):
        terms: list[Value] = [a & broadcast(table[at * bits + bit], lanes) for at, a in enumerate(asked)]
        while len(terms) > 1:
            terms = [any_of(terms[at : at + 2], lanes) for at in range(0, len(terms), 2)]
        chosen.append(wire(m, f"{name}_{bit}", terms[0]))
    return chosen


def folded(m: Module, name: str, plane: Value, group: int) -> Value:
    """OR of all groups of lanes of a plane, one bit per lane of a group; `name` is a prefix of intermediate signals."""
    plane = wire(m, name, plane)
    while len(plane) > group:
        lower = (len(plane) // group + 1) // 2 * group
        plane = wire(m, f"{name}_{lower}", plane[:lower] | plane[lower:])
    return plane


def shift_in(m: Module, planes: Planes, values: Planes) -> None:
    """Shift planes down by one group of lanes and put the group's values at the top.

    After as many shifts as there are groups, the first group is at the lowest lanes.

    Parameters
    ----------
    m : Module
        Where the registers are assigned, in the ``sync`` domain.
    planes : sequence of Value
        Registers, one per bit, over all lanes.
    values : sequence of Value
        The planes of the group.
    """
    for plane, value in zip(planes, values, strict=True):
        m.d.sync += plane.eq(Cat(plane[len(value) :], value))


def transpose(values: Sequence[Value], bits: int) -> list[Value]:
    """Turn one number per lane into planes: plane b of the `bits` lowest bits holds bit b of every number."""
    return [Cat(value[bit] for value in values) for bit in range(bits)]
