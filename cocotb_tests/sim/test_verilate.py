"""Programs and libraries of Verilog: what comes out, what is built anew, what is said when it cannot be."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sim import verilate, verilator
from sim.build import LOG, BuildError
from sim.verilate import Model

_COUNTER = """
module counter(input clk, output reg [{msb}:0] count);
  initial count = 0;
  always @(posedge clk) count <= count + 1;
endmodule
"""
_MAIN = """
#include <cstdio>
#include "Vtop.h"
int main() {
    Vtop top;
    for (int i = 0; i < 20; i++) { top.clk = i & 1; top.eval(); }
    printf("%d", int(top.count));
}
"""


def _model(msb: int = 7, *, quick: bool = True) -> Model:
    return Model("counter", {"counter.v": _COUNTER.format(msb=msb)}, _MAIN, "count", quick=quick)


def _says(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("quick", [True, False])
def test_program(quick: bool, tmp_path: Path) -> None:
    """The program does what the Verilog says, however and wherever it is compiled; what it cost is beside it."""
    program = verilate.build(_model(quick=quick), tmp_path / "a folder")
    assert _says(program) == "10"
    assert {path.name for path in program.parent.iterdir()} == {"count", "counter.v", LOG, verilate.COST}
    assert '"processor_seconds": ' in (program.parent / verilate.COST).read_text()


def test_nothing_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other Verilog, main program, options, compiler or Verilator are another build; the same is the same."""
    model = _model()
    built = [verilate.build(model, tmp_path)]
    written = built[0].stat().st_mtime_ns
    assert verilate.build(replace(model), tmp_path) == built[0]
    assert built[0].stat().st_mtime_ns == written
    built += [
        verilate.build(other, tmp_path)
        for other in (_model(2), replace(model, main=_MAIN.replace("20", "8")), replace(model, quick=False))
    ]
    assert [_says(program) for program in built] == ["10", "2", "4", "10"]
    monkeypatch.setattr(verilate, "_compile", lambda model, place, tool: (place / model.output).touch())
    monkeypatch.setattr(verilate, "_compiler", lambda: "another compiler")
    built.append(verilate.build(model, tmp_path))
    tool = verilator.find()
    monkeypatch.setattr(verilator, "find", lambda: replace(tool, version="another Verilator"))
    built.append(verilate.build(model, tmp_path))
    assert len(set(built)) == 6


@pytest.mark.parametrize(
    ("file", "main", "says"),
    [
        ("module counter; oops", _MAIN, r"^counter cannot be built: %Error: counter\.v:"),
        (_COUNTER.format(msb=3), "#include <nowhere.h>", "^counter cannot be built: .*nowhere.h"),
        (_COUNTER.format(msb=3), "int main(", "^counter cannot be built: main.cpp:"),
    ],
)
def test_mistakes(file: str, main: str, says: str, tmp_path: Path) -> None:
    """One line of whichever tool complains; its output is kept."""
    with pytest.raises(BuildError, match=says):
        verilate.build(Model("counter", {"counter.v": file}, main, "count", quick=True), tmp_path)
    (failed,) = tmp_path.glob("counter-*.failed")
    assert (failed / LOG).read_text().strip()


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that cannot write is one line, and what it has left is not used."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "c++").write_text("#!/bin/sh\necho half > count.o; echo 'error: No space left on device' >&2; exit 1\n")
    (tools / "c++").chmod(0o755)
    # kept for the whole process, so it must not be the false one that answers
    verilate._compiler()
    with monkeypatch.context() as full:
        full.setattr(verilate, "_RUNTIME", tmp_path / "runtime")
        full.setenv("PATH", f"{tools}:/usr/bin:/bin")
        with pytest.raises(BuildError, match=r"^counter cannot be built: error: No space left on device"):
            verilate.build(_model(), tmp_path / "builds")
    assert _says(verilate.build(_model(), tmp_path / "builds")) == "10"
