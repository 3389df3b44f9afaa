"""Memories in which a row is never read while it is written, or to no purpose (`hdl.lib.ram_pipeline`)."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.lib import wiring

from cocotb_tests.machine import rtl
from gen import config as named
from gen import lowering, verilog
from gen.logic import Assign, Body, ModuleLogic, Node
from golden.gradient_memory import GradientParameters
from golden.tables import PulseParameters

SIM = os.environ.get("SIM", "verilator")
pytestmark = pytest.mark.skipif(SIM == "icarus", reason="the four-state tier is small")


def _ports(body: Body, enable: Node | None = None) -> Iterator[tuple[Node | None, Assign]]:
    """Yield all assignments with the condition that they stand under."""
    for item in body:
        if isinstance(item, Assign):
            yield enable, item
            continue
        for branch in item.branches:
            yield from _ports(branch.body, branch.when if isinstance(branch.when, Node) else None)


def _spoil(module: ModuleLogic, *, always: bool) -> list[str]:
    """Let reads of such memories give the inverse of a row while that row is written, or while any is."""
    logic = module.logic
    spoiled: list[str] = []
    for memory in [variable for variable in module.variables if "no_rw_check" in variable.attributes]:
        ports = [port for clock in module.clocks for port in _ports(clock.branch.body)]
        ((enable, write),) = [port for port in ports if port[1].target is memory]
        ((_, read),) = [port for port in ports if port[1].value.op == "row" and port[1].value.variable is memory]
        assert enable is not None
        assert write.row is not None
        (row,) = read.value.args
        collides = enable if always else logic.operator("&", enable, logic.operator("==", write.row, row))
        read.value = logic.mux(collides, logic.operator("~", read.value), read.value)
        spoiled.append(memory.name)
    return spoiled


@pytest.mark.parametrize(("slices", "stages"), [(1, 1), (2, 2), (4, 3)])
@pytest.mark.parametrize("always", [False, True])
def test_collisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slices: int, stages: int, always: bool) -> None:
    """A row that is read while it is written may be anything; one that is read while another is written may not."""
    config = named.load("tiny")
    config = replace(
        config,
        array=replace(config.array, slices=slices, stages=stages),
        pulse=PulseParameters(nu_bits=2, slope=3.0, dead_zone=1),
        gradient=GradientParameters(bits=5, leak=3, reset_on_switch=True),
        training=replace(config.training, update_shifts=(2, 3, 2)),
    )
    spoiled: list[str] = []

    def modules(component: wiring.Component, name: str) -> list[ModuleLogic]:
        found = lowering.modules(component, name)
        for module in found:
            spoiled.extend(_spoil(module, always=always))
        return found

    monkeypatch.setattr(verilog, "modules", modules)
    files = verilog.machine_files(config, "spoiled")
    print(", ".join(spoiled))
    assert {"states", "sums", "switched_mask", "counts", "trits", "activation", "derivative", "error"} <= set(spoiled)
    outcome = rtl.present(files, tmp_path, batches=6, simulator=SIM)
    assert bool(outcome.mismatch) == always, outcome.mismatch
