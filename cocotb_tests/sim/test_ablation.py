"""Every row of the ablation table is a machine."""

from gen import config as named
from sim.ablation import CHANGES


def test_changes_are_machines() -> None:
    """Every change is valid, tables included, and only the default, the first, changes nothing."""
    mnist = named.load("mnist")
    machines = [change.apply(mnist, 1) for change in CHANGES]
    assert machines[0] == mnist
    assert len(set(machines)) == len(machines)
    for machine in machines:
        assert machine.pulse.codes(machine.switching).max() > 0
