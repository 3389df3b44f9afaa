"""What is compared of a machine in the simulation and the golden machine."""

import numpy as np

from golden.counters import COUNTERS
from golden.machine import Machine
from golden.run.comparison import State
from sim.host import Host


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
    rtl_counters, golden_counters = _counter_pair(host, machine, cycles=cycles)
    return rtl | rtl_counters, golden | golden_counters


def _counter_pair(host: Host, machine: Machine, *, cycles: bool = True) -> tuple[State, State]:
    """Read the counters of both machines; arguments and result as for `machine_pair`."""
    # waiting depends on the host and is no property of the machine
    names = [n for n in COUNTERS if n != "cycles_wait" and (cycles or not n.startswith("cycles_"))]
    rtl, golden = host.counters(), machine.counters
    return {name: np.array(rtl[name]) for name in names}, {name: np.array(golden[name]) for name in names}
