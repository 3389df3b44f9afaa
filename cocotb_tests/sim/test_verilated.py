"""The Verilated transport, on a small module written by hand: memory, stream echo, interrupt."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests.fpga.driver_fixture import random
from cocotb_tests.fpga.loopback_verilog import ECHO, ENDS, WORDS, write_echo
from gen.verilog import AXI
from golden.bus.transport import BusError, Transport, TransportTimeout
from golden.input_buffer import word_bytes
from sim.build import BuildError
from sim.verilated import SHIM, Verilated, library

#: Lanes per word: words of 1, 3 and 16 bytes, each of another C++ type.
GROUPS = (2, 10, 64)


class Ends:
    """The digest of where packets ended."""

    def __init__(self) -> None:
        self.words = self.digest = 0

    def add(self, words: int) -> None:
        """Take a packet."""
        self.words += words
        self.digest = (self.digest << 1 & 0xFFFFFFFF | self.digest >> 31) ^ (self.words - 1)


Open = Callable[..., Verilated]


@pytest.fixture(scope="module", params=GROUPS)
def word(request: pytest.FixtureRequest) -> int:
    """Bytes of a word."""
    return word_bytes(request.param)


@pytest.fixture(scope="module")
def opened(word: int, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens a model of the module."""
    group = next(group for group in GROUPS if word_bytes(group) == word)
    folder = write_echo(tmp_path_factory.mktemp("echo") / "verilog", group)
    return lambda **options: Verilated(folder, quick=True, **options)


def _packets(rng: np.random.Generator, count: int, word: int) -> list[bytes]:
    return [rng.bytes(word * int(rng.integers(1, 20))) for _ in range(count)]


@pytest.mark.parametrize("stalls", [0.0, 0.6])
def test_registers(opened: Open, word: int, stalls: float) -> None:
    """Reads give what was written, byte by byte; an error of the bus names the address."""
    model, rng = opened(stalls=stalls, seed=3), random(word)
    memory: Transport = model
    known = {}
    for address in range(0, 0x100, 4):
        known[address] = int(rng.integers(1 << 32))
        memory.write(address, known[address])
    for _ in range(200):
        address = 4 * int(rng.integers(64))
        if rng.integers(2):
            value, strobes = int(rng.integers(1 << 32)), int(rng.integers(16))
            memory.write(address, value, strobes)
            mask = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
            known[address] = known[address] & ~mask | value & mask
        assert memory.read(address) == known[address]
    with pytest.raises(BusError, match=r"^the bus answers SLVERR to a read of address 0x3fc$") as caught:
        memory.read(0x3FC)
    assert caught.value.address == 0x3FC
    with pytest.raises(BusError, match=r"^the bus answers SLVERR to a write of address 0x108$"):
        memory.write(0x108, 0)
    assert memory.read(0) == known[0]
    memory.close()


