"""AXI4-Lite in tests: masters of cocotbext-axi that stall as the streams do, and a monitor of the protocol."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from cocotb.handle import HierarchyObject
from cocotbext.axi.axil_channels import (
    AxiLiteARBus,
    AxiLiteARSource,
    AxiLiteARTransaction,
    AxiLiteAWBus,
    AxiLiteAWSource,
    AxiLiteAWTransaction,
    AxiLiteBBus,
    AxiLiteBSink,
    AxiLiteRBus,
    AxiLiteRSink,
    AxiLiteWBus,
    AxiLiteWSource,
    AxiLiteWTransaction,
)

from sim.drivers import Ports, Regime, sink_pattern, source_pattern
from sim.monitors import Transfer

#: Channel -> what belongs to a transfer, besides the handshake.
CHANNELS = {
    "aw": ("awaddr", "awprot"),
    "w": ("wdata", "wstrb"),
    "b": ("bresp",),
    "ar": ("araddr", "arprot"),
    "r": ("rdata", "rresp"),
}
#: Responses.
OKAY, SLVERR = 0, 2


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what cocotb 2 says about cocotbext-axi, which sets first values in the manner of cocotb 1."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Use `handle", DeprecationWarning)
        yield


class AxiLiteChannels:
    """Sources and sinks of cocotbext-axi on the five channels, each stalling by itself.

    Its own master takes whole accesses and makes the strobes; here every transfer is the test's.

    Parameters
    ----------
    dut : HierarchyObject
        The block.
    regime : Regime
        How they stall.
    rng : Generator
        For the stalls.
    prefix : str
        Name of the bus.

    Attributes
    ----------
    aw, w, b, ar, r
        The channels.
    """

    def __init__(self, dut: HierarchyObject, regime: Regime, rng: np.random.Generator, prefix: str = "s_axi") -> None:
        with quiet():
            self.aw = AxiLiteAWSource(AxiLiteAWBus.from_prefix(dut, prefix), dut.clk)
            self.w = AxiLiteWSource(AxiLiteWBus.from_prefix(dut, prefix), dut.clk)
            self.b = AxiLiteBSink(AxiLiteBBus.from_prefix(dut, prefix), dut.clk)
            self.ar = AxiLiteARSource(AxiLiteARBus.from_prefix(dut, prefix), dut.clk)
            self.r = AxiLiteRSink(AxiLiteRBus.from_prefix(dut, prefix), dut.clk)
        if regime is not Regime.FLOWING:
            for source in (self.aw, self.w, self.ar):
                source.set_pause_generator(not go for go in source_pattern(regime, rng))
            for sink in (self.b, self.r):
                sink.set_pause_generator(not go for go in sink_pattern(regime, rng))

    def write(self, address: int, data: int, strobes: int = 0xF, prot: int = 0) -> None:
        """Queue the address and the data of a write."""
        self.aw.send_nowait(AxiLiteAWTransaction(awaddr=address, awprot=prot))
        self.w.send_nowait(AxiLiteWTransaction(wdata=data, wstrb=strobes))

    def read(self, address: int, prot: int = 0) -> None:
        """Queue the address of a read."""
        self.ar.send_nowait(AxiLiteARTransaction(araddr=address, arprot=prot))


class AxiLiteMonitor:
    """Collects the transfers of all channels and checks the rules of the protocol.

    An offer stays, unchanged, until it is taken; a response comes after what it responds to, and says OKAY or SLVERR.

    Parameters
    ----------
    ports : Ports
        The block's ports.
    prefix : str
        Name of the bus.

    Attributes
    ----------
    transfers : dict of str to list of Transfer
        Channel -> transfers, the value a tuple in the order of `CHANNELS`.
    offered : dict of str to list of int
        Channel -> first cycle in which a transfer was valid.
    """

    def __init__(self, ports: Ports, prefix: str = "s_axi") -> None:
        self._ports, self._prefix = ports, prefix
        self.transfers: dict[str, list[Transfer]] = {channel: [] for channel in CHANNELS}
        self.offered: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
        self._held: dict[str, tuple[int, tuple[int, ...]]] = {}

    def values(self, channel: str) -> list[Any]:
        """Values of the transfers of a channel; of a single one where a transfer has but one."""
        values = [transfer.value for transfer in self.transfers[channel]]
        return [value[0] for value in values] if len(CHANNELS[channel]) == 1 else values

    def drive(self, cycle: int) -> None:
        """Nothing to drive."""

    def sample(self, cycle: int) -> None:
        """Look at all channels."""
        done = {channel: len(transfers) for channel, transfers in self.transfers.items()}
        for channel, signals in CHANNELS.items():
            valid, ready = (self._bits(channel + part) for part in ("valid", "ready"))
            where = f"cycle {cycle}: channel {channel}"
            if not valid:
                assert channel not in self._held, f"{where} withdrew an offer before it was taken"
                continue
            payload = tuple(self._bits(signal) for signal in signals)
            first, held = self._held.setdefault(channel, (cycle, payload))
            assert payload == held, f"{where} changed an offer before it was taken"
            if channel in ("b", "r"):
                asked = min(done["aw"], done["w"]) if channel == "b" else done["ar"]
                assert len(self.transfers[channel]) < asked, f"{where} responds to nothing"
                assert payload[-1] in (OKAY, SLVERR), f"{where} responds {payload[-1]}"
            if ready:
                self.transfers[channel].append(Transfer(cycle, payload))
                self.offered[channel].append(first)
                del self._held[channel]

    def _bits(self, signal: str) -> int:
        return self._ports.bits(f"{self._prefix}_{signal}")
