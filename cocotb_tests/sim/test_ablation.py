"""Every row of the ablation table is a machine."""

import pytest

from gen import config as named
from sim.ablation import CHANGES, Change


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.title.replace(" ", "-"))
def test_change_is_a_machine(change: Change) -> None:
    """The change is valid, tables included, and only the default changes nothing."""
    default = change.apply(named.load("mnist"), 1)
    unchanged = Change("").apply(named.load("mnist"), 1)
    assert (default == unchanged) == (change is CHANGES[0])
    assert default.pulse.codes(default.switching).max() > 0
