"""The C header of the register map: every language takes it, and every access is one access of one word."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gen import register_docs, register_map
from golden.bus.register_map import WORD, Kind, RegisterMap

ROOT = Path(register_map.__file__).resolve().parents[1]
INCLUDE = f"-I{(ROOT / register_docs.HEADER).parent}"

#: Languages -> names of compilers that may be there.
_LANGUAGES = {
    "c99": ("cc", "gcc", "clang"),
    "c11": ("cc", "gcc", "clang"),
    "c++11": ("c++", "g++", "clang++"),
    "c++20": ("c++", "g++", "clang++"),
}
#: Processors -> compilers for them, with options; the instructions that load and store one word.
PROCESSORS: dict[str, tuple[list[str], str, str]] = {
    "rv32imac": (
        [
            "riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32",
            "clang --target=riscv32-unknown-elf -march=rv32imac -mabi=ilp32",
        ],
        "lw",
        "sw",
    ),
    "rv64imac": (
        [
            "riscv64-unknown-elf-gcc -march=rv64imac -mabi=lp64",
            "clang --target=riscv64-unknown-elf -march=rv64imac -mabi=lp64",
        ],
        "lw",
        "sw",
    ),
    "cortex-m0": (
        ["arm-none-eabi-gcc -mthumb -mcpu=cortex-m0", "clang --target=arm-none-eabi -mthumb -mcpu=cortex-m0"],
        "ldr",
        "str",
    ),
    "cortex-m3": (
        ["arm-none-eabi-gcc -mthumb -mcpu=cortex-m3", "clang --target=arm-none-eabi -mthumb -mcpu=cortex-m3"],
        "ldr",
        "str",
    ),
    "cortex-a53": (
        ["aarch64-linux-gnu-gcc -mstrict-align", "clang --target=aarch64-none-elf -mstrict-align"],
        "ldr",
        "str",
    ),
}
#: An instruction that accesses memory.
_ACCESS = re.compile(
    r"^\s+((?:l[bhwd]u?|s[bhwd]|ldr\w*|ldm\w*|str\w*|stm\w*|ldp|stp|push|pop)(?:\.\w)?)\s", re.MULTILINE
)
#: Functions that access a register each, and how often they load and store.
_ACCESSES = {
    "uint32_t read(mtj_gxnor_t *m) { return m->STATUS; }": (1, 0),
    "uint32_t read_volatile(volatile mtj_gxnor_t *m) { return m->STATUS; }": (1, 0),
    "void write(mtj_gxnor_t *m) { m->CONTROL = 1; }": (0, 1),
    "void write_volatile(volatile mtj_gxnor_t *m) { m->CONTROL = 1; }": (0, 1),
    "void write_one_of_an_array(mtj_gxnor_t *m, uint32_t shift) { m->UPDATE_SHIFT[2] = shift; }": (0, 1),
    "void change_a_byte(mtj_gxnor_t *m) { m->ENABLE |= MTJ_GXNOR__ENABLE__DONE_bm; }": (1, 1),
    "uint8_t read_a_byte(mtj_gxnor_t *m) { return (uint8_t)(m->COMMAND & 0xffu); }": (1, 0),
    "uint32_t read_a_high_word(mtj_gxnor_t *m) { return m->COUNTER_SAMPLES[1]; }": (1, 0),
    "void look_twice(mtj_gxnor_t *m) { (void)m->STATUS; (void)m->STATUS; }": (2, 0),
}


def _map() -> RegisterMap:
    return register_map.read(register_map.compiled(register_map.MAX_LAYERS))


def compile_c(source: str, folder: Path, command: list[str]) -> str:
    """Compile to assembly text, every warning an error, on nothing but the compiler's own headers."""
    (folder / "program.c").write_text(f'#include "mtj_gxnor.h"\n{source}\n')
    warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
    command = [*command, *warnings, "-ffreestanding", "-O2", INCLUDE, "-S", "-o", "-", "program.c"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("language", _LANGUAGES)
def test_languages(language: str, tmp_path: Path) -> None:
    """A compiler takes the header without a warning, and has every register and field where the map has it."""
    compiler = next(filter(None, map(shutil.which, _LANGUAGES[language])), None)
    assert compiler, f"none of {', '.join(_LANGUAGES[language])} is there"
    checks = [f"sizeof(mtj_gxnor_t) == {max(_map().places) + WORD}"]
    for register in _map().registers:
        member = f"((mtj_gxnor_t *)0)->{register.name}"
        checks.append(f"offsetof(mtj_gxnor_t, {register.name}) == {register.address}")
        checks.append(f"sizeof({member}) == {WORD * register.words * max(1, register.count)}")
        for part in register.fields:
            name = f"MTJ_GXNOR__{register.name}__{part.name}"
            checks += [f"{name}_bm == {part.mask}ull", f"{name}_bp == {part.lsb}", f"{name}_bw == {part.width}"]
            if part.kind is not Kind.STATUS:
                checks.append(f"{name}_reset == {part.reset}")
            checks += [f"{name}__{value} == {number}" for value, number in part.values.items()]
    # an array of no element is an error in all of these languages
    lines = [f"typedef char check_{at}[({check}) ? 1 : -1];" for at, check in enumerate(checks)]
    kind = "c++" if "++" in language else "c"
    compile_c("#include <stddef.h>\n" + "\n".join(lines), tmp_path, [compiler, "-x", kind, f"-std={language}"])


@pytest.mark.parametrize("packed", [False, True], ids=["header", "packed"])
def test_alignment(packed: bool, tmp_path: Path) -> None:
    """A compiler knows that words are aligned, wherever it compiles for; a structure that is packed is caught."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler
    text = (ROOT / register_docs.HEADER).read_text()
    if packed:
        text = text.replace("typedef struct {", "typedef struct __attribute__((packed)) {")
    (tmp_path / "mtj_gxnor.h").write_text(text)
    (tmp_path / "program.c").write_text(
        f'#include "mtj_gxnor.h"\ntypedef char check[_Alignof(mtj_gxnor_t) == {WORD} ? 1 : -1];\n'
    )
    command = [compiler, "-std=c11", "-fsyntax-only", "program.c"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (finished.returncode == 0) is not packed, finished.stderr


@pytest.mark.parametrize("processor", PROCESSORS)
def test_accesses(processor: str, tmp_path: Path) -> None:
    """Every access in C is one load or store of a word in the processor's instructions, whatever byte is wanted."""
    known, load, store = PROCESSORS[processor]
    commands = [command.split() for command in known if shutil.which(command.split()[0])]
    if not commands:
        pytest.skip(f"no compiler for {processor}: none of {', '.join(command.split()[0] for command in known)}")
    for command in commands:
        assembly = compile_c("\n".join(_ACCESSES), tmp_path, [*command, "-std=c99"])
        for function, (loads, stores) in _ACCESSES.items():
            name = re.findall(r"(\w+)\(", function)[0]
            body = re.split(rf"^{name}:$", assembly, flags=re.MULTILINE)[1]
            body = re.split(r"^\s*\.size", body, flags=re.MULTILINE)[0]
            found = _ACCESS.findall(body)
            assert sorted(found) == sorted([load] * loads + [store] * stores), f"{command[0]}: {function}\n{body}"