@pytest.mark.parametrize("stalls", [0.0, 0.3, 0.9])
def test_streams(opened: Open, word: int, stalls: float) -> None:
    """All words come back in order, tlast on the last of every packet, registers or not in between."""
    model, rng = opened(stalls=stalls, seed=4), random(word, 1)
    sent, got, ends = b"", b"", Ends()
    for turn in range(30):
        packets = _packets(rng, int(rng.integers(0, 10)), word)
        model.send(packets)
        sent += b"".join(packets)
        for packet in packets:
            ends.add(len(packet) // word)
        if turn % 3 == 0:
            model.write(8, turn)
            assert model.read(8) == turn
        size = word * int(rng.integers(0, (len(sent) - len(got)) // word + 1))
        got += model.receive(size, 10)
    got += model.receive(len(sent) - len(got), 10)
    assert got == sent
    assert model.unsent() == model.received() == 0
    assert model.read(ENDS) == ends.digest
    model.close()


def test_full_speed(opened: Open, word: int) -> None:
    """Without stalls a word goes each way in every cycle; between calls the clock stands still."""
    model, words = opened(), 5000
    before = model.cycles
    model.send([bytes(word * words)])
    assert (model.unsent(), model.received(), model.cycles) == (word * words, 0, before)
    model.receive(word * words, 10)
    assert words <= model.cycles - before <= words + 8
    before = model.cycles
    time.sleep(0.01)
    assert model.cycles == before
    model.close()


def test_interrupt(opened: Open, word: int) -> None:
    """Waiting ends with the interrupt, or with time; the streams move in any case."""
    model = opened()
    assert not model.wait(0)
    model.write(WORDS, 300)
    model.send([bytes(word * 299)])
    assert not model.wait(0.01)
    assert (model.unsent(), model.received()) == (0, word * 299)
    model.send([bytes(word * 100)])
    assert model.wait(10)
    assert model.received() >= word * 300
    while model.unsent():
        assert model.wait(0)
    model.reset()
    assert not model.wait(0)
    assert (model.received(), model.read(ENDS)) == (0, 0)
    model.close()


def test_output_in_time(opened: Open, word: int) -> None:
    """Words that came in time are not lost when others did not."""
    model = opened()
    model.send([bytes(range(word)) * 3])
    with pytest.raises(TransportTimeout, match=rf"^{3 * word} of {4 * word} bytes of output after 0 s$"):
        model.receive(4 * word, 0)
    assert model.receive(3 * word, 0) == bytes(range(word)) * 3
    model.close()


@pytest.mark.parametrize("stalls", [0.0, 0.9])
def test_discard(opened: Open, word: int, stalls: float) -> None:
    """Nothing of before comes out after; tlast is where it belongs all the same."""
    model, rng = opened(stalls=stalls, seed=5), random(word, 2)
    for _ in range(20):
        model.reset()
        model.send(_packets(rng, 20, word))
        model.receive(word * int(rng.integers(1, 20)), 10)
        model.discard()
        model.read(0)
        model.discard()
        packet = rng.bytes(3 * word)
        model.send([packet])
        assert model.receive(3 * word, 10) == packet
        assert (model.unsent(), model.received()) == (0, 0)
    model.reset()
    ends = Ends()
    for words in (3, 5):
        ends.add(words)
        model.send([bytes(word * words)])
        model.receive(word * words, 10)
        model.discard()
    assert model.read(ENDS) == ends.digest
    model.close()


def test_stalls_follow_the_seed(opened: Open, word: int) -> None:
    """The same seed gives the same cycles, another one others."""
    taken = []
    for number in (1, 1, 2):
        model = opened(stalls=0.5, seed=number)
        model.send([bytes(word * 500)])
        model.receive(word * 500, 10)
        taken.append(model.cycles)
        model.close()
        assert model.cycles == taken[-1]
        with pytest.raises(ValueError, match=r"^the model is closed$"):
            model.read(0)
        model.close()
    assert taken[0] == taken[1] != taken[2]
    assert min(taken) > 900


def test_broken_words(opened: Open, word: int) -> None:
    """Packets are whole words."""
    model = opened()
    for packet in (b"", bytes(word + 1)) if word > 1 else (b"",):
        with pytest.raises(
            ValueError, match=rf"^a packet of {len(packet)} bytes is not one of whole words of {word} b"
        ):
            model.send([bytes(word), packet])
    assert model.unsent() == 0
    with pytest.raises(ValueError, match=r"^stalls must be 0 .. 1, 1 excluded, not 1$"):
        opened(stalls=1)
    model.close()


def test_build(tmp_path: Path) -> None:
    """One build per content; a mistake in the Verilog is an error, and leaves nothing behind."""
    folder, builds = write_echo(tmp_path / "verilog", 2), tmp_path / "builds"
    built = library(folder, AXI, SHIM, builds, quick=True)
    made = built.stat().st_mtime_ns
    assert library(folder, AXI, SHIM, builds, quick=True) == built
    assert built.stat().st_mtime_ns == made
    (folder / "echo.v").write_text(ECHO.replace("MSB", "7").replace("endmodule", "oops"))
    with pytest.raises(BuildError, match=r"^mtj_gxnor_axi cannot be built: %Error: echo.v:.*logs in .*\.failed\)$"):
        library(folder, AXI, SHIM, builds, quick=True)
    assert {path.suffix for path in builds.iterdir()} == {"", ".failed"}
    (folder / "echo.v").write_text(ECHO.replace("MSB", "7"))
    (folder / "manifest.json").write_text(json.dumps({"config": {"array": {"group": 5}}, "bus": AXI}))
    with pytest.raises(ValueError, match=r"^the Verilog has narrower stream words than 2 bytes, which its manifest s"):
        Verilated(folder, builds, quick=True)
