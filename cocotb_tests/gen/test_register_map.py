"""The register map: what the contract promises, and that everything written from it is up to date."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from systemrdl.compiler import RDLCompiler

from gen import config as configs
from gen import manifest, register_docs, register_map
from golden.bus.register_bank import REFUSALS
from golden.bus.register_map import Field, Kind, Register, RegisterMap
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS

ROOT = Path(register_map.__file__).resolve().parents[1]

#: Register -> address, width, fields: name -> lowest bit, width, access, of the registers before the counters.
_WANTED: dict[str, tuple[int, int, dict[str, tuple[int, int, str]]]] = {
    "ID": (0x00, 32, {"VALUE": (0, 32, "r")}),
    "VERSION": (0x04, 32, {"MINOR": (0, 16, "r"), "MAJOR": (16, 16, "r")}),
    "DESIGN": (0x08, 64, {"VALUE": (0, 64, "r")}),
    "CONTROL": (0x10, 32, {"START": (0, 1, "pulse"), "STOP": (1, 1, "rw"), "RESET": (2, 1, "pulse")}),
    "STATUS": (
        *(0x14, 32),
        {
            name: (bit, 1, "r")
            for bit, name in enumerate(("BUSY", "WAITING", "PULSE_TABLE", "SWITCHING_TABLE", "NEURONS", "GRADIENTS"))
        },
    ),
    "COMMAND": (0x18, 32, {"OPERATION": (0, 4, "rw")}),
    "SAMPLES": (0x1C, 32, {"VALUE": (0, 32, "rw")}),
    "BATCH": (0x20, 32, {"VALUE": (0, 16, "rw")}),
    "TIMEOUT": (0x24, 32, {"VALUE": (0, 32, "rw")}),
    "INTERRUPT": (0x2C, 32, {"DONE": (0, 1, "w1c"), "ERROR": (1, 1, "r")}),
    "ENABLE": (0x30, 32, {"DONE": (0, 1, "rw"), "ERROR": (1, 1, "rw")}),
    "UPDATE_SHIFT": (0x80, 32, {"VALUE": (0, 6, "rw")}),
}


def _map(config: MachineConfig | None = None) -> RegisterMap:
    return register_map.register_map(config or configs.load("tiny"))


def _layers(count: int) -> MachineConfig:
    config = configs.load("tiny")
    training = replace(config.training, update_shifts=(config.pulse.nu_bits,) * count)
    return replace(config, layers=(2,) * (count + 1), training=training)


def _fields(register: Register) -> dict[str, tuple[int, int, str]]:
    return {part.name: (part.lsb, part.width, part.kind.access) for part in register.fields}


def test_addresses() -> None:
    """Addresses, widths, fields and access are those that drivers rely on."""
    found = _map()
    for name, wanted in _WANTED.items():
        register = found[name]
        assert (register.address, register.width, _fields(register)) == wanted
    assert found["ERROR"].address == 0x28
    names = [register.name for register in found.registers]
    assert names == [*sorted([*_WANTED, "ERROR"], key=lambda name: found[name].address), *names[len(_WANTED) + 1 :]]


def test_constants() -> None:
    """What a driver looks at first; all else is 0 after reset."""
    resets = {(r.name, part.name): part.reset for r, part in _map().fields() if part.reset}
    assert resets == {("ID", "VALUE"): 0x4D544A47, ("VERSION", "MAJOR"): 2}
    constants = {(r.name, part.name) for r, part in _map().fields() if part.kind is Kind.CONSTANT}
    assert constants == resets.keys() | {("VERSION", "MINOR")}


def test_counters() -> None:
    """One register of two words for every counter of the golden model, in its order and with its words."""
    counters = [register for register in _map().registers if register.name.startswith("COUNTER_")]
    assert [register.name for register in counters] == [f"COUNTER_{name.upper()}" for name in COUNTERS]
    assert [register.address for register in counters] == [0x100 + 8 * at for at in range(len(COUNTERS))]
    for register, meaning in zip(counters, COUNTERS.values(), strict=True):
        assert register.text.lower() == f"{meaning}."
        assert (register.width, register.buffered) == (64, True)
        assert _fields(register) == {"VALUE": (0, COUNTER_BITS, "r")}
    assert [register for register in _map().registers if register.buffered] == counters


@pytest.mark.parametrize("layers", [1, 2, 3, register_map.MAX_LAYERS])
def test_layers(layers: int) -> None:
    """There is an update shift for every layer; nothing else depends on the configuration."""
    found = _map(_layers(layers))
    assert (found["UPDATE_SHIFT"].count, found["UPDATE_SHIFT"].stride) == (layers, 4)
    others = [register for register in found.registers if register.name != "UPDATE_SHIFT"]
    assert others == [register for register in _map().registers if register.name != "UPDATE_SHIFT"]


def test_too_many_layers() -> None:
    """One line says what the limit is."""
    with pytest.raises(configs.ConfigError, match=r"^a block on a bus has at most 32 layers of synapses, not 33$"):
        _map(_layers(33))


def _table(section: str) -> Iterator[list[str]]:
    """Cells of the rows of the first table below a heading of docs/bus.md, without the table's head."""
    text = (ROOT / "docs" / "bus.md").read_text().split(f"\n## {section}\n", 1)[1]
    rows = re.search(r"^\|.*\n\|[ -|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows
    for row in rows[1].splitlines():
        yield [cell.strip() for cell in re.split(r"(?<!\|)\|(?!nu)", row)[1:-1]]


def test_operations() -> None:
    """The operations are those of docs/bus.md."""
    operations = _map()["COMMAND"].fields[0].values
    assert {row[0]: int(row[1]) for row in _table("Commands")} == operations
    assert list(operations.values()) == list(range(10))


def test_errors() -> None:
    """The errors are those of docs/bus.md; the bank's refusals are among them."""
    errors = _map()["ERROR"]
    assert [(str(part.lsb), part.name) for part in errors.fields] == [(row[0], row[1]) for row in _table("Errors")]
    assert errors.events == errors.fields
    assert len(errors.fields) == 15
    assert {reason.upper() for reason in REFUSALS} == {part.name for part in errors.fields if part.lsb >= 13}


def test_texts() -> None:
    """Every register and every field says what it means, in a sentence; errors say it in different ones."""
    for register, part in _map().fields():
        for text in (register.text, part.text):
            assert re.fullmatch(r"[A-Z0-9l].{8,150}\.", text), f"{register.name}.{part.name}: {text}"
    texts = [part.text for part in _map()["ERROR"].fields]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("file", [register_docs.REFERENCE, register_docs.HEADER])
def test_up_to_date(file: str) -> None:
    """What is written from the map is what the map says now."""
    assert (ROOT / file).read_text() == register_docs.files()[file], f"{file} is old: run make registers"


def test_reference() -> None:
    """The reference names every register, field, text and value."""
    text = (ROOT / register_docs.REFERENCE).read_text()
    for register in _map().registers:
        title = register.name.removeprefix("COUNTER_")
        heading = f"### {title} register\n\n- Absolute Address: 0x{register.address:X}\n"
        assert text.count(heading) == 1
        section = text.split(heading)[1]
        assert register.text in section
        for part in register.fields:
            assert f"#### {part.name} field\n\n<p>{part.text}</p>" in section
            for name, value in part.values.items():
                assert f"|{value}|{name}|" in text
    assert text.isascii()


def test_manifest() -> None:
    """The manifest has all of the map, as JSON."""
    described = manifest.registers(_map())
    assert json.loads(json.dumps(described)) == described
    for register in _map().registers:
        entry: dict[str, Any] = dict(described[register.name])
        fields = entry.pop("fields")
        array = {"count": 3, "stride": 4} if register.name == "UPDATE_SHIFT" else {}
        access = "rw" if any(part.kind.access != "r" for part in register.fields) else "r"
        assert entry == {
            "address": register.address,
            "width": register.width,
            "access": access,
            "text": register.text,
            **array,
        }
        assert fields.keys() == {part.name for part in register.fields}
        for part in register.fields:
            assert fields[part.name] == {
                "lsb": part.lsb,
                "width": part.width,
                "access": part.kind.access,
                "reset": part.reset,
                "text": part.text,
                **({"values": part.values} if part.values else {}),
            }
    assert list(described) == [register.name for register in _map().registers]
    assert described["COMMAND"]["fields"]["OPERATION"]["values"]["DUMP_NEURONS"] == 9


def _read(tmp_path: Path, body: str) -> RegisterMap:
    path = tmp_path / "map.rdl"
    path.write_text(f"addrmap other {{ {body} }};")
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return register_map.read(compiler.elaborate().top)


def test_other_maps(tmp_path: Path) -> None:
    """A map is read as it is written: files of registers, arrays, texts over several lines."""
    found = _read(
        tmp_path,
        """
        reg { field { sw = r; hw = w; } A[3:2]; desc = "One
            line."; } LATE @ 0x10;
        regfile { reg { field { sw = rw; hw = r; reset = 5; } VALUE[7:0]; } EACH[2] += 8; } SOME @ 0;
        """,
    )
    assert found == RegisterMap(
        (
            Register("SOME_EACH", 0, 32, (Field("VALUE", 0, 8, Kind.SETTING, reset=5),), count=2, stride=8),
            Register("LATE", 0x10, 32, (Field("A", 2, 2, Kind.STATUS),), "One line."),
        )
    )


@pytest.mark.parametrize(
    "properties",
    [
        "sw = rw; hw = r; onread = rclr;",
        "sw = rw; hw = r; onwrite = woset;",
        "sw = rw; hw = r; hwset; onwrite = woclr;",  # precedence of software
        "sw = rw; hw = w; we;",
        "sw = r; hw = w; counter;",
        "sw = w; hw = r;",
        "sw = rw; hw = rw;",
        "sw = r; hw = r;",
    ],
)
def test_fields_that_the_bank_cannot_have(properties: str, tmp_path: Path) -> None:
    """A field of another kind is refused by its path, not made into something else."""
    with pytest.raises(ValueError, match=r"other\.R\.F"):
        _read(tmp_path, f"reg {{ field {{ {properties} }} F[1] = 0; }} R @ 0;")


def test_arrays_of_two_dimensions(tmp_path: Path) -> None:
    """They are refused."""
    with pytest.raises(ValueError, match=r"other\.R.*: arrays have one dimension"):
        _read(tmp_path, "reg { field { sw = rw; hw = r; } F[1] = 0; } R[2][2] @ 0;")


def test_command_line(tmp_path: Path) -> None:
    """Reference, header and pages are written; a second time nothing changes."""
    for state in ("wrote", "unchanged:"):
        finished = subprocess.run(
            [sys.executable, "-m", "mtj_gxnor", "registers"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        files = f"{register_docs.REFERENCE}, {register_docs.HEADER}"
        assert finished.stdout == f"{state} {files}; wrote build/registers/html/index.html\n"
    for file, content in register_docs.files().items():
        assert (tmp_path / file).read_text() == content
    pages = tmp_path / "build" / "registers" / "html"
    assert "mtj-gxnor registers" in (pages / "index.html").read_text()
    for path in pages.rglob("*.html"):
        assert str(ROOT) not in path.read_text()
