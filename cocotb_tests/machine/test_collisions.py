"""Memories in which a row is never read while it is written, or to no purpose (`hdl.lib.ram_pipeline`)."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from cocotb_tests.machine import rtl
from gen import config as named
from golden.gradient_memory import GradientParameters
from golden.tables import PulseParameters

SIM = os.environ.get("SIM", "verilator")
pytestmark = pytest.mark.skipif(SIM == "icarus", reason="the four-state tier is small")

#: Declaration of such a memory: its name.
_APART = r"no_rw_check = .*\n(?:\s*\(\*.*\n)?\s*reg \[[^\]]*\] (\w+) \["
_WRITE = r"{name}\[([^\n]+)\] <= "
_READ = r"(\S+ *) <= {name}\[([^\n]+)\];"


def _spoil(text: str, collides: str) -> tuple[str, list[str]]:
    """Let reads give the inverse of a row when a condition on `enable` and `row` of the write and `read` row holds."""
    spoiled: list[str] = []

    def of_module(found: re.Match[str]) -> str:
        module = found[0]
        for name in re.findall(_APART, module):
            write = [found for found in re.finditer(_WRITE.format(name=name), module) if not found[1].isdigit()]
            assert len(write) == 1, f"{len(write)} writes to {name}"
            enable = re.findall(r"\bif \((.*)\) begin", module[: write[0].start()])[-1]
            # an address that is a variable of the branch, by what it is there
            row = dict(re.findall(r"^ *(?:assign )?(\S+) += (.*);", module[: write[0].start()], re.MULTILINE)).get(write[0][1])
            row = row or write[0][1]

            def read(hit: re.Match[str], name: str = name, enable: str = enable, row: str = row) -> str:
                when = collides.format(enable=enable, row=row, read=hit[2])
                return f"{hit[1]} <= {when} ? ~{name}[{hit[2]}] : {name}[{hit[2]}];"

            module, count = re.subn(_READ.format(name=name), read, module)
            assert count == 1, f"{count} reads of {name}"
            spoiled.append(name)
        return module

    return re.sub(r"(?ms)^module .*?^endmodule", of_module, text), spoiled


@pytest.mark.parametrize(("slices", "stages"), [(1, 1), (2, 2), (4, 3)])
@pytest.mark.parametrize("always", [False, True])
def test_collisions(tmp_path: Path, slices: int, stages: int, always: bool) -> None:
    """A row that is read while it is written may be anything; one that is read while another is written may not."""
    config = named.load("tiny")
    config = replace(
        config,
        array=replace(config.array, slices=slices, stages=stages),
        pulse=PulseParameters(nu_bits=2, slope=3.0, dead_zone=1),
        gradient=GradientParameters(bits=5, leak=3, reset_on_switch=True),
        training=replace(config.training, update_shifts=(2, 3, 2)),
    )
    files = rtl.generate(config)
    spoiled: list[str] = []
    for file in ("array.v", "periphery.v"):
        condition = "({enable})" if always else "({enable}) && ({row} == {read})"
        files[file], names = _spoil(files[file], condition)
        spoiled += names
    print(", ".join(spoiled))
    assert {"states", "sums", "switched_mask", "counts", "trits", "activation", "derivative", "error"} <= set(spoiled)
    outcome = rtl.present(files, tmp_path, batches=6, simulator=SIM)
    assert bool(outcome.mismatch) == always, outcome.mismatch
