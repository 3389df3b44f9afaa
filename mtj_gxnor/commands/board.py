"""``mtj-gxnor board``: training on a board or a simulated board, and machines for other programs."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fpga.host import pty_board, train_serial
from fpga.host.driver import Driver
from fpga.host.link_server import LinkServer, LinkServerEnd
from fpga.host.simulated_board import SimulatedBoard
from gen import config as configs
from golden.config import seeded
from golden.fast.machine import quickest
from golden.input_buffer import word_bytes
from golden.lib.lock import locked
from golden.run import data
from golden.run.run import Run
from golden.run.session import Session
from mtj_gxnor.commands.options import BUILD, Build, DataDir, Epochs, Quick, Samples, Seed
from sim import manifest_reader, run_report
from sim.verilated import Verilated

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_Design = Annotated[Path, typer.Option(help="Folder with the manifest.json of the board's design.")]
_Port = Annotated[str, typer.Option(help="/dev/ttyUSB0 or the like, or tcp:HOST:PORT.")]
_Baud = Annotated[int, typer.Option(help="Baud of the serial line; 0 for that of the design, for sim 1000000.")]


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
    quick: Quick = False,
) -> None:
    """Serve a Verilated machine over TCP until Ctrl-C."""
    group = _manifest(folder)["config"]["array"]["group"]
    machine = Verilated(folder, quick=quick)
    server = LinkServer(LinkServerEnd(machine, word_bytes(group)), host, port)
    print("listening at {}:{}".format(*server.address), flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        machine.close()


@app.command(short_help="Simulate a board at a serial port until Ctrl-C.")
def simulate(
    folder: Annotated[Path, typer.Argument(help="Generated Verilog of a board.")],
    port: Annotated[Path, typer.Option(help="Name that the serial port gets.")] = Path("build/board"),
    noise: Annotated[str, typer.Option(help="SEED/RATE: chance per byte of a flip, a loss, an addition.")] = "1/0",
    pull: Annotated[str, typer.Option(help="BYTES/SECONDS: when to pull the cable, and for how long.")] = "0/0",
    quick: Quick = False,
) -> None:
    """Simulate a board with the pins of its serial line until Ctrl-C; programs find it at a serial port."""
    port.parent.mkdir(parents=True, exist_ok=True)
    counts = pty_board.serve(SimulatedBoard(folder, quick=quick), port, _trouble(noise, pull))
    print(json.dumps(counts))


@app.command(short_help="Train a board over its serial line.")
def train(
    port: Annotated[str, typer.Option(help="As of board status; or sim, for a simulated board.")] = train_serial.SIM,
    design: Annotated[Path | None, typer.Option(help="Folder with the board's manifest.json; not for sim.")] = None,
    dataset: Annotated[str, typer.Option(help="digits or mnist.")] = "digits",
    config: Annotated[str, typer.Option(help="Of a simulated board; by default the data set's.")] = "",
    data_dir: DataDir = None,
    samples: Samples = 0,
    epochs: Epochs = 0,
    seed: Seed = 0,
    baud: _Baud = 0,
    clock: Annotated[float, typer.Option(help="Clock of a simulated board, Hz.")] = 24e6,
    patience: Annotated[float, typer.Option(help="How long the board may be gone, s.")] = 30.0,
    repeat: Annotated[float, typer.Option(help="How long to wait before asking once more, s.")] = 0.2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the board stands.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Go on with a board that has lost its state.")] = False,
    noise: Annotated[str, typer.Option(help="Of a simulated board, as of board simulate.")] = "1/0",
    pull: Annotated[str, typer.Option(help="Of a simulated board, as of board simulate.")] = "0/0",
    quick: Quick = False,
    build: Build = BUILD,
) -> None:
    """Train a board over its serial line, the golden machine beside it; write build/reports/board.json."""
    if (port == train_serial.SIM) == (design is not None):
        raise ValueError("--design is for a real board, which needs it; --port sim makes its own")
    trouble = _trouble(noise, pull)
    manifest = _manifest(design) if design else {}
    loaded = data.load(dataset, data_dir)
    line = train_serial.SerialBoard(
        port, train_serial.speed(baud, manifest), clock, patience, repeat, trouble, quick=quick
    )
    if design is None:
        title = configs.title(config or dataset)
        machine = seeded(configs.load(config or dataset), seed)
        folder = build / "fpga" / "sim" / title
        manifest = train_serial.design(machine, title, line, folder)
    else:
        folder, machine, title = design, manifest_reader.config(manifest), manifest["name"]
    run = Run(machine, loaded, samples, epochs or machine.training.epochs, quickest())
    work = build / "train" / f"{dataset}-{title}-serial"
    with locked(work):
        if resume or reload:
            run.check(work / "checkpoint.npz")
        with line.open(folder) as (link, simulated):
            backend = train_serial.SerialBackend(link, manifest, run, reload=reload)
            outcome = Session(run, backend, work / "checkpoint.npz", resume=resume or reload).train()
            word_bytes_ = link.word
    details: dict[str, Any] = {"dataset": dataset, "config": title, "transport": "serial", "port": port}
    details |= {"baud": line.baud, "word_bytes": word_bytes_}
    if simulated:
        details |= {"clock_hz": clock, "noise": noise, "pull": pull, "board": simulated.counts}
    report = run_report.report(run, outcome, **details)
    run_report.write(run, report, build / "reports", "board")
    if not outcome.bit_exact:
        sys.exit(f"board and golden model differ: {outcome.mismatch}")
    print(
        f"{run_report.summary(report, f'{dataset} on {title} over {port}')}, "
        f"{report['bytes_sent'] + report['bytes_received']} bytes, {report['retries']} retries; "
        f"{build}/reports/board.json"
    )


@app.command(short_help="Show what a board is and has done.")
def status(port: _Port, design: _Design, baud: _Baud = 0) -> None:
    """Show what a board is and what it has done. Ends no command, but takes the line from another program."""
    manifest = _manifest(design)
    with train_serial.SerialBoard(port, train_serial.speed(baud, manifest), patience=5.0).open(design) as (link, _):
        driver = Driver(link, manifest)
        print(f"design {driver.read('DESIGN'):#x}, words of {link.word} bytes, busy {driver.read('STATUS.BUSY')}")
        for name, count in driver.counters().items():
            print(f"{name:24} {count}")


COMMANDS = {"board": app}
