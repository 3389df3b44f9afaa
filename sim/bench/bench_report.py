"""Benchmarks, side by side in one run."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gen import config as configs
from gen.provenance import stamp
from golden.lib.atomic_write import whole, write_json
from sim import verilator
from sim.bench import machines, measures, models

#: Key of the report -> goal.
GOALS = {
    "rtl_train_samples_per_second": 1500.0,
    "rtl_forward_gops": 2.0,
    "rtl_update_gops": 1.5,
    "rtl_backward_gops": 1.0,
    "cocotb_efficiency": 0.9,
    "vs_pysim": 1000.0,
    "vs_icarus": 100.0,
    "lane_utilisation": 0.95,
    "numba_vs_numpy": 10.0,
}


def draw(growth: list[measures.Values], path: Path) -> None:
    """Draw how time and memory grow."""
    figure = Figure((10, 6), layout="constrained")
    axes = figure.subplots(2, 3, sharey="row")
    for column, name in enumerate(("lanes", "rows", "layers")):
        rows = [row for row in growth if row["varied"] == name]
        x = [row[name] for row in rows]
        speed, cost = axes[0][column], axes[1][column]
        speed.plot(x, [row["cycles_per_second"] / 1e6 for row in rows], "o-", label="million cycles per second")
        speed.plot(x, [row["samples_per_second"] / 1e3 for row in rows], "s-", label="thousand samples per second")
        cost.plot(x, [row["build_seconds"] for row in rows], "o-", label="build, s")
        cost.plot(x, [row["memory_bytes"] / 1e6 for row in rows], "s-", label="memory, MB")
        for axis in (speed, cost):
            axis.set_xlabel(name)
            axis.set_ylim(bottom=0)
            axis.grid(visible=True, alpha=0.3)
    for axis in axes[:, 0]:
        axis.legend()
    with whole(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def make(build: Path, samples: int, repetitions: int, *, simulators: bool, growth: bool) -> dict[str, Any]:
    """Measure; write ``reports/bench.json`` and ``bench.svg``.

    Parameters
    ----------
    build : Path
        Folder of builds and reports.
    samples : int
        Samples of a training measurement.
    repetitions : int
        How often a time is taken; the best counts.
    simulators : bool
        Time Icarus and Amaranth's simulator too.
    growth : bool
        Sweep sizes too.

    Returns
    -------
    dict
        Content of the report.
    """
    bench = measures.Bench(build / "sim", repetitions, lambda line: print(line, file=sys.stderr, flush=True))
    report: dict[str, Any] = measures.sides(bench, machines.samples(configs.load("mnist"), samples), simulators)
    report |= measures.phases(bench, max(20, samples // 20))
    count = max(1, samples // 10)
    rows = [row for name in ("mnist", "digits") for row in models.compare(name, count, repetitions, bench.tell)]
    report |= {"models": rows, "numba_vs_numpy": min((row["ratio"] for row in rows), default=None)}
    if growth:
        report["growth"] = measures.growth(bench, samples)
        draw(report["growth"], build / "reports" / "bench.svg")
    report |= {
        "goals": GOALS,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "load": os.getloadavg()},
        "seed": {"samples": 1},
        **stamp(verilator=verilator.find().version),
    }
    write_json(build / "reports" / "bench.json", report)
    return report


def _processor() -> str:
    """Name of the processor, as far as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
