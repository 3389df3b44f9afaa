"""Output: every word leaves in order, one cycle later, and stays until it is taken."""

import cocotb
import pytest
from cocotb.handle import HierarchyObject

from cocotb_tests.kit import configs
from cocotb_tests.kit.checkers import equal
from golden.config import MachineConfig
from sim import block_bench
from sim.drivers import Regime, source_pattern


@pytest.mark.parametrize("config", configs.cases())
def test_output(config: MachineConfig) -> None:
    """All coroutines of this module."""
    block_bench.run("bus_output", config, __name__)


class _Words:
    """Offers predictions and words of dumps, one kind at a time, and checks what does not wait for a taker."""

    def __init__(self, bench: block_bench.BlockBench, regime: Regime) -> None:
        self.bench, self.ports = bench, bench.ports
        self._pattern = source_pattern(regime, bench.rng)
        self.queue: list[tuple[str, int, int]] = []
        self._offer: tuple[str, int, int] | None = None
        self.accepted: list[int] = []
        self._waits = False
        bench.each_cycle(self._drive, self._sample)

    @property
    def empty(self) -> bool:
        """Whether everything has been accepted."""
        return not self.queue and self._offer is None

    def _drive(self, cycle: int) -> None:
        ports, rng = self.ports, self.bench.rng
        if self._offer is None and self.queue and next(self._pattern):
            self._offer = self.queue.pop(0)
        kind, word, last = self._offer or ("", 0, int(rng.integers(0, 2)))
        for name in ("predictions", "dump"):
            ports.write(f"{name}__valid", name == kind)
            payload = f"{name}__payload"
            ports.write_bits(payload, word if name == kind else ports.random_bits(payload, rng))
        ports.write("last", last)

    def _sample(self, cycle: int) -> None:
        ports = self.ports
        free = not self._waits or ports.read("packets__ready")
        equal(f"cycle {cycle}: valid", ports.read("packets__valid"), self._waits)
        equal(f"cycle {cycle}: idle", ports.read("idle"), not self._waits)
        for name in ("predictions", "dump"):
            equal(f"cycle {cycle}: {name} ready", ports.read(f"{name}__ready"), free)
        if free:
            self._waits = self._offer is not None
            if self._offer is not None:
                self.accepted.append(cycle)
            self._offer = None


@cocotb.test()
@cocotb.parametrize(regime=block_bench.REGIMES)
async def words(dut: HierarchyObject, regime: Regime) -> None:
    """Predictions and dumps in turn; what is not offered means nothing."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around, packets = _Words(bench, regime), bench.sink("packets", regime)
    expected = []
    widths = {name: bench.ports.described[f"{name}__payload"]["width"] for name in ("predictions", "dump")}
    equal("width of a class", widths["predictions"], (bench.config.sizes[-1] - 1).bit_length())
    for _ in range(30):
        name = str(bench.rng.choice(["predictions", "dump"]))
        for at in range(count := int(bench.rng.integers(1, 12))):
            word, last = int(bench.rng.integers(0, 1 << widths[name])), at == count - 1
            around.queue.append((name, word, last))
            expected.append({"word": word, "last": last})
    await bench.clock.until(lambda: around.empty and len(packets.transfers) == len(expected))
    equal("words", packets.values, expected)
    # there in the cycle after, whenever it is then taken
    equal("cycles of the words", packets.offered, [cycle + 1 for cycle in around.accepted])
    if regime is Regime.FLOWING:
        equal("one word per cycle", packets.cycles, range(1, len(expected) + 1))


@cocotb.test()
async def stays_through_a_pause(dut: HierarchyObject) -> None:
    """A word that nobody takes stays for ever, and nothing goes in behind it."""
    bench = block_bench.BlockBench(dut)
    await bench.start()
    around, packets = _Words(bench, Regime.FLOWING), bench.sink("packets", Regime.FLOWING)
    bench.clock.agents[-2].pattern = iter(lambda: False, True)  # type: ignore[attr-defined]
    around.queue += [("dump", 1, 0), ("dump", 2, 1)]
    await bench.clock.step(50)
    equal("accepted", around.accepted, [0])
    bench.clock.agents[-2].pattern = iter(lambda: True, False)  # type: ignore[attr-defined]
    await bench.clock.until(lambda: len(packets.transfers) == 2)
    equal("words", packets.values, [{"word": 1, "last": 0}, {"word": 2, "last": 1}])
    equal("cycles", packets.cycles, [50, 51])
