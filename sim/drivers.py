"""Clock, ports, stream sources and sinks of a block under test.

A simulation advances cycle by cycle under the control of `Clock.step`: every agent drives its inputs, combinational
logic settles, every agent samples, then the clock rises. No agent depends on the order of the agents.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Protocol

import numpy as np
from cocotb.handle import HierarchyObject
from cocotb.triggers import Timer

from sim.manifest_reader import pack, unpack


def bits_of(handle: Any, name: str) -> int:
    """Read the bits of a signal; a bit that is not 0 or 1 is an error."""
    # not by way of cocotb's value, which makes an object of every bit
    text = handle._handle.get_signal_val_binstr()
    try:
        return int(text, 2)
    except ValueError:
        raise AssertionError(f"{name} is {text}: a register that matters was not reset") from None


class Ports:
    """The ports of a block, read and written as the manifest describes them.

    Parameters
    ----------
    dut : HierarchyObject
        The block.
    described : dict
        Port name -> description, of the manifest.
    """

    def __init__(self, dut: HierarchyObject, described: dict[str, dict[str, Any]]) -> None:
        self.described = described
        self._handles = {name: getattr(dut, name) for name in described}
        self._written: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.described

    def names(self, direction: str) -> list[str]:
        """Names of all ports of a direction, ``input`` or ``output``."""
        return [name for name, port in self.described.items() if port["direction"] == direction]

    def write(self, name: str, value: Any) -> None:
        """Write an input: a number, one value per field, or one value per element."""
        self.write_bits(name, pack(self.described[name], value))

    def write_bits(self, name: str, bits: int) -> None:
        """Write the bits of an input."""
        if self._written.get(name) != bits:
            assert self.described[name]["direction"] == "input", f"{name} is not an input"
            self._written[name] = bits
            self._handles[name].value = bits

    def read(self, name: str) -> Any:
        """Read a port: a number, a dict of fields or a list of elements."""
        return unpack(self.described[name], self.bits(name))

    def bits(self, name: str) -> int:
        """Read the bits of a port; a bit that is not 0 or 1 is an error."""
        return bits_of(self._handles[name], name)

    def random_bits(self, name: str, rng: np.random.Generator) -> int:
        """Make random bits of the width of a port."""
        width = self.described[name]["width"]
        return int.from_bytes(rng.bytes((width + 7) // 8), "little") & ((1 << width) - 1)


class Agent(Protocol):
    """Whatever takes part in every cycle."""

    def drive(self, cycle: int) -> None:
        """Set inputs for this cycle."""

    def sample(self, cycle: int) -> None:
        """Look at the settled signals of this cycle."""


class Clock:
    """Clock and reset, one cycle at a time.

    Parameters
    ----------
    dut : HierarchyObject
        The block, with ports ``clk`` and ``rst``.

    Attributes
    ----------
    cycle : int
        Cycles since the last reset.
    agents : list
        Who takes part.
    """

    def __init__(self, dut: HierarchyObject) -> None:
        self._clk: Any = dut.clk
        self._rst: Any = dut.rst
        self.cycle = 0
        self.agents: list[Agent] = []

    async def reset(self) -> None:
        """Reset for two cycles, without agents."""
        self._rst.value = 1
        for _ in range(2):
            await self._edge()
        self._rst.value = 0
        self.cycle = 0

    async def _edge(self) -> None:
        self._clk.value = 0
        await Timer(1, "ns")
        self._clk.value = 1
        await Timer(1, "ns")

    async def step(self, cycles: int = 1) -> None:
        """Let cycles pass."""
        for _ in range(cycles):
            for agent in self.agents:
                agent.drive(self.cycle)
            self._clk.value = 0
            await Timer(1, "ns")
            for agent in self.agents:
                agent.sample(self.cycle)
            self._clk.value = 1
            await Timer(1, "ns")
            self.cycle += 1

    async def until(self, condition: Callable[[], bool], limit: int = 20000) -> None:
        """Let cycles pass until a condition on what the agents sampled holds; fail after `limit` cycles."""
        for _ in range(limit):
            if condition():
                return
            await self.step()
        raise AssertionError(f"still waiting after {limit} cycles")


class Regime(Enum):
    """How streams stall."""

    FLOWING = "flowing"  #: valid and ready in every cycle
    RANDOM = "random"  #: valid and ready in about half of the cycles
    PRESSURE = "pressure"  #: valid in every cycle, long times without ready


def source_pattern(regime: Regime, rng: np.random.Generator) -> Iterator[bool]:
    """Yield for every cycle whether a source may offer something new."""
    while True:
        yield regime is not Regime.RANDOM or bool(rng.random() < 0.5)


def sink_pattern(regime: Regime, rng: np.random.Generator) -> Iterator[bool]:
    """Yield for every cycle whether a sink is ready."""
    while True:
        if regime is Regime.PRESSURE:
            for _ in range(int(rng.integers(5, 25))):
                yield False
            for _ in range(int(rng.integers(1, 4))):
                yield True
        else:
            yield regime is Regime.FLOWING or bool(rng.random() < 0.5)


class StreamSource:
    """Drives ``NAME__valid``, ``NAME__payload`` and signals that are valid with them; noise while not valid.

    An offer stays until it is accepted.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    name : str
        The stream.
    pattern : iterator of bool
        When something new may be offered.
    rng : Generator
        For the noise.
    beside : tuple of str
        Other inputs that belong to every transfer.
    """

    def __init__(
        self,
        ports: Ports,
        name: str,
        pattern: Iterator[bool],
        rng: np.random.Generator,
        beside: tuple[str, ...] = (),
    ) -> None:
        self._ports, self._name, self._rng = ports, name, rng
        self._signals = (f"{name}__payload", *beside)
        self.pattern = pattern
        self._queue: deque[tuple[int, ...]] = deque()
        self._offer: tuple[int, ...] | None = None

    def send(self, payload: Any, **beside: Any) -> None:
        """Queue a transfer: the payload, and by name the values of the signals beside it."""
        values = {self._signals[0]: payload, **beside}
        self._queue.append(tuple(pack(self._ports.described[signal], values[signal]) for signal in self._signals))

    def drop(self, count: int | None = None) -> None:
        """Take back the last transfers that are not offered yet, by default all."""
        for _ in range(len(self._queue) if count is None else count):
            self._queue.pop()

    @property
    def empty(self) -> bool:
        """Whether everything has been accepted."""
        return self._offer is None and not self._queue

    def drive(self, cycle: int) -> None:
        """Offer the next transfer, or noise that is not valid."""
        if self._offer is None and self._queue and next(self.pattern):
            self._offer = self._queue.popleft()
        self._ports.write(f"{self._name}__valid", self._offer is not None)
        bits = self._offer or tuple(self._ports.random_bits(signal, self._rng) for signal in self._signals)
        for signal, value in zip(self._signals, bits, strict=True):
            self._ports.write_bits(signal, value)

    def sample(self, cycle: int) -> None:
        """Notice acceptance."""
        if self._offer is not None and self._ports.bits(f"{self._name}__ready"):
            self._offer = None


class StreamSink:
    """Drives ``NAME__ready``.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    name : str
        The stream.
    pattern : iterator of bool
        When it is ready.
    """

    def __init__(self, ports: Ports, name: str, pattern: Iterator[bool]) -> None:
        self._ports, self._name, self.pattern = ports, name, pattern

    def drive(self, cycle: int) -> None:
        """Be ready, or not."""
        self._ports.write(f"{self._name}__ready", next(self.pattern))

    def sample(self, cycle: int) -> None:
        """Nothing to see: a monitor collects."""


class MemoryPort:
    """A synchronous memory beside the block: answers an address of one cycle in the next.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    address, word : str
        Output with the address and input for the word.
    rng : Generator
        For words at addresses outside the contents.

    Attributes
    ----------
    contents : list
        One value of the port `word` per address.
    offer : Any
        A value that takes the place of an answer, None for none.
    """

    def __init__(self, ports: Ports, address: str, word: str, rng: np.random.Generator) -> None:
        self._ports, self._address, self._word, self._rng = ports, address, word, rng
        self.contents: list[Any] = []
        self.offer: Any = None
        self._next: int | None = None

    def drive(self, cycle: int) -> None:
        """Present the word asked for in the cycle before."""
        if self.offer is not None:
            self._ports.write(self._word, self.offer)
        elif self._next is None or self._next >= len(self.contents):
            self._ports.write_bits(self._word, self._ports.random_bits(self._word, self._rng))
        else:
            self._ports.write(self._word, self.contents[self._next])

    def sample(self, cycle: int) -> None:
        """Take the address."""
        self._next = self._ports.read(self._address)
