"""A machine in a cocotb simulation: a transport for a driver that runs beside the test bench.

The driver is ordinary code that waits; in a simulation it runs in a thread of its own::

    transport = Cosimulated(dut, word)
    await cocotb.task.bridge(lambda: Driver(transport, manifest).initialise())()
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.task import resume
from cocotb.triggers import FallingEdge

from golden.bus.transport import BusError, TransportTimeout

#: Clock cycles that every call of `wait` lets pass, and most for a register access.
_MOMENT, _ACCESS = 64, 10_000
_OKAY = 0


class Cosimulated:
    """A transport to the ports of `mtj_gxnor_axi` in a simulation, of which the test bench runs clock and reset.

    Ports are read and set at the falling edge of the clock: none of the block's outputs depends on an input of the
    same channel, so what is seen then holds at the rising edge.

    Parameters
    ----------
    dut : HierarchyObject
        The block.
    word : int
        Bytes of a stream word.
    """

    def __init__(self, dut: HierarchyObject, word: int) -> None:
        self._dut: Any = dut
        self._word = word
        self._input: deque[tuple[int, bool]] = deque()
        self._output = bytearray()
        for name in ("aw", "w", "ar"):
            getattr(self._dut, f"s_axi_{name}valid").value = 0
        for name in ("s_axi_awprot", "s_axi_arprot", "s_axis_tvalid", "s_axis_tlast"):
            getattr(self._dut, name).value = 0
        for name in ("s_axi_bready", "s_axi_rready", "m_axis_tready"):
            getattr(self._dut, name).value = 1
        self._streams = cocotb.start_soon(self._move())

    async def _move(self) -> None:
        """Give and take stream words, cycle by cycle."""
        dut, offered = self._dut, False
        while True:
            await FallingEdge(dut.clk)
            if not offered and self._input:
                word, last = self._input[0]
                dut.s_axis_tdata.value, dut.s_axis_tlast.value = word, last
                offered = True
            dut.s_axis_tvalid.value = offered
            if offered and int(dut.s_axis_tready.value):
                # taken at the coming edge
                offered = False
                if self._input:
                    self._input.popleft()
            if int(dut.m_axis_tvalid.value):
                self._output += int(dut.m_axis_tdata.value).to_bytes(self._word, "little")

    async def _access(self, address: int, channels: dict[str, dict[str, int]], answer: str) -> int:
        """Offer transfers on channels, then wait for a response; return its data, raise what it says."""
        dut, left = self._dut, dict(channels)
        for _ in range(_ACCESS):
            await FallingEdge(dut.clk)
            for name in channels:
                getattr(dut, f"s_axi_{name}valid").value = name in left
            for name, values in list(left.items()):
                for port, value in values.items():
                    getattr(dut, f"s_axi_{port}").value = value
                if int(getattr(dut, f"s_axi_{name}ready").value):
                    del left[name]
            if int(getattr(dut, f"s_axi_{answer}valid").value):
                response = int(getattr(dut, f"s_axi_{answer}resp").value)
                if response != _OKAY:
                    raise BusError("read" if answer == "r" else "write", address)
                return int(dut.s_axi_rdata.value) if answer == "r" else 0
        raise TransportTimeout(f"no answer to an access in {_ACCESS} cycles")

    @resume
    async def read(self, address: int) -> int:
        """Read a register word."""
        return await self._access(address, {"ar": {"araddr": address}}, "r")

    @resume
    async def write(self, address: int, value: int, strobes: int = 0b1111) -> None:
        """Write a register word."""
        await self._access(address, {"aw": {"awaddr": address}, "w": {"wdata": value, "wstrb": strobes}}, "b")

    def send(self, packets: Sequence[bytes]) -> None:
        """Put packets into the buffer."""
        for packet in packets:
            if not packet or len(packet) % self._word:
                raise ValueError(f"a packet of {len(packet)} bytes is not one of whole words of {self._word} bytes")
        size = self._word
        for packet in packets:
            words = [int.from_bytes(packet[at : at + size], "little") for at in range(0, len(packet), size)]
            self._input.extend((word, at == len(words) - 1) for at, word in enumerate(words))

    @resume
    async def receive(self, size: int, timeout: float) -> bytes:
        """Take output words."""
        until = time.monotonic() + timeout
        while len(self._output) < size:
            if time.monotonic() >= until:
                raise TransportTimeout(f"{len(self._output)} of {size} bytes of output after {timeout:g} s")
            await FallingEdge(self._dut.clk)
        data = bytes(self._output[:size])
        del self._output[:size]
        return data

    @resume
    async def wait(self, timeout: float) -> bool:
        """Wait until the interrupt is high."""
        until = time.monotonic() + timeout
        for _ in range(_MOMENT):
            await FallingEdge(self._dut.clk)
        while not int(self._dut.irq.value) and time.monotonic() < until:
            await FallingEdge(self._dut.clk)
        return bool(int(self._dut.irq.value))

    def unsent(self) -> int:
        """Bytes that the machine has not taken."""
        return len(self._input) * self._word

    def received(self) -> int:
        """Bytes of output that are here."""
        return len(self._output)

    def discard(self) -> None:
        """Empty both buffers."""
        self._input.clear()
        self._output.clear()

    def close(self) -> None:
        """Take no further part in the simulation."""
        self._streams.cancel()
