"""The array's read path: column sums over the rows that are driven, row sums over all lanes."""

from typing import Any, NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from golden.config import MachineConfig
from hdl.array.array_interface import ArrayOp
from hdl.array.pipeline import Pipeline
from hdl.lib.chains import add, add_up
from hdl.lib.planes import Planes, any_of, broadcast, extend, folded, ones, pipeline, reg_en, wire


class _Weights(NamedTuple):
    """Weights of the row in stage 2, one bit per lane each."""

    nonzero: Value
    negative: Value


def read_path(
    m: Module, config: MachineConfig, commands: Pipeline, drive: Planes, states: list[Signal], answer: Any
) -> None:
    """Add up what a row contributes to columns, and columns to a row; answer SENSE_COLUMNS, DRIVE_ROW and SENSE_ROW.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    config : MachineConfig
        The machine.
    commands : Pipeline
        The commands.
    drive : planes
        The column drive, signed.
    states : list of Signal(lanes)
        Per device, its states in stage 2.
    answer : answer of `hdl.array.array_interface.ArraySignature`
        `sums`, `products` and `row_sum` are assigned here.
    """
    weights = _weights(m, states)
    driven = commands.active(ArrayOp.DRIVE_ROW, 2)
    columns = _column_sums(m, config, commands, weights, driven)
    with m.If(commands.answering[ArrayOp.SENSE_COLUMNS]):
        m.d.sync += [total.eq(column) for total, column in zip(answer.sums, columns, strict=True)]
    products, row_sum = _row_sums(m, config, commands, drive, weights, driven)
    with m.If(commands.answering[ArrayOp.DRIVE_ROW] | commands.answering[ArrayOp.SENSE_ROW]):
        m.d.sync += [answer.products.eq(products), answer.row_sum.eq(row_sum)]


def _weights(m: Module, states: list[Signal]) -> _Weights:
    """Weights of a row from the states of its devices."""
    if len(states) == 1:
        return _Weights(ones(len(states[0])), wire(m, "negative", ~states[0]))
    r1, r2 = states
    return _Weights(wire(m, "nonzero", r1 ^ r2), wire(m, "negative", r2 & ~r1))


def _column_sums(m: Module, config: MachineConfig, commands: Pipeline, weights: _Weights, driven: Value) -> list[Value]:
    """Accumulate coefficient * w in every lane; give the sums group by group.

    Parameters
    ----------
    m, config, commands
        As of `read_path`.
    weights : _Weights
        Weights in stage 2.
    driven : Value
        A row is driven, in stage 2.

    Returns
    -------
    list of Value
        Signed sums of the lanes of a group, of a SENSE_COLUMNS in the cycle before its answer. The last group leaves
        zeros in all lanes.
    """
    p, lanes = config.array, config.array.lanes
    coefficient, drives = commands.stage1.coefficient, commands.active(ArrayOp.DRIVE_ROW, 1)
    # what a weight of +1 and one of -1 contribute, in one's complement, whose carry makes it two's complement
    up, down = Signal.like(coefficient, name="coefficient_up"), Signal.like(coefficient, name="coefficient_down")
    m.d.sync += [up.eq(Mux(drives, coefficient, 0)), down.eq(Mux(drives, ~coefficient, 0))]
    ups = wire(m, "weights_up", weights.nonzero & ~weights.negative)
    downs = wire(m, "weights_down", weights.nonzero & weights.negative)
    numbers = [
        (ups & broadcast(one, lanes)) | (downs & broadcast(other, lanes)) for one, other in zip(up, down, strict=True)
    ]
    numbers.append(downs & broadcast(driven, lanes))
    # zero where no row is driven, as a carry chain has no room for an enable behind it; also after a reset
    products = [Signal(lanes, name=f"product{bit}") for bit in range(len(numbers))]
    storing: Value = Const(1)
    adding: Value = Const(1)
    if p.adders == "planes":
        storing, adding = driven, Signal(name="adding")
        m.d.sync += adding.eq(driven)
    with m.If(storing):
        m.d.sync += [product.eq(number) for product, number in zip(products, numbers, strict=True)]
    *product, carry = products
    planes = [Signal(lanes, name=f"column{bit}") for bit in range(config.geometry.column_bits)]
    total = add(m, "column", planes, extend(product, len(planes)), carry, adders=p.adders)
    with m.If(adding):
        m.d.sync += [plane.eq(value) for plane, value in zip(planes, total, strict=True)]
    return _sense_group(m, config, planes, commands.active(ArrayOp.SENSE_COLUMNS, 3))


def _sense_group(m: Module, config: MachineConfig, planes: list[Signal], sensed: Value) -> list[Value]:
    """Read the next group of column sums; the last group leaves zeros in all lanes."""
    p = config.array
    chosen = Signal(p.lanes, name="column_group", init=(1 << p.group) - 1)
    with m.If(sensed):
        m.d.sync += chosen.eq(chosen.rotate_left(p.group))
    with m.If(wire(m, "columns_clear", sensed & chosen[-1])):
        m.d.sync += [plane.eq(0) for plane in planes]
    # one-hot: an OR takes fewer look-up tables than a tree of multiplexers
    groups = [folded(m, f"group{bit}", plane & chosen, p.group) for bit, plane in enumerate(planes)]
    found = [pipeline(m, f"sensed{bit}", plane, p.stages - 1) for bit, plane in enumerate(groups)]
    return [Cat(plane[lane] for plane in found).as_signed() for lane in range(p.group)]


def _row_sums(
    m: Module, config: MachineConfig, commands: Pipeline, drive: Planes, weights: _Weights, driven: Value
) -> tuple[Value, Value]:
    """Count the non-zero products of a row, and add up w * drive over its lanes.

    Parameters
    ----------
    m, config, commands, drive, weights, driven
        As of `read_path` and `_column_sums`.

    Returns
    -------
    products, row_sum : Value
        Of a row that is driven or sensed, and of one that is sensed, in the cycle before the answer.
    """
    p, geometry = config.array, config.geometry
    sensed, sensed_next = commands.active(ArrayOp.SENSE_ROW, 2), commands.active(ArrayOp.SENSE_ROW, 1)
    reading = wire(m, "reading_row", driven | sensed)
    common = {"cycles": p.stages, "adders": p.adders}
    sensing, most = broadcast(sensed, p.lanes), p.lanes.bit_length()
    if geometry.trit_rows:
        # of trits, products are +1 or -1: how many there are, and how many of these are -1
        there = weights.nonzero & (drive[0] | ~sensing)
        products = add_up(m, "products", reading, [([there], False)], bits=most, **common)
        downs = weights.nonzero & drive[0] & wire(m, "differ", weights.negative ^ drive[1])
        minus = add_up(m, "minus", sensed, [([downs], False)], bits=most, **common)
        return products, products - (minus << 1)
    driving = reg_en(m, "driving", sensed_next, any_of(drive, p.lanes))
    there = weights.nonzero & (driving | ~sensing)
    products = add_up(m, "products", reading, [([there], False)], bits=most, **common)
    # in one's complement per lane; the carries make it two's complement
    number = ([weights.nonzero & (plane ^ weights.negative) for plane in drive], True)
    carries, bits = ([weights.nonzero & weights.negative], False), geometry.row_bits
    return products, add_up(m, "row_sum", sensed, [number, carries], bits=bits, **common)
