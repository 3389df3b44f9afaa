"""The C driver and its example against the Verilated block, beside the golden machine; and compiled for bare metal."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cocotb_tests.fpga.block_transport import DESIGN, BlockTransport
from cocotb_tests.fpga.c.c_driver import EXAMPLE, FOLDER, STRICT, CDriver, Hooks, Result, library
from cocotb_tests.fpga.driver_fixture import LOADABLE, TINY, random
from cocotb_tests.gen.test_register_header import PROCESSORS
from cocotb_tests.kit.random_data import random_samples
from gen import config as named
from gen import constants, generated, verilog
from gen.names import Names
from golden.bus import packets
from golden.bus.errors import Error
from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig, variant
from golden.input_buffer import word_bytes
from golden.machine import Machine
from golden.sequencer import HostOp
from sim.random_config import random_config
from sim.runner import seed
from sim.verilated import Verilated

_DRIVER = FOLDER / "mtj_gxnor_driver.c"


def _sizes(config: MachineConfig, design: int) -> dict[str, int]:
    """Read a structure `mtj_gxnor_design` from the header of a machine."""
    text = constants.header(config, design, Names())
    macros = dict(re.findall(r"^#define (MTJ_GXNOR_\w+) (\w+)$", text, re.MULTILINE))
    names = re.findall(r"MTJ_GXNOR_(\w+)", text.split("{")[1].split("}")[0])
    values = {name: int(macros[f"MTJ_GXNOR_{name}"].rstrip("ul"), 0) for name in names}
    return {name.removesuffix("_VALUE").lower(): value for name, value in values.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def rtl(folder: Path) -> Iterator[Verilated]:
    """The Verilated block, of `tiny`."""
    verilog.write(generated.machine(named.load("tiny"), "tiny"), folder)
    transport = Verilated(folder, quick=True, stalls=0.2, seed=seed())
    yield transport
    transport.close()


def _driver(folder: Path, rtl: Verilated, room: int | None = None) -> CDriver:
    design = int(json.loads((folder / "manifest.json").read_text())["design"], 16)
    sizes = _sizes(named.load("tiny"), design)
    return CDriver(library(folder, [_DRIVER]), Hooks(rtl, sizes["word_bytes"], room), sizes)


@pytest.mark.parametrize("room", [None, 3])
def test_commands(folder: Path, rtl: Verilated, room: int | None) -> None:
    """Commands give what the golden machine gives; a checkpoint is what was dumped. FIFOs may be short."""
    config, golden = named.load("tiny"), Machine(named.load("tiny"))
    driver, shifts = _driver(folder, rtl, room), config.training.update_shifts
    assert driver.call("open") is Result.OK
    assert driver.call("initialise") is Result.OK
    golden.initialise()
    samples = random_samples(config, 30, random(1))
    result, predictions = driver.train(samples.trits, samples.labels, 4, shifts)
    assert result is Result.OK
    np.testing.assert_array_equal(predictions, golden.train(samples, 4, shifts))
    result, predictions = driver.infer(samples.trits, samples.labels)
    assert result is Result.OK
    np.testing.assert_array_equal(predictions, golden.test(samples))
    result, weights = driver.dump(HostOp.DUMP_WEIGHTS, driver.sizes["weights_words"])
    assert result is Result.OK
    assert weights == packets.pack_weights(*golden.dump_weights(), config.array.group)
    result, neurons = driver.dump(HostOp.DUMP_NEURONS, driver.sizes["neurons_words"])
    assert result is Result.OK
    registers = json.loads((folder / "manifest.json").read_text())["registers"]
    for name, count in golden.counters.items():
        if name != "cycles_wait":
            assert driver.number(registers[f"COUNTER_{name.upper()}"]["address"]) == count, name
    # into a machine that has forgotten
    assert driver.call("reset") is Result.OK
    assert driver.load(HostOp.LOAD_NEURONS, neurons) is Result.OK
    assert driver.load(HostOp.LOAD_WEIGHTS, weights) is Result.OK
    result, again = driver.infer(samples.trits, samples.labels)
    np.testing.assert_array_equal(again, predictions)


@pytest.mark.parametrize("number", range(4))
def test_machines(number: int, tmp_path: Path) -> None:
    """Words of all widths: samples, predictions and dumps on random machines, with the golden block."""
    config = variant(random_config(seed(), number), **LOADABLE)
    sizes, golden = _sizes(config, DESIGN), Machine(config)
    driver = CDriver(library(tmp_path, [_DRIVER]), Hooks(BlockTransport(config), sizes["word_bytes"]), sizes)
    assert driver.call("open") is Result.OK
    assert driver.call("initialise") is Result.OK
    golden.initialise()
    samples, shifts = random_samples(config, 10, random(2, number)), config.training.update_shifts
    result, predictions = driver.train(samples.trits, samples.labels, 3, shifts)
    assert result is Result.OK
    np.testing.assert_array_equal(predictions, golden.train(samples, 3, shifts))
    result, weights = driver.dump(HostOp.DUMP_WEIGHTS, sizes["weights_words"])
    assert result is Result.OK
    assert weights == packets.pack_weights(*golden.dump_weights(), config.array.group)


def test_wide_words(tmp_path: Path) -> None:
    """The widest word that a machine can have fits the driver's."""
    header = (FOLDER / "mtj_gxnor_driver.h").read_text()
    assert f"#define MTJ_GXNOR_MOST_WORD_BYTES {word_bytes(64)}\n" in header
    with pytest.raises(ValueError, match=r"array\.group must be 2 \.\. 64"):
        variant(TINY, array={"lanes": 65, "group": 65})


