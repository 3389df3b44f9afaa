"""From a configuration to the Verilog of a whole board design, vendor primitives excepted."""

import json
from pathlib import Path

from fpga.gateware.top import Top
from fpga.gateware.uart import divider
from gen import generated, manifest, verilog
from golden.config import MachineConfig
from golden.input_buffer import word_bytes

#: Verilog name of the module with the machine and the responder on its serial line, and its file.
BOARD, FILE = "mtj_gxnor_board", "board.v"


def board_files(config: MachineConfig, title: str, clock_hz: float, baud: int) -> dict[str, str]:
    """Generate a machine with the responder on its serial line.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    title : str
        Name of the configuration.
    clock_hz : float
        Frequency of the clock.
    baud : int
        Of the serial line.

    Returns
    -------
    dict of str to str
        File name -> content: those of `gen.verilog.machine_files` and ``board.v`` with the module `BOARD`; ``files.f``
        lists it too, and ``manifest.json`` has its ports and ``line``: clock in Hz, baud, clock cycles of a bit.

    Raises
    ------
    ValueError
        If the clock does not give that baud.
    """
    top = Top(word_bytes(config.array.group), verilog.AXI, clock_hz, baud)
    files = generated.machine(config, title)
    files[FILE] = verilog.convert(top, BOARD)
    files["files.f"] += f"{FILE}\n"
    content = json.loads(files["manifest.json"])
    content["modules"][BOARD] = {"file": FILE, "ports": manifest.ports(top)}
    content["line"] = {"clock_hz": clock_hz, "baud": baud, "bit_cycles": divider(clock_hz, baud)}
    del files["manifest.json"]
    content["sha256"] = manifest.digest(files)
    return files | {"manifest.json": json.dumps(content, indent=1) + "\n"}


def write(config: MachineConfig, title: str, clock_hz: float, baud: int, folder: Path) -> bool:
    """Write the files of `board_files` that differ from what is in a folder; say whether any did."""
    return verilog.write(board_files(config, title, clock_hz, baud), folder)
