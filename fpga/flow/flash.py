"""Loads a bitstream into a board, over its USB cable."""

import shutil
import subprocess
import sys
from pathlib import Path

from fpga.flow.boards import Board
from fpga.flow.project import BITSTREAM
from fpga.flow.tools import FlowError, packaged

#: What openFPGALoader says when there is no board, and when it has no library to look for one.
_ABSENT = ("not found", "unable to open", "no usb device", "failed to claim", "no dfu")
_LIBRARY = "error while loading shared libraries"


def flash(name: str, board: Board, builds: Path) -> None:
    """Load the bitstream of a board into its FPGA, where it stays until power goes.

    Parameters
    ----------
    name : str
        Name of the build.
    board : Board
        The board.
    builds : Path
        Folder under which builds are.

    Raises
    ------
    FlowError
        If there is no bitstream, no board, or the loading fails.
    """
    bitstream = builds / name / f"{name}.{BITSTREAM[board.family]}"
    if not bitstream.is_file():
        raise FlowError(f"{bitstream} is missing: mtj-gxnor bitstream --board {name} makes it")
    # a loader on PATH knows the system's libraries best
    native = shutil.which("openFPGALoader")
    command = (native,) if native else packaged("openfpgaloader-cli", "openfpgaloader").command
    process = subprocess.Popen(
        [*command, "-b", board.loader, str(bitstream)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        sys.stderr.write(line)
        lines.append(line.strip())
    if process.wait() == 0:
        return
    said = " ".join(lines).lower()
    if _LIBRARY in said:
        raise FlowError("openFPGALoader lacks its USB libraries: apt-get install libusb-1.0-0 libftdi1-2")
    if any(sign in said for sign in _ABSENT):
        raise FlowError(f"no {board.title} is connected, or you may not open it: check its USB cable and udev rules")
    raise FlowError(f"openFPGALoader failed: {lines[-1] if lines else 'it said nothing'}")
