"""What the array adds up: columns over the rows that are driven, rows over all lanes, events of pulses."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from golden.array.synapse_array import ArrayParameters
from golden.geometry import Geometry
from golden.tables import SwitchingParameters
from hdl.array.switching import Attempt
from hdl.lib.chains import add, add_up
from hdl.lib.planes import Planes, any_of, broadcast, extend, folded, pipeline, reg_en, wire


def columns(
    m: Module,
    p: ArrayParameters,
    geometry: Geometry,
    drives: Value,
    driven: Value,
    coefficient: Value,
    nonzero: Value,
    negative: Value,
    sensed: Value,
) -> list[Value]:
    """Accumulate coefficient * w in every lane; give the sums group by group.

    Parameters
    ----------
    m : Module
        Where.
    p, geometry : ArrayParameters, Geometry
        The array.
    drives, coefficient : Value
        A row is driven, and by what; a cycle before `driven` and its weights.
    driven : Value
        A row is driven.
    nonzero, negative : Value
        Weights, one bit per lane.
    sensed : Value
        The next group is read; the last one leaves zeros in all lanes.

    Returns
    -------
    list of Value
        Signed sums of a group's lanes, in the cycle of `sensed`, `stages` - 1 cycles later.
    """
    # what a weight of +1 and one of -1 contribute, in one's complement, whose carry makes it two's complement
    up, down = Signal.like(coefficient, name="coefficient_up"), Signal.like(coefficient, name="coefficient_down")
    m.d.sync += [up.eq(Mux(drives, coefficient, 0)), down.eq(Mux(drives, ~coefficient, 0))]
    ups, downs = wire(m, "weights_up", nonzero & ~negative), wire(m, "weights_down", nonzero & negative)
    numbers = [
        (ups & broadcast(one, p.lanes)) | (downs & broadcast(other, p.lanes))
        for one, other in zip(up, down, strict=True)
    ]
    numbers.append(downs & broadcast(driven, p.lanes))
    # zero where no row is driven, as a carry chain has no room for an enable behind it; also after a reset
    products = [Signal(p.lanes, name=f"product{bit}") for bit in range(len(numbers))]
    storing: Value = Const(1)
    adding: Value = Const(1)
    if p.adders == "planes":
        storing, adding = driven, Signal(name="adding")
        m.d.sync += adding.eq(driven)
    with m.If(storing):
        m.d.sync += [product.eq(number) for product, number in zip(products, numbers, strict=True)]
    *product, carry = products
    planes = [Signal(p.lanes, name=f"column{bit}") for bit in range(geometry.column_bits)]
    total = add(m, "column", planes, extend(product, len(planes)), carry, adders=p.adders)
    with m.If(adding):
        m.d.sync += [plane.eq(value) for plane, value in zip(planes, total, strict=True)]
    # lanes of the next group; the last one read leaves zeros everywhere
    chosen = Signal(p.lanes, name="column_group", init=(1 << p.group) - 1)
    with m.If(sensed):
        m.d.sync += chosen.eq(chosen.rotate_left(p.group))
    with m.If(wire(m, "columns_clear", sensed & chosen[-1])):
        m.d.sync += [plane.eq(0) for plane in planes]
    # one-hot: an OR takes fewer look-up tables than a tree of multiplexers
    groups = [folded(m, f"group{bit}", plane & chosen, p.group) for bit, plane in enumerate(planes)]
    found = [pipeline(m, f"sensed{bit}", plane, p.stages - 1) for bit, plane in enumerate(groups)]
    return [Cat(plane[lane] for plane in found).as_signed() for lane in range(p.group)]


def reads(
    m: Module,
    p: ArrayParameters,
    geometry: Geometry,
    drive: Planes,
    sensing1: Value,
    driven: Value,
    sensed: Value,
    nonzero: Value,
    negative: Value,
) -> tuple[Value, Value]:
    """Count the non-zero products of a row, and add up w * drive over its lanes.

    Parameters
    ----------
    m, p, geometry, driven, nonzero, negative
        As of `columns`.
    drive : planes
        The column drive, signed.
    sensing1, sensed : Value
        A row is sensed; the first comes a cycle before its weights.

    Returns
    -------
    products, row_sum : Value
        Of a row that is driven or sensed, and of one that is sensed; `stages` cycles after its weights.
    """
    reading = wire(m, "reading", driven | sensed)
    common = {"cycles": p.stages, "adders": p.adders}
    sensing, most = broadcast(sensed, p.lanes), p.lanes.bit_length()
    if geometry.trit_rows:
        # of trits, products are +1 or -1: how many there are, and how many of these are -1
        there = nonzero & (drive[0] | ~sensing)
        products = add_up(m, "products", reading, [([there], False)], bits=most, **common)
        downs = nonzero & drive[0] & wire(m, "differ", negative ^ drive[1])
        minus = add_up(m, "minus", sensed, [([downs], False)], bits=most, **common)
        return products, products - (minus << 1)
    driving = reg_en(m, "driving", sensing1, any_of(drive, p.lanes))
    products = add_up(m, "products", reading, [([nonzero & (driving | ~sensing)], False)], bits=most, **common)
    # in one's complement per lane; the carries make it two's complement
    number = ([nonzero & (plane ^ negative) for plane in drive], True)
    carries, bits = ([nonzero & negative], False), geometry.row_bits
    return products, add_up(m, "row_sum", sensed, [number, carries], bits=bits, **common)


def events(
    m: Module, p: ArrayParameters, switching: SwitchingParameters, comparing: Value, outcome: Attempt
) -> dict[str, Value]:
    """Count what the pulses of a slice do.

    Parameters
    ----------
    m, p
        As of `columns`.
    switching : SwitchingParameters
        Width codes.
    comparing : Value
        The slice draws and compares in this cycle.
    outcome : Attempt
        What comes of it.

    Returns
    -------
    dict of str to Value
        ``pulses``, ``pulse_width`` (the sum of their codes) and ``switches``, `stages` cycles later.
    """
    width = p.slice_lanes
    pulses, flips = outcome.pulses, outcome.flips
    if p.scheme == "verified":
        # one device of a synapse at most
        pulses, flips = [any_of(pulses, width)], [any_of(flips, width)]
    widths = [([pulse & plane for plane in outcome.codes], False) for pulse in pulses]
    # what has no meaning for commands other than PULSE is not answered; one enable for all that a slice does
    flips = [reg_en(m, f"flipped_{i}", comparing, flip) for i, flip in enumerate(flips)]
    most = len(pulses) * width
    bits, bits_of_widths = most.bit_length(), (most * (switching.codes - 1)).bit_length()
    now, then = {"cycles": p.stages, "adders": p.adders}, {"cycles": p.stages - 1, "adders": p.adders}
    return {
        "pulses": add_up(m, "pulses", comparing, [([pulse], False) for pulse in pulses], bits=bits, **now),
        "pulse_width": add_up(m, "pulse_width", comparing, widths, bits=bits_of_widths, **now),
        "switches": add_up(m, "switches", Const(1), [([flip], False) for flip in flips], bits=bits, **then),
    }
