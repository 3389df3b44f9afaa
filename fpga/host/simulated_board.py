"""A simulated board in this process: Verilated Verilog down to the pins of its serial line."""

import ctypes
import json
from pathlib import Path

from sim.verilated import BUILDS, library

#: Module that the shim is written for.
TOP = "mtj_gxnor_board"

_SHIM = Path(__file__).with_name("simulated_board.cpp")
_FUNCTIONS = {
    "new": (ctypes.c_void_p, [ctypes.c_double]),
    "delete": (None, [ctypes.c_void_p]),
    "reset": (None, [ctypes.c_void_p]),
    "cycles": (ctypes.c_uint64, [ctypes.c_void_p]),
    "violations": (ctypes.c_uint64, [ctypes.c_void_p]),
    "send": (None, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64]),
    "run": (ctypes.c_uint64, [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]),
    "take": (None, [ctypes.c_void_p, ctypes.c_char_p]),
}
#: How long the line is idle before bytes that have come are given at once, bits.
_IDLE = 12


class SimulatedBoard:
    """A board whose clock runs only in `run`.

    Parameters
    ----------
    folder : Path
        Output of `fpga.gateware.verilog.write`.
    builds : Path
        Folder under which models are kept.
    quick : bool
        Compile quickly instead of for speed.
    off : float
        How much longer than the board's a bit of this end is, as a part of it.
    """

    def __init__(self, folder: Path, builds: Path = BUILDS, *, quick: bool = False, off: float = 0.0) -> None:
        line = json.loads((folder / "manifest.json").read_text())["line"]
        self._bit = line["bit_cycles"] * (1 + off)
        self._library = ctypes.CDLL(str(library(folder, TOP, _SHIM, builds, quick=quick)))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, f"board_{name}")
            function.restype, function.argtypes = result, arguments
        self._board = self._library.board_new(self._bit)

    @property
    def cycles(self) -> int:
        """Clock cycles so far."""
        return self._library.board_cycles(self._board)

    @property
    def violations(self) -> int:
        """Bytes from the board that had no start or stop bit."""
        return self._library.board_violations(self._board)

    def reset(self) -> None:
        """Pulse the reset input."""
        self._library.board_reset(self._board)

    def send(self, data: bytes) -> None:
        """Put bytes on the line to the board, behind those that are not there yet."""
        self._library.board_send(self._board, data, len(data))

    def run(self, cycles: int) -> bytes:
        """Let the clock run, for less time when bytes have come and no more follow; give these bytes."""
        data = ctypes.create_string_buffer(self._library.board_run(self._board, cycles, int(_IDLE * self._bit)))
        self._library.board_take(self._board, data)
        return data.raw

    def close(self) -> None:
        """Free the model."""
        self._library.board_delete(self._board)
