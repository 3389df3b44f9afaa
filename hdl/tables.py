"""The two tables as logic on bit-planes (twin of `golden/tables.py`, which computes every entry)."""

from amaranth.hdl import Module, Value

from golden.tables import PulseParameters, SwitchingParameters
from hdl.planes import Planes, lookup


def pulse_table(
    m: Module, name: str, nu: Planes, parameters: PulseParameters, switching: SwitchingParameters
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

    Returns
    -------
    list of Value
        ``switching.code_bits`` planes.
    """
    return lookup(m, name, nu, [int(code) for code in parameters.codes(switching)], switching.code_bits)


def switching_table(
    m: Module, name: str, codes: Planes, to_parallel: Value, switching: SwitchingParameters, kinds: Planes = ()
) -> list[Value]:
    """Look up the threshold minus one of every lane's width code, direction and kind of device.

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
    kinds : sequence of Value
        ``switching.bin_bits`` planes: which of the kinds of devices the lane's is.

    Returns
    -------
    list of Value
        ``switching.threshold_bits`` planes.
    """
    entries = [max(int(threshold), 1) - 1 for threshold in switching.bin_thresholds.ravel()]
    # code 0 never switches: copy a neighbour's entry where that makes the function simpler
    for start in range(0, len(entries), switching.codes):
        entries[start] = entries[start + 1]
    return lookup(m, name, [*codes, to_parallel, *kinds], entries, switching.threshold_bits)
