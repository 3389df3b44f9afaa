"""What all block tests share: generate and build a block; inside the simulation its ports, clock, configuration."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import HierarchyObject

from golden.config import MachineConfig
from sim import manifest_reader, strip_init
from sim.drivers import Agent, Clock, Ports, Regime, StreamSink, StreamSource, bits_of, sink_pattern, source_pattern
from sim.monitors import StreamMonitor

#: The three regimes in which every stream is tested: ``@cocotb.parametrize(regime=REGIMES)``.
REGIMES = tuple(Regime)


# ---------------------------------------------------------------- outside the simulation, under pytest


def simulator() -> str:
    """Say which simulator ``SIM`` chooses."""
    return os.environ.get("SIM", "verilator")


def run(
    block: str, config: MachineConfig, module: str, *, public: tuple[str, ...] = (), tests: str | None = None
) -> None:
    """Generate a block from a configuration, build it, and run the cocotb tests of a module on it.

    Parameters
    ----------
    block : str
        Name in `gen.blocks.BLOCKS`.
    config : MachineConfig
        The configuration.
    module : str
        Module with the cocotb tests.
    public : tuple of str
        Registers and memories of the block that the tests read or write besides its ports.
    tests : str, optional
        Regular expression that selects tests.
    """
    from gen import generated

    run_files(generated.block(config, "test", block), module, public=public, tests=tests)


def run_files(files: dict[str, str], module: str, *, public: tuple[str, ...] = (), tests: str | None = None) -> None:
    """Build generated files and run the cocotb tests of a module on them; `files` as from `gen.verilog.block_files`."""
    from gen import verilog
    from sim import runner

    described = json.loads(files["manifest.json"])
    top, sim = described["top"], simulator()
    # two configurations may give the same Verilog of a block, but not the same manifest
    key = hashlib.sha256(files["manifest.json"].encode()).hexdigest()[:16]
    folder = (Path("build/blocks") / f"{top}-{key}").resolve()
    verilog.write(files, folder)
    sources = {file: files[file] for file in files["files.f"].split()}
    if sim == "icarus":
        sources = {file: strip_init.without_initial_values(content) for file, content in sources.items()}
    ports = described["modules"][top]["ports"]
    seen: list[tuple[str, str, bool]] = [
        (top, name, bool(port["direction"] == "input" or name in public)) for name, port in ports.items()
    ]
    seen += [(top, name, True) for name in public if name not in ports]
    runner.run(
        runner.Simulation(top, sources, sim, tuple(seen), quick=True),
        module,
        environment={"DESIGN": str(folder), "COCOTB_LOG_LEVEL": os.environ.get("COCOTB_LOG_LEVEL", "WARNING")},
        tests=tests,
    )


# ---------------------------------------------------------------- inside the simulation


class BlockBench:
    """A block under test.

    Parameters
    ----------
    dut : HierarchyObject
        The block.

    Attributes
    ----------
    manifest, config, rng
        Manifest and configuration of the design, and random numbers that follow from the test's name and ``SEED``.
    ports : Ports
        The block's ports.
    clock : Clock
        Clock, reset and agents.
    """

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = dut
        self.manifest = manifest_reader.read(Path(os.environ["DESIGN"]))
        self.config = manifest_reader.config(self.manifest)
        self.rng = np.random.default_rng(cocotb.RANDOM_SEED)
        self.ports = Ports(dut, self.manifest["modules"][self.manifest["top"]]["ports"])
        self.clock = Clock(dut)

    async def start(self) -> None:
        """Set all inputs to 0 and reset."""
        for name in self.ports.names("input"):
            if name not in ("clk", "rst"):
                self.ports.write_bits(name, 0)
        await self.clock.reset()

    def add(self, *agents: Agent) -> None:
        """Let agents take part."""
        self.clock.agents += agents

    def source(self, name: str, regime: Regime, beside: tuple[str, ...] = ()) -> tuple[StreamSource, StreamMonitor]:
        """Add a source with its monitor to an input stream."""
        source = StreamSource(self.ports, name, source_pattern(regime, self.rng), self.rng, beside)
        monitor = StreamMonitor(self.ports, name)
        self.add(source, monitor)
        return source, monitor

    def sink(self, name: str, regime: Regime) -> StreamMonitor:
        """Add a sink with its monitor to an output stream."""
        monitor = StreamMonitor(self.ports, name)
        self.add(StreamSink(self.ports, name, sink_pattern(regime, self.rng)), monitor)
        return monitor

    def each_cycle(
        self, drive: Callable[[int], None] | None = None, sample: Callable[[int], None] | None = None
    ) -> None:
        """Add functions that take part in every cycle."""

        class _Functions:
            def drive(self, cycle: int) -> None:
                if drive is not None:
                    drive(cycle)

            def sample(self, cycle: int) -> None:
                if sample is not None:
                    sample(cycle)

        self.add(_Functions())

    def integers(self, low: int, high: int, size: int | tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Random integers with both ends included, the ends themselves more often."""
        values = self.rng.integers(low, high + 1, size)
        corner = self.rng.random(size)
        return np.where(corner < 0.1, low, np.where(corner > 0.9, high, values)).astype(np.int64)

    def memory(self, name: str, depth: int) -> list[int]:
        """Read all words of a memory that was made public."""
        handle = getattr(self.dut, name)
        return [bits_of(handle[index], f"{name}[{index}]") for index in range(depth)]
