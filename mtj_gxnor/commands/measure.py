"""``mtj-gxnor bench, bench-history, ablation, integration, waves``: measurements, and pictures of what is simulated."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from fpga.flow.boards import BOARDS
from gen import verilog
from golden.run import data
from mtj_gxnor.commands.options import BUILD, Build, DataDir
from sim import ablation as ablations
from sim import bus_traffic
from sim.bench import bench_report
from sim.bench import history as histories
from sim.waves import diagrams


def bench(
    samples: Annotated[int, typer.Option(help="Samples of a training measurement.")] = 2000,
    repetitions: Annotated[int, typer.Option(help="How often a time is taken; the best counts.")] = 3,
    simulators: Annotated[bool, typer.Option(help="Time Icarus and Amaranth's simulator too.")] = True,
    growth: Annotated[bool, typer.Option(help="Sweep sizes too.")] = True,
    build: Build = BUILD,
) -> None:
    """Measure, write build/reports/bench.json and bench.svg."""
    if samples < 1 or repetitions < 1:
        raise ValueError(f"samples and repetitions must be >= 1, not {samples} and {repetitions}")
    report = bench_report.make(build, samples, repetitions, simulators=simulators, growth=growth)
    for key, goal in bench_report.GOALS.items():
        value = report[key]
        print(f"{key:32} {'not measured' if value is None else f'{value:12.3f}'}   goal {goal:g}")
    print(f"{'bare_train_samples_per_second':32} {report['bare_train_samples_per_second']:12.0f}")
    for row in report["models"]:
        kind = f"{row['config']}, {row['kind']}"
        print(f"{kind:40} {row['numba']:12.0f}   {row['ratio']:.1f} times NumPy's {row['numpy']:.0f}")


def bench_history(
    test_minutes: Annotated[float | None, typer.Option(help="Wall time of make test, minutes.")] = None,
    history: Annotated[Path, typer.Option(help="The history; its plot is beside it.")] = Path("docs/bench-history.csv"),
    build: Build = BUILD,
) -> None:
    """Add a line of the present commit, from the reports of bench and bitstream, and draw the plot."""
    line = histories.record(build / "reports", history, BOARDS, test_minutes)
    print(", ".join(f"{column} {value}" for column, value in line.items() if value != ""))


def ablation(
    data_dir: DataDir = None,
    epochs: Annotated[int, typer.Option(help="Epochs of every run.")] = 6,
    seeds: Annotated[int, typer.Option(help="Runs of every row.")] = 2,
    held_out: Annotated[bool, typer.Option("--held-out", help="Test on a sixth of the training set.")] = False,
    report: Annotated[Path, typer.Option(help="The results.")] = BUILD / "reports" / "ablation.json",
    document: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("docs/training.md"),
) -> None:
    """Run every row of the table that is not in the report, then write the table."""
    dataset = data.load("mnist", data_dir)
    table = ablations.measure(ablations.held_out(dataset) if held_out else dataset, epochs, seeds, report)
    if not held_out:
        ablations.insert(document, table)
    print(table)


def integration(
    transactions: Annotated[int, typer.Option(help="Accesses to registers in all.")] = 120_000,
    seed: Annotated[int, typer.Option(help="Seed of machines and traffic.")] = 1,
    build: Build = BUILD,
) -> None:
    """Let random traffic run on the bus, write build/reports/integration.json."""
    if transactions < 1:
        raise ValueError(f"transactions must be >= 1, not {transactions}")
    report = bus_traffic.campaign(transactions, seed, build)
    print(
        f"{report['transactions']} transactions, {report['illegal_accesses']} illegal, "
        f"{report['narrow_accesses']} narrow, {report['strobeless_writes']} writes of no byte, "
        f"{report['predictions']} predictions, {report['hangs']} hangs, {report['mismatches']} mismatches, "
        f"{report['samples_lost']} samples lost; {build}/reports/integration.json"
    )
    if report["differences"] or report["samples_lost"]:
        sys.exit("\n".join(["RTL and golden block differ:", *report["differences"]]))


def waves() -> None:
    """Record the timing diagrams of docs/integration.md, and draw them, into docs/waves."""
    print(f"{'wrote' if verilog.write(diagrams.files(), diagrams.FOLDER) else 'unchanged:'} {diagrams.FOLDER}")


COMMANDS = {
    "bench": bench,
    "bench-history": bench_history,
    "ablation": ablation,
    "integration": integration,
    "waves": waves,
}
