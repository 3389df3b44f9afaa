"""The Makefile hands variables on as they were given, and no others."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
TEXT = MAKEFILE.read_text()
#: Target -> variables that its recipe hands on.
TARGETS = {
    target: set(re.findall(r"call option,[\w-]+,(\w+)|call quoted,\$\((?:or \$\()?(\w+)\)", recipe))
    for target, recipe in re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", TEXT, re.MULTILINE)
}


def make(target: str, *variables: str) -> subprocess.CompletedProcess[str]:
    """What ``make -n`` of a target says, whatever the ``make`` was told under which the tests run."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    command = ["make", "-n", target, *variables]
    return subprocess.run(command, cwd=MAKEFILE.parent, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", [name for name, variables in TARGETS.items() if variables])
def test_any_value(target: str) -> None:
    """A value with an apostrophe, blanks and commands of the shell is one word of the command that is run."""
    variables = sorted({name for pair in TARGETS[target] for name in pair if name})
    values = [f'it\'s; echo {name} `id` "x, y"' for name in variables]
    said = make(target, *(f"{name}={value}" for name, value in zip(variables, values, strict=True)))
    assert (said.returncode, said.stderr) == (0, "")
    words = shlex.split(said.stdout.replace("\\\n", " "))
    assert [value for value in values if value not in words] == []


def test_unknown_variable() -> None:
    """A variable that no target reads is one line, and nothing is run."""
    said = make("train", "EPOCS=3")
    assert (said.returncode, said.stdout) == (2, "")
    assert re.fullmatch(r"Makefile:\d+: \*\*\* unknown variable EPOCS: make help names .*Stop\.\n", said.stderr)


def test_nothing_else_is_quoted() -> None:
    """No variable stands between apostrophes of the Makefile's own, which one in its value would end."""
    assert re.findall(r"'\$\([^']*\)'", TEXT.replace("'$(subst ','\\'',$(1))'", "")) == []
