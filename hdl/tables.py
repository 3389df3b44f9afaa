"""The two tables as logic on bit-planes (twin of `golden/tables.py`, which computes every entry)."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, Value

from golden.tables import PulseParameters, SwitchingParameters
from hdl.lib.planes import Planes, choose, lookup


def pulse_table(
    m: Module, name: str, nu: Planes, parameters: PulseParameters, switching: SwitchingParameters, loaded: Value | None
) -> list[Value]:
    """Look up the width code of every lane's |nu|.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    nu : sequence of Value
        ``parameters.nu_bits`` planes.
    parameters : PulseParameters
        The periphery's table.
    switching : SwitchingParameters
        The devices for which it was made.
    loaded : Value or None
        Registers that hold the table where it can be loaded, first `pulse_entries`.

    Returns
    -------
    list of Value
        ``switching.code_bits`` planes.
    """
    if loaded is not None:
        return choose(m, name, nu, loaded, switching.code_bits)
    return lookup(m, name, nu, pulse_entries(parameters, switching), switching.code_bits)


def pulse_entries(parameters: PulseParameters, switching: SwitchingParameters) -> list[int]:
    """Width codes of all |nu|."""
    return [int(code) for code in parameters.codes(switching)]


def switching_entries(switching: SwitchingParameters) -> list[int]:
    """Thresholds less one in the order device bin, direction, code; 0 for code 0."""
    return [max(int(threshold), 1) - 1 for threshold in switching.bin_thresholds.ravel()]


def loadable(m: Module, name: str, entries: Sequence[int], bits: int, shift: Value, word: Value) -> Signal:
    """Make the registers of a table that a host can load, word by word.

    After as many words as the table needs, the first word is at the lowest bits.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Name of the registers.
    entries : sequence of int
        What they hold after reset.
    bits : int
        Bits of an entry.
    shift : Value
        Take a word.
    word : Value
        The word.

    Returns
    -------
    Signal
        The registers, the first entry lowest; above the last one what fills up the last word.
    """
    width = -(-len(entries) * bits // len(word)) * len(word)
    table = Signal(width, name=name, init=sum(entry << (at * bits) for at, entry in enumerate(entries)))
    with m.If(shift):
        m.d.sync += table.eq(Cat(table[len(word) :], word))
    return table


def switching_table(
    m: Module,
    name: str,
    codes: Planes,
    to_parallel: Value,
    switching: SwitchingParameters,
    device_bins: Planes,
    loaded: Value | None,
) -> list[Value]:
    """Look up the threshold minus one of every lane's width code, direction and device bin.

    A threshold of 1 .. 2^threshold_bits, less one, fits the random word: a device switches where ``word <= T - 1``.
    The entry of code 0 is of no effect, since code 0 is no pulse.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    name : str
        Prefix of the intermediate signals.
    codes : sequence of Value
        ``switching.code_bits`` planes.
    to_parallel : Value
        Direction, one bit per lane.
    switching : SwitchingParameters
        The devices.
    device_bins : sequence of Value
        ``switching.bin_bits`` planes: which of the device bins the lane's is.
    loaded : Value or None
        Registers that hold the table where it can be loaded, first `switching_entries`.

    Returns
    -------
    list of Value
        ``switching.threshold_bits`` planes.
    """
    select = [*codes, to_parallel, *device_bins]
    if loaded is not None:
        return choose(m, name, select, loaded, switching.threshold_bits)
    entries = switching_entries(switching)
    # code 0 never switches: copy a neighbour's entry where that makes the function simpler
    for start in range(0, len(entries), switching.codes):
        entries[start] = entries[start + 1]
    return lookup(m, name, select, entries, switching.threshold_bits)
