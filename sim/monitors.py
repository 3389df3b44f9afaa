"""Monitors: what passed through a stream or over a set of signals, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.drivers import Ports


@dataclass(frozen=True)
class Transfer:
    """What was seen in one cycle.

    Attributes
    ----------
    cycle : int
        The cycle.
    value : Any
        Payload of a stream, or a dict of signals.
    """

    cycle: int
    value: Any


class StreamMonitor:
    """Collects accepted transfers; checks that an offer stays, unchanged, until it is accepted.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    name : str
        The stream.

    Attributes
    ----------
    transfers : list of Transfer
        Accepted transfers.
    offered : list of int
        For every accepted transfer the first cycle in which it was valid.
    """

    def __init__(self, ports: Ports, name: str) -> None:
        self._ports, self._name = ports, name
        self.transfers: list[Transfer] = []
        self.offered: list[int] = []
        self._held: tuple[int, int] | None = None

    @property
    def values(self) -> list[Any]:
        """Payloads of all transfers."""
        return [transfer.value for transfer in self.transfers]

    @property
    def cycles(self) -> list[int]:
        """Cycles of all transfers."""
        return [transfer.cycle for transfer in self.transfers]

    def clear(self) -> None:
        """Forget all transfers."""
        self.transfers, self.offered = [], []

    def drive(self, cycle: int) -> None:
        """Nothing to drive."""

    def sample(self, cycle: int) -> None:
        """Look at valid, ready and payload."""
        name, ports = self._name, self._ports
        valid, ready = ports.bits(f"{name}__valid"), ports.bits(f"{name}__ready")
        if not valid:
            assert self._held is None, f"cycle {cycle}: {name} withdrew an offer before it was accepted"
            return
        payload = ports.bits(f"{name}__payload")
        if self._held is None:
            self._held = (cycle, payload)
        assert payload == self._held[1], f"cycle {cycle}: {name} changed its payload before it was accepted"
        if ready:
            self.transfers.append(Transfer(cycle, ports.read(f"{name}__payload")))
            self.offered.append(self._held[0])
            self._held = None


class Watch:
    """Collects values of signals in the cycles in which a condition holds.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    when : str or callable
        A one-bit port, or a condition.
    signals : str
        What to collect.

    Attributes
    ----------
    seen : list of Transfer
        One entry per such cycle, with a dict of the signals.
    """

    def __init__(self, ports: Ports, when: str | Callable[[], bool], *signals: str) -> None:
        self._ports, self._signals = ports, signals
        self._when = when if callable(when) else lambda: bool(ports.bits(when))
        self.seen: list[Transfer] = []

    def drive(self, cycle: int) -> None:
        """Nothing to drive."""

    def sample(self, cycle: int) -> None:
        """Collect."""
        if self._when():
            self.seen.append(Transfer(cycle, {signal: self._ports.read(signal) for signal in self._signals}))
