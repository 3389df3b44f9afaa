"""What every test of the driver has before it: a golden block, a driver of it, a golden machine beside it."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cocotb_tests.fpga.block_transport import BlockTransport, described
from fpga.host.driver import Driver
from fpga.host.register_access import MachineError
from gen import config as named
from golden.config import MachineConfig, variant
from golden.machine import Machine
from sim.runner import seed

#: All that can be loaded, can be.
LOADABLE = {"random": {"loadable": True}, "pulse": {"loadable": True}, "switching": {"loadable": True}}

TINY = variant(named.load("tiny"), **LOADABLE)


def random(*numbers: int) -> np.random.Generator:
    """Make a generator that follows from ``SEED`` and numbers."""
    return np.random.default_rng([seed(), *numbers])


class DriverFixture:
    """A golden block, a driver of it, and a golden machine to compare with."""

    def __init__(self, config: MachineConfig, **options: Any) -> None:
        self.config, self.manifest = config, described(config)
        self.transport = BlockTransport(config)
        self.driver = Driver(self.transport, self.manifest, **options)
        self.golden = Machine(config)

    def equal(self) -> None:
        """Compare everything."""
        found, expected = self.transport.block.machine.state(), self.golden.state()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, name)
        assert self.driver.counters() == self.golden.counters

    def text(self, name: str) -> str:
        """What the register ERROR says of a field."""
        return self.manifest["registers"]["ERROR"]["fields"][name]["text"]

    def refused(self, name: str, call: Callable[[], object], detail: str = "") -> None:
        """Expect that something is refused, in the machine's own words."""
        before = self.transport.block.machine.state()
        message = f"{name}: {self.text(name)}" + f" ({detail})" * bool(detail)
        with pytest.raises(MachineError, match=f"^{re.escape(message)}$") as caught:
            call()
        assert caught.value.names == (name,)
        assert self.driver.read("ERROR") == 0
        assert (self.transport.unsent(), self.transport.received()) == (0, 0)
        for part, values in self.transport.block.machine.state().items():
            np.testing.assert_array_equal(values, before[part], part)
