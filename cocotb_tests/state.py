"""The checker of a whole machine: every quantity of RTL and golden model, in full."""

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.host import Host
from golden.counters import COUNTERS
from golden.machine import Machine

#: Quantity -> values.
State = dict[str, NDArray[np.int64]]


class Mismatch(AssertionError):
    """RTL and golden model differ."""


def compare(step: str, rtl: State, golden: State) -> int:
    """Compare all quantities in full.

    Parameters
    ----------
    step : str
        Where the run stands, for the message.
    rtl, golden : dict of str to ndarray of int64
        Quantity -> values.

    Returns
    -------
    int
        Number of values compared.

    Raises
    ------
    Mismatch
        If a value differs; the message names step, quantity, index and both values.
    """
    compared = 0
    for quantity, expected in golden.items():
        found = rtl[quantity]
        assert found.shape == expected.shape, f"{quantity}: shape {found.shape} in RTL, {expected.shape} in golden"
        differ = np.argwhere(found != expected)
        if len(differ):
            index = tuple(int(i) for i in differ[0])
            raise Mismatch(
                f"{step}: {quantity}{list(index)} is {found[index]} in RTL, {expected[index]} in the golden model "
                f"({len(differ)} of {expected.size} differ)"
            )
        compared += expected.size
    return compared


async def machine_pair(host: Host, machine: Machine, *, cycles: bool = True) -> tuple[State, State]:
    """Read state and counters of both machines.

    Parameters
    ----------
    host : Host
        The RTL, its clock standing still.
    machine : Machine
        The golden machine.
    cycles : bool
        Whether cycle counts are included; they belong to the emulated array alone.

    Returns
    -------
    rtl, golden : dict of str to ndarray of int64
        The same quantities of either, as far as the RTL shows them.
    """
    rtl, golden = await host.read(), machine.state()
    golden = {name: values for name, values in golden.items() if name in rtl}
    rtl_counters, golden_counters = counter_pair(host, machine, cycles=cycles)
    return rtl | rtl_counters, golden | golden_counters


def counter_pair(host: Host, machine: Machine, *, cycles: bool = True) -> tuple[State, State]:
    """Read the counters of both machines; arguments and result as for `machine_pair`."""
    # waiting depends on the host and is no property of the machine
    names = [n for n in COUNTERS if n != "cycles_wait" and (cycles or not n.startswith("cycles_"))]
    rtl, golden = host.counters(), machine.counters
    return {name: np.array(rtl[name]) for name in names}, {name: np.array(golden[name]) for name in names}
