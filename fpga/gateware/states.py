"""State machines with one flip-flop per state: LUTs of four inputs do not decode numbers of five bits well."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Signal


class States:
    """A state machine, written like Amaranth's own: states with ``state``, transitions with ``go``.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    names : str
        All states, the first one first.
    """

    def __init__(self, m: Module, *names: str) -> None:
        self._m, self._names = m, names
        self._now = Signal(len(names), init=1, name="state")
        self._next: list[Signal] = []

    @contextmanager
    def state(self, name: str) -> Iterator[None]:
        """Say what is done in a state; without `go` it stays."""
        with self._m.If(self._now[self._names.index(name)]):
            self._next.append(Signal.like(self._now, name=f"next_{name.lower()}", init=0))
            self.go(name)
            yield

    def go(self, name: str) -> None:
        """Change to a state."""
        self._m.d.comb += self._next[-1].eq(1 << self._names.index(name))

    def close(self) -> None:
        """Say that all states are there."""
        if len(self._next) != len(self._names):
            raise ValueError(f"{len(self._names)} states were named, {len(self._next)} written")
        self._m.d.sync += self._now.eq(reduce(or_, self._next))