def test_errors(folder: Path, rtl: Verilated) -> None:
    """A misuse is a code with the bits of ERROR, and the next command works; so does a machine that was stuck."""
    driver, config = _driver(folder, rtl), named.load("tiny")
    samples = random_samples(config, 6, random(3))
    trits, labels, shifts = samples.trits, samples.labels.astype(np.uint16), config.training.update_shifts

    def misused(result: Result, error: Error) -> None:
        assert (result, driver.machine.errors) == (Result.MISUSE, 1 << error)

    assert driver.call("open") is Result.OK
    misused(driver.infer(trits, labels)[0], Error.STATE)
    assert driver.call("initialise") is Result.OK
    misused(driver.train(trits, labels, 0, shifts)[0], Error.BATCH)
    misused(driver.train(trits, labels, 2, (0, 0, 0))[0], Error.UPDATE_SHIFT)
    misused(driver.infer(trits[:0], labels[:0])[0], Error.SAMPLES)
    misused(driver.call("start", 15), Error.OPERATION)
    misused(driver.load(HostOp.LOAD_SEEDS, b"\x01"), Error.LOADABLE)
    wrong = labels.copy()
    wrong[3] = config.layers[-1]
    misused(driver.infer(trits, wrong)[0], Error.LABEL)
    misused(driver.load(HostOp.LOAD_WEIGHTS, bytes(driver.sizes["weights_words"] - 1)), Error.SHORT)
    # nothing comes: the command waits until it is given up
    driver.machine.patience = 50
    assert driver.dump(HostOp.LOAD_WEIGHTS, 1)[0] is Result.STUCK
    assert driver.call("recover") is Result.OK
    driver.machine.patience = 10_000
    assert driver.call("initialise") is Result.OK
    assert driver.infer(trits, labels)[0] is Result.OK


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (("ID", "VALUE", 7), Result.ABSENT),
        (("VERSION", "MAJOR", 1), Result.OTHER_VERSION),
        (("VERSION", "MAJOR", 3), Result.OTHER_VERSION),
    ],
)
def test_other_machines(change: tuple[str, str, int], result: Result, tmp_path: Path) -> None:
    """What is no such machine is not touched."""
    transport, sizes = BlockTransport(TINY), _sizes(TINY, DESIGN)
    register, field, value = change
    registers = transport.block.bank.registers
    place = registers[register]
    fields = tuple(replace(part, reset=value) if part.name == field else part for part in place.fields)
    other = replace(place, fields=fields)
    transport.block.bank.registers = RegisterMap(
        tuple(other if known is place else known for known in registers.registers)
    )
    driver = CDriver(library(tmp_path, [_DRIVER]), Hooks(transport, sizes["word_bytes"]), sizes)
    assert driver.call("open") is result
    assert transport.writes == 0


def test_other_design(tmp_path: Path) -> None:
    """Another machine than that of the header is not touched either."""
    transport, sizes = BlockTransport(TINY), _sizes(TINY, DESIGN ^ 1 << 40)
    driver = CDriver(library(tmp_path, [_DRIVER]), Hooks(transport, sizes["word_bytes"]), sizes)
    assert driver.call("open") is Result.OTHER_DESIGN
    assert transport.writes == 0


def test_example(folder: Path, rtl: Verilated, tmp_path: Path) -> None:
    """The program for bare metal trains the Verilated block, and says that it has learned."""
    program = library(tmp_path, [_DRIVER, EXAMPLE], f"-I{folder}", "-Dmain=bare_metal", "-Wno-missing-prototypes")
    hooks = Hooks(rtl, _sizes(named.load("tiny"), 0)["word_bytes"])
    hooks.connect(program)
    assert program.bare_metal() == 0
    assert rtl.read(json.loads((folder / "manifest.json").read_text())["registers"]["COUNTER_UPDATES"]["address"]) == 96


#: What compilers call by themselves.
_SUPPORT = """\
#include <stddef.h>
void *memset(void *to, int value, size_t size) {
    for (volatile char *at = to; size--;) *at++ = (char)value;
    return to;
}
void *memcpy(void *to, const void *from, size_t size) {
    const char *next = from;
    for (volatile char *at = to; size--;) *at++ = *next++;
    return to;
}
"""


@pytest.mark.parametrize("processor", PROCESSORS)
def test_bare_metal(processor: str, tmp_path: Path) -> None:
    """Driver and example compile for a processor without an operating system, and need nothing else."""
    known = PROCESSORS[processor][0]
    commands = [command.split() for command in known if shutil.which(command.split()[0])]
    if not commands:
        pytest.skip(f"no compiler for {processor}: none of {', '.join(command.split()[0] for command in known)}")
    (tmp_path / constants.HEADER_FILE).write_text(constants.header(named.load("tiny"), 1, Names()))
    (tmp_path / "support.c").write_text(_SUPPORT)
    options = ["-std=c99", *STRICT, f"-I{tmp_path}", "-ffreestanding", "-nostdlib", "-Wl,-e,main"]
    for command in commands:
        # without a linker for the processor it is compiled all the same
        rest = ["-lgcc"] if command[0].endswith("gcc") else ["-c"]
        _compiles([*command, *options, str(_DRIVER), str(EXAMPLE), "support.c", *rest], tmp_path)


@pytest.mark.parametrize("language", ["c99", "c11", "c++11", "c++20"])
def test_languages(language: str, tmp_path: Path) -> None:
    """C and C++ compilers take driver and example."""
    (tmp_path / constants.HEADER_FILE).write_text(constants.header(named.load("tiny"), 1, Names()))
    kind, compiler = ("c++", "c++") if "++" in language else ("c", "cc")
    options = [f"-std={language}", *STRICT, f"-I{tmp_path}", "-c", "-x", kind]
    _compiles([compiler, *options, str(_DRIVER), str(EXAMPLE)], tmp_path)


def _compiles(command: list[str], folder: Path) -> None:
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
