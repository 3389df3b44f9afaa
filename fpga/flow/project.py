"""What goes into a bitstream: Verilog of the machine, its place on a board, constraints."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from fpga.flow.boards import Board, BoardError
from fpga.flow.clocks import Setting, pll, setting
from fpga.flow.tools import Tools
from fpga.gateware.verilog import BOARD, board_files
from golden.config import MachineConfig

#: Module around `BOARD` that has the pins.
TOP = "mtj_gxnor_fpga"
#: Ending of the constraint file and of the bitstream.
CONSTRAINTS = {"ice40": "pcf", "ecp5": "lpf", "gowin": "cst"}
BITSTREAM = {"ice40": "bin", "ecp5": "bit", "gowin": "fs"}
#: Modules whose area grows with the lanes. They are synthesized each by itself, so that their cells can be counted,
#: and dissolved before place and route.
LANES = {
    "mtj_gxnor_array": "machine.array",
    **{f"mtj_gxnor_periphery_{name}": f"machine.periphery.{name}" for name in ("gradient_memory", "update_unit")},
    "mtj_gxnor_periphery_column_driver": "machine.periphery.column_driver",
}
#: Clock cycles of reset after the PLL has locked: block RAM of iCE40 wants some microseconds after configuration.
_RESET = 1 << 10


@dataclass(frozen=True)
class Project:
    """Everything that decides a bitstream, but for the tools.

    Attributes
    ----------
    name : str
        Names its folder and its report.
    board : Board
        The board.
    config : MachineConfig
        The machine.
    files : dict of str to str
        File name -> content: Verilog, ``files.f`` that lists it, the top level in Yosys's own language, constraints.
    mhz : float
        Clock of the machine.
    pins : dict of str to str
        Ports of `TOP`: ``clock``, ``rx``, ``tx``.
    """

    name: str
    board: Board
    config: MachineConfig
    files: Mapping[str, str]
    mhz: float
    pins: Mapping[str, str]

    @property
    def verilog(self) -> list[str]:
        """Verilog files, in the order in which tools read them."""
        return self.files["files.f"].split()

    @property
    def constraints(self) -> str:
        """Name of the constraint file."""
        return f"{TOP}.{CONSTRAINTS[self.board.family]}"

    @property
    def bitstream(self) -> str:
        """Name of the bitstream."""
        return f"{self.name}.{BITSTREAM[self.board.family]}"

    @property
    def design(self) -> str:
        """Digest of the files that are synthesized and of the constraints."""
        return _digest({name: self.files[name] for name in [*self.verilog, f"{TOP}.il", self.constraints]})

    def identity(self, tools: Tools) -> str:
        """Digest of all that decides the bytes of the bitstream."""
        options = [
            self.board.synthesis,
            self.board.mapping_ps,
            self.board.floor and self.board.floor.way,
            self.board.place,
            self.board.pack,
            sorted(LANES),
            self.board.seeds,
            self.mhz,
        ]
        return _digest([self.design, tools.versions, options])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class _Top(Elaboratable):
    """Pins, clock and reset of a board around the machine."""

    def __init__(self, family: str, made: Setting) -> None:
        self._family, self._made = family, made

    def elaborate(self, platform: Any) -> Module:
        """Build the block."""
        m = Module()
        pad = platform.request(platform.default_clk, dir="-")
        lines = platform.lookup("uart").ios
        uart = platform.request("uart", dir={line.name: "-" for line in lines})
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        clock = pad.io
        if self._family != "ice40":
            m.submodules.clock = buffer = io.Buffer(io.Direction.Input, pad)
            clock = buffer.i

        locked, count = Signal(name="locked"), Signal(range(_RESET), name="count")
        m.domains.sync = ClockDomain("sync")
        m.domains.start = ClockDomain("start")
        source = platform.default_clk_frequency / 1e6
        m.submodules.pll = pll(self._family, self._made, clock, source, ClockSignal("start"), locked)
        m.submodules.unlocked = ResetSynchronizer(~locked, domain="start")
        running = Signal(name="running")
        with m.If(~running):
            m.d.start += [count.eq(count + 1), running.eq(count == _RESET - 1)]
        m.d.comb += [ClockSignal("sync").eq(ClockSignal("start")), ResetSignal("sync").eq(~running)]
        m.submodules.board = Instance(BOARD, i_clk=ClockSignal("sync"), i_rst=ResetSignal("sync"), i_rx=rx.i, o_tx=tx.o)
        return m


def project(name: str, board: Board, config: MachineConfig, title: str) -> Project:
    """Generate everything for a board.

    Parameters
    ----------
    name : str
        Names its folder and its report.
    board : Board
        The board.
    config : MachineConfig
        The machine.
    title : str
        Name of that configuration.

    Returns
    -------
    Project
        The same files for the same arguments, on every checkout.

    Raises
    ------
    fpga.flow.clocks.ClockError
        If the board's PLL does not make that clock.
    fpga.flow.boards.BoardError
        If that clock does not make the baud of the serial line.
    """
    platform = board.platform()
    platform.add_resources(board.resources)
    made = setting(board.family, platform.default_clk_frequency / 1e6, board.target_mhz)
    # the platform writes its own constraint file; its command lines, for native tools alone, are not used
    plan = platform.prepare(_Top(board.family, made), TOP, emit_src=False)
    own = {f"{TOP}.il", f"{TOP}.{CONSTRAINTS[board.family]}"}
    files = {file: _text(content) for file, content in plan.files.items() if file in own}
    try:
        verilog = board_files(config, title, made.mhz * 1e6, board.baud)
    except ValueError as error:
        raise BoardError(f"{name}: {error}") from error
    # as Amaranth names them
    pins = {"clock": f"{platform.default_clk}_0__io", "rx": "uart_0__rx__io", "tx": "uart_0__tx__io"}
    return Project(name, board, config, verilog | files, made.mhz, pins)


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()
