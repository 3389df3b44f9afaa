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
    rtl_counters, golden_counters = host.counters(), machine.counters
    for name in COUNTERS:
        # waiting depends on the host and is no property of the machine
        if name != "cycles_wait" and (cycles or not name.startswith("cycles_")):
            rtl[name], golden[name] = np.array(rtl_counters[name]), np.array(golden_counters[name])
    return rtl, golden
