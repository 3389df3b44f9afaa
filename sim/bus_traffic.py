"""Random traffic on the bus: RTL and golden block get the same, right and wrong, and must say the same."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gen import config as configs
from gen import generated, manifest, verilog
from gen.provenance import stamp
from gen.register_map import register_map
from golden.bus.axi import BusBlock
from golden.bus.transport import TransportTimeout
from golden.config import MachineConfig
from golden.lib.atomic_write import write_json
from sim import verilated, verilator
from sim.random_config import loadable, random_config
from sim.random_host import Tally, Traffic, TrafficMismatch

#: Chances of a pause, one run of every machine each.
STALLS = (0.0, 0.3, 0.6)
#: Accesses between two looks at the progress.
_PART = 500


def machines(seed: int) -> dict[str, MachineConfig]:
    """Small machines: a named one, the same with all loads, random ones of every synapse and write scheme."""
    tiny = configs.load("tiny")
    found = {"tiny": tiny, "tiny-loadable": loadable(tiny)}
    return found | {f"random-{number}": loadable(random_config(seed, number)) for number in range(4)}


@dataclass
class TrafficOutcome:
    """What a run brought: what was done, the difference or hang that ended it, samples gone or made up."""

    tally: Tally
    mismatch: str = ""
    hang: str = ""
    samples_lost: int = 0


def traffic(config: MachineConfig, folder: Path, transactions: int, stalls: float, seed: int) -> TrafficOutcome:
    """Let random traffic run.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    folder : Path
        Its generated Verilog.
    transactions : int
        Accesses to make.
    stalls : float
        Chance of a pause on every channel in every cycle, 0 .. 1.
    seed : int
        Of everything.

    Returns
    -------
    TrafficOutcome
        What came of it.
    """
    rtl = verilated.Verilated(folder, quick=True, stalls=stalls, seed=seed)
    block = BusBlock(config, register_map(config), manifest.design(config))
    host = Traffic(rtl, block, np.random.default_rng(seed))
    outcome = TrafficOutcome(host.tally)
    try:
        host.run(transactions)
    except TrafficMismatch as difference:
        outcome.mismatch = str(difference)
    except TransportTimeout as hang:
        outcome.hang = str(hang)
    else:
        address = block.bank.registers["COUNTER_SAMPLES"].address
        outcome.samples_lost = abs(rtl.read(address) - block.machine.counters["samples"])
    finally:
        rtl.close()
    return outcome


def campaign(transactions: int, seed: int, build: Path) -> dict[str, Any]:
    """Let random traffic run on every machine with every chance of a pause; write ``reports/integration.json``.

    Parameters
    ----------
    transactions : int
        Accesses to registers in all, at least.
    seed : int
        Of machines and traffic.
    build : Path
        Folder of designs and reports.

    Returns
    -------
    dict
        Content of the report; ``differences`` lists mismatches and hangs.
    """
    chosen = machines(seed)
    runs = [(name, stalls) for name in chosen for stalls in STALLS]
    share = -(-transactions // len(runs))
    total, found = Tally(), []
    mismatches, hangs, lost = [], [], 0
    for name, stalls in tqdm(runs, unit="run", file=sys.stderr, dynamic_ncols=True):
        folder = build / "integration" / name
        verilog.write(generated.machine(chosen[name], name), folder)
        outcome = traffic(chosen[name], folder, share, stalls, seed)
        total += outcome.tally
        found.append(
            {"machine": name, "stalls": stalls, **asdict(outcome.tally), "errors": sorted(outcome.tally.errors)}
        )
        mismatches += [f"{name}, stalls {stalls}: {outcome.mismatch}"] if outcome.mismatch else []
        hangs += [f"{name}, stalls {stalls}: {outcome.hang}"] if outcome.hang else []
        lost += outcome.samples_lost
    report = {
        **asdict(total),
        "errors": sorted(total.errors),
        "hangs": len(hangs),
        "mismatches": len(mismatches),
        "samples_lost": lost,
        "differences": mismatches + hangs,
        "runs": found,
        "seed": seed,
        **stamp(verilator=verilator.find().version),
    }
    write_json(build / "reports" / "integration.json", report)
    return report
