"""What the benchmark measures. All times are processor times of one process, the best of several repetitions."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gen import config as configs
from gen import verilog
from golden.config import MachineConfig
from golden.fast.machine import quickest
from golden.run import memory_check
from golden.samples import Samples
from sim import harness, pysim, runner
from sim.bench import machines
from sim.bench.bare import Bare, Timing
from sim.rtl import simulation

#: What a line of the report is made of.
Values = dict[str, Any]


@dataclass
class Bench:
    """A benchmark run.

    Attributes
    ----------
    folder : Path
        Where simulations are built.
    repetitions : int
        How often a time is taken; the best counts.
    tell : callable
        Called with a line before every part of the work.
    """

    folder: Path
    repetitions: int
    tell: Callable[[str], None]
    _built: dict[int, tuple[Bare, Values]] = field(default_factory=dict)

    def bare(self, config: MachineConfig) -> tuple[Bare, Values]:
        """Generate and build a machine as a program; return it with times of generation and build and the sizes."""
        memory_check.check(config)
        key = hash(config)
        if key not in self._built:
            started = time.process_time()
            files = verilog.machine_files(config, "bench")
            generated = time.process_time() - started
            program = Bare(files, json.loads(files["manifest.json"]), self.folder)
            size = sum(len(text) for name, text in files.items() if name.endswith(".v"))
            values = {"generate_seconds": generated, "verilog_bytes": size, "build_seconds": program.build_seconds}
            self._built[key] = program, values
        return self._built[key]

    def best(self, timings: list[list[Timing]]) -> Timing:
        """Take the quickest of repeated runs of one command."""
        return min((timing for (timing,) in timings), key=lambda timing: timing.seconds)


def sides(bench: Bench, samples: Samples, simulators: bool) -> Values:
    """Train `mnist` in every way that RTL can be run, side by side.

    Parameters
    ----------
    bench : Bench
        The run.
    samples : Samples
        What to train on, whole mini-batches.
    simulators : bool
        Whether the slow simulators, Icarus and Amaranth's own, are timed too.
    """
    config = configs.load("mnist")
    files = verilog.machine_files(config, "mnist")
    work = bench.folder / "bench-mnist"
    verilog.write(files, work)
    command = [("TRAIN", len(samples), config.training.batch, config.update_shifts(0))]
    bench.tell("build: mnist in a bare loop and under cocotb")
    bare, built = bench.bare(config)
    _inside(files, work, samples, "verilator")
    bench.tell("train mnist: bare loop and cocotb in turn")
    pairs = [
        (bare.run(samples.trits, samples.labels, command), _inside(files, work, samples, "verilator"))
        for _ in range(bench.repetitions)
    ]
    loop = bench.best([timings for timings, _ in pairs])
    inside = min((cocotb for _, cocotb in pairs), key=lambda values: values["seconds"])
    rtl = inside["cycles"] / inside["seconds"]
    values: Values = {
        "rtl_train_samples_per_second": len(samples) / inside["seconds"],
        "rtl_cycles_per_second": rtl,
        "bare_train_samples_per_second": len(samples) / loop.seconds,
        "bare_cycles_per_second": loop.cycles / loop.seconds,
        "cocotb_efficiency": rtl / (loop.cycles / loop.seconds),
        "cycles_per_sample": loop.cycles / len(samples),
        "rtl_build": built,
        "rtl_memory_bytes": bare.memory,
    }
    values |= {"vs_pysim": None, "vs_icarus": None}
    if simulators:
        bench.tell("train mnist: Amaranth's simulator")
        cycles = 400
        seconds = pysim.train(config, samples.trits[:4], samples.labels[:4], cycles)
        values |= {"pysim_cycles_per_second": cycles / seconds, "vs_pysim": rtl / (cycles / seconds)}
        bench.tell("train mnist: Icarus")
        try:
            icarus = _inside(files, work, samples[:2], "icarus")
            update_shift = icarus["cycles"] / icarus["seconds"]
            values |= {"icarus_cycles_per_second": update_shift, "vs_icarus": rtl / update_shift}
        except runner.SimulatorError as error:
            values["vs_icarus_reason"] = str(error)
    return values


def _inside(files: dict[str, str], work: Path, samples: Samples, simulator: str) -> Values:
    """Train under cocotb."""
    np.savez(work / "bench.npz", trits=samples.trits, labels=samples.labels)
    runner.run(
        simulation(files, simulator),
        "sim.bench.inside",
        environment={"MTJ_WORK": str(work.resolve()), "COCOTB_LOG_LEVEL": "WARNING"},
        plusargs=[f"+{name}={work.resolve()}/{file}" for name, file in harness.FILES.items()],
        name="bench",
    )
    return json.loads((work / "bench.json").read_text())


def phases(bench: Bench, count: int) -> Values:
    """Time every phase with all 512 lanes busy: synapse operations per second, lanes busy, profile."""
    config = machines.dense()
    bench.tell("build: the dense machine")
    bare, built = bench.bare(config)
    samples = machines.samples(config, count, density=1)
    command = [("TRAIN", count, config.training.batch, config.update_shifts(0))]
    bench.tell("train the dense machine, phase by phase")
    runs = [bare.run(samples.trits, samples.labels, command, profile=True) for _ in range(bench.repetitions)]
    timing = bench.best(runs)
    machine = quickest()(config)
    machine.initialise()
    for first in range(0, count, config.training.batch):
        machine.train(samples[first : first + config.training.batch], config.training.batch, config.update_shifts(0))
    counters = machine.counters
    rows = {
        "forward": counters["forward_rows_driven"] + counters["forward_rows_sensed"],
        "backward": counters["backward_rows_driven"] + counters["backward_rows_sensed"],
        "gradient": counters["gradient_rows"],
        "update": counters["update_rows"],
    }
    used = {}
    for phase, busy in rows.items():
        cycles, seconds = timing.phases[phase]
        expected = counters[f"cycles_{phase}"]
        assert cycles == expected, f"{phase} took {cycles} cycles, {expected} in the golden model"
        used[phase] = {
            "gops": busy * config.array.lanes / seconds / 1e9,
            "cycles_per_second": cycles / seconds,
            "seconds": seconds,
            "lane_utilisation": busy / cycles,
        }
    return {
        **{f"rtl_{phase}_gops": values["gops"] for phase, values in used.items()},
        "lane_utilisation": min(values["lane_utilisation"] for values in used.values()),
        "phases": used,
        "dense_rows_pulsed_per_update_row": counters["rows_pulsed"] / counters["update_rows"],
        "dense_build": built,
    }


def growth(bench: Bench, count: int) -> list[Values]:
    """Time and memory against rows, lanes and layers, one of them varied at a time."""
    sizes = [("lanes", lanes, (lanes, 256, (128,))) for lanes in (64, 128, 256, 512)]
    sizes += [("rows", inputs, (128, inputs, (128,))) for inputs in (128, 512, 2048)]
    sizes += [("layers", 1 + hidden, (128, 256, (128,) * hidden)) for hidden in (1, 2, 4)]
    found = []
    for name, value, (lanes, inputs, hidden) in sizes:
        bench.tell(f"growth: {name} = {value}")
        config = machines.sized(lanes, inputs, hidden)
        bare, built = bench.bare(config)
        samples = machines.samples(config, count)
        command = [("TRAIN", count, config.training.batch, config.update_shifts(0))]
        timing = bench.best([bare.run(samples.trits, samples.labels, command) for _ in range(bench.repetitions)])
        found.append(
            {
                "varied": name,
                "value": value,
                "lanes": lanes,
                "rows": config.geometry.rows,
                "layers": len(config.layers) - 1,
                "cycles_per_sample": timing.cycles / count,
                "cycles_per_second": timing.cycles / timing.seconds,
                "samples_per_second": count / timing.seconds,
                "memory_bytes": bare.memory,
                **built,
            }
        )
    return found
