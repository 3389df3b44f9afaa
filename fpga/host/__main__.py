"""Boards for whoever has one, and for whoever has none: training over a wire, and simulated far ends of it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import dacite
import typer

from fpga.host import pty_board, train_serial
from fpga.host.board import Board
from fpga.host.driver import DesignError, Driver
from fpga.host.link_server import FarEnd, Server
from fpga.host.ports import PortError
from fpga.host.register_access import MachineError
from fpga.host.training import StateError
from gen import config as configs
from gen import verilog
from golden.bus.transport import LinkError, TransportTimeout
from golden.config import MachineConfig
from golden.fast.machine import quickest
from golden.input_buffer import word_bytes
from golden.run import data
from golden.run.run import CheckpointError, Run
from sim.verilated import Verilated
from sim.verilated_build import BuildError
from sim.verilator import ToolError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

#: Errors that a user can mend; each is one line.
_USER_ERRORS = (
    configs.ConfigError,
    data.DataError,
    CheckpointError,
    BuildError,
    ToolError,
    PortError,
    DesignError,
    StateError,
    MachineError,
    LinkError,
    TransportTimeout,
    train_serial.CutError,
    ValueError,
    OSError,
)

_Design = Annotated[Path, typer.Option(help="Folder with the manifest.json of the board's design.")]
_Port = Annotated[str, typer.Option(help="/dev/ttyUSB0 or the like, or tcp:HOST:PORT.")]
_Baud = Annotated[int, typer.Option(help="Of the serial line; 0 for that of the board's design, for sim 1000000.")]
_Quick = Annotated[bool, typer.Option("--quick", help="Compile quickly instead of for speed.")]


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "manifest.json").read_text())
    except ValueError:
        raise ValueError(f"{folder}/manifest.json is no manifest: give the folder of a generated design") from None


def _trouble(noise: str, pull: str) -> pty_board.Trouble:
    """Read SEED/RATE and BYTES/SECONDS."""

    def numbers(name: str, text: str, high: float) -> tuple[int, float]:
        first, _, second = text.partition("/")
        try:
            found = int(first), float(second)
        except ValueError:
            raise ValueError(f"{name} must be two numbers with / between, not {text!r}") from None
        if found[0] < 0 or not 0 <= found[1] <= high:
            raise ValueError(f"{name} must be a whole number >= 0 and a number 0 .. {high:g}, not {text}")
        return found

    return pty_board.Trouble(*numbers("--noise", noise, 0.3), *numbers("--pull", pull, 3600))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Generated Verilog, for example build/verilog/digits.")],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at, 0 for a free one.")] = 0,
    quick: _Quick = False,
) -> None:
    """Serve a Verilated machine over TCP until Ctrl-C."""
    group = _manifest(folder)["config"]["array"]["group"]
    machine = Verilated(folder, quick=quick)
    server = Server(FarEnd(machine, word_bytes(group)), host, port)
    print("listening at {}:{}".format(*server.address), flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        machine.close()


@app.command()
def board(
    folder: Annotated[Path, typer.Argument(help="Generated Verilog of a board.")],
    port: Annotated[Path, typer.Option(help="Name that the serial port gets.")] = Path("build/board"),
    noise: Annotated[str, typer.Option(help="SEED/RATE: chance per byte of a flip, a loss, an addition.")] = "1/0",
    pull: Annotated[str, typer.Option(help="BYTES/SECONDS: when to pull the cable, and for how long.")] = "0/0",
    attached: Annotated[bool, typer.Option("--attached", help="End when standard input does.")] = False,
    quick: _Quick = False,
) -> None:
    """Simulate a board with the pins of its serial line until Ctrl-C; programs find it at a serial port."""
    port.parent.mkdir(parents=True, exist_ok=True)
    trouble = _trouble(noise, pull)
    counts = pty_board.serve(Board(folder, quick=quick), port, trouble, attached=attached)
    print(json.dumps(counts))


@app.command()
def train(
    port: Annotated[str, typer.Option(help="As above; or sim, for a board that is simulated.")],
    design: Annotated[Path | None, typer.Option(help="Folder with the board's manifest.json; not for sim.")] = None,
    dataset: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    config: Annotated[str, typer.Option(help="Of a simulated board; by default that of the data set.")] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Folder with the data set's original files.")] = None,
    samples: Annotated[int, typer.Option(help="Training samples, the first ones; 0 for all.")] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over them; 0 for the configuration's.")] = 0,
    seed: Annotated[int, typer.Option(help="Of a simulated board; 0 for the configuration's.")] = 0,
    baud: _Baud = 0,
    clock: Annotated[float, typer.Option(help="Clock of a simulated board, Hz.")] = 24e6,
    patience: Annotated[float, typer.Option(help="How long the board may be gone, s.")] = 30.0,
    repeat: Annotated[float, typer.Option(help="How long to wait before asking once more, s.")] = 0.2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the board stands.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Go on with a board that has lost its state.")] = False,
    noise: Annotated[str, typer.Option(help="Of a simulated board, see the command board.")] = "1/0",
    pull: Annotated[str, typer.Option(help="Of a simulated board, see the command board.")] = "0/0",
    quick: _Quick = False,
    build: Annotated[Path, typer.Option(help="Folder for everything that is made.")] = Path("build"),
) -> None:
    """Train a board over its serial line, the golden machine beside it; write build/reports/wire.json."""
    if (port == train_serial.SIM) == (design is not None):
        raise ValueError("--design is for a real board, which needs it; --port sim makes its own")
    _trouble(noise, pull)
    options = ("--noise", noise, "--pull", pull, *["--quick"] * quick) if port == train_serial.SIM else ()
    title, loaded = configs.title(config or dataset), data.load(dataset, data_dir)
    way = train_serial.Wire(
        port, train_serial.speed(baud, _manifest(design) if design else {}), clock, patience, repeat, options
    )
    if design is None:
        machine = train_serial.seeded(configs.load(config or dataset), seed)
        folder = build / "fpga" / "sim" / title
        manifest = train_serial.design(machine, title, way, folder)
    else:
        folder, manifest = design, _manifest(design)
        machine = dacite.from_dict(MachineConfig, manifest["config"], dacite.Config(strict=True, cast=[tuple]))
        title = manifest["name"]
    run = Run(machine, loaded, samples, epochs or machine.training.epochs, quickest(machine))
    checkpoint = build / "wire" / f"{dataset}-{title}" / "checkpoint.npz"
    outcome = train_serial.train(run, manifest, way, folder, checkpoint, resume=resume, reload=reload)
    found = {"dataset": dataset} | train_serial.report(run, way, title, outcome)
    verilog.write({"wire.json": json.dumps(found, indent=1) + "\n"}, build / "reports")
    if not found["bit_exact"]:
        sys.exit(f"board and golden model differ: {found['mismatch']}")
    print(
        f"{dataset} on {title} over {port}: test accuracy {found['test_accuracy']:.4f}, bit_exact, "
        f"{found['compared_values']} values compared, {found['bytes_sent'] + found['bytes_received']} bytes, "
        f"{found['retries']} retries, {found['wall_seconds']:.0f} s; {build}/reports/wire.json"
    )


@app.command()
def status(port: _Port, design: _Design, baud: _Baud = 0) -> None:
    """Show what a board is and what it has done. Ends no command, but takes the line from another program."""
    manifest = _manifest(design)
    with train_serial.Wire(port, train_serial.speed(baud, manifest), patience=5.0).open(design) as (link, _):
        driver = Driver(link, manifest)
        print(f"design {driver.read('DESIGN'):#x}, words of {link.word} bytes, busy {driver.read('STATUS.BUSY')}")
        for name, count in driver.counters().items():
            print(f"{name:24} {count}")


def main() -> None:
    """Run the command line; an error that the user can mend is one line."""
    try:
        app()
    except _USER_ERRORS as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
