"""A Verilated machine for hosts that reach it over TCP, as they would reach an FPGA over a serial line.

A host connects with ``Driver(Link(tcp("127.0.0.1", port)), manifest)``.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from fpga.host.bridge import FarEnd, Server
from fpga.host.models import BuildError
from fpga.host.verilated import Verilated
from gen.verilator import ToolError
from golden.input_buffer import word_bytes


def main(
    folder: Annotated[Path, typer.Argument(help="Generated Verilog, for example build/verilog/digits.")],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at, 0 for a free one.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Compile quickly instead of for speed.")] = False,
) -> None:
    """Serve a Verilated machine over TCP until Ctrl-C."""
    try:
        group = json.loads((folder / "manifest.json").read_text())["config"]["array"]["group"]
        machine = Verilated(folder, quick=quick)
        server = Server(FarEnd(machine, word_bytes(group)), host, port)
    except (BuildError, ToolError, OSError) as error:
        sys.exit(f"error: {error}")
    print("listening at {}:{}".format(*server.address), flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        machine.close()


if __name__ == "__main__":
    typer.run(main)
