"""Faults seeded into every block of the generated Verilog: the comparison of the whole machine must catch each."""

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

#: Name -> file, module, regular expression that matches once in the module, replacement.
FAULTS = {
    "lfsr: wrong tap": ("array.v", "array_lfsr0", r"new0_0 = state0 \^ state31;", "new0_0 = state0 ^ state30;"),
    "array: strong zero reads as a weight": ("array.v", "array", r"nonzero = r1 \^ r2;", "nonzero = r1 | r2;"),
    "array: threshold loses its leading bit": (
        "array.v",
        "array",
        r"(flip_0 = .*)switch0_at_most15;",
        r"\1switch0_at_most14;",
    ),
    "array: row of another command answered": ("array.v", "array", r"macro__row <= row3", "macro__row <= row2"),
    "array: switched lanes of earlier pulses answered again": (
        "array.v",
        "array",
        r"macro__lanes <= lane_result_reg;",
        "macro__lanes <= lane_result_reg | macro__lanes;",
    ),
    "periphery: one lane's switching lost": (
        "periphery.v",
        "periphery",
        r"(switched__payload\[3:0\] = macro__lanes);",
        r"\1 & 4'he;",
    ),
    "periphery: activations and errors go to one group": (
        "periphery.v",
        "periphery",
        r"(\btarget <= )\S+ ?;",
        r"\1target;",
    ),
    "periphery: hidden offsets never train": (
        "periphery.v",
        "periphery",
        r"(assign \\\$\d+  = unit_output )\|.*;",
        r"\1;",
    ),
    "collector: mask counts wrong": ("periphery.v", "periphery_collector", r"left - 2'h2", "left - 2'h1"),
    "column driver: plane inverted": (
        "periphery.v",
        "periphery_column_driver",
        r"(drive \[3:0\] <= \{ )word",
        r"\1~word",
    ),
    "error unit: hidden shift missing": (
        "periphery.v",
        "periphery_error_unit",
        r"(scaled0 = .*)>>> 1'h1",
        r"\1>>> 1'h0",
    ),
    "counters: one counts down": (
        "periphery.v",
        "periphery_event_counters",
        r"cycles_init \+ ",
        "cycles_init - ",
    ),
    "gradient memory: no saturation": (
        "periphery.v",
        "periphery_gradient_memory",
        r"\bover = .*;",
        "over = 4'h0;",
    ),
    "gradient memory: leak off by one": (
        "periphery.v",
        "periphery_gradient_memory",
        r"leak_half0 \^ 4'hf",
        "leak_half0 ^ 4'h0",
    ),
    "gradient memory: second pulse of a row replaces the first": (
        "periphery.v",
        "periphery_gradient_memory",
        r"\bagain = .*;",
        "again = 1'h0;",
    ),
    "gradient memory: switched lanes keep their sums": (
        "periphery.v",
        "periphery_gradient_memory",
        r"\bkept = .*;",
        "kept = 4'hf;",
    ),
    "gradient memory: masks are never cleared": (
        "periphery.v",
        "periphery_gradient_memory",
        r"mask_cleared <= \\\$\d+ ;",
        "mask_cleared <= 1'h0;",
    ),
    "sequencer: nothing is cleared": ("periphery.v", "periphery_sequencer", r"== 5'h11;", "== 5'h1f;"),
    "neurons: state written to another group": (
        "periphery.v",
        "periphery_neurons",
        r"target3 <= target;",
        "target3 <= target1;",
    ),
    "neurons: threshold excluded": ("periphery.v", "periphery_neurons", r"(fires0 = .*)>=", r"\1>"),
    "row driver: second event of a group lost": (
        "periphery.v",
        "periphery_row_driver",
        r"assign rest = mask & .*;",
        "assign rest = 2'h0;",
    ),
    "sequencer: batch too short": ("periphery.v", "periphery_sequencer", r"batch_left == 1'h1", "batch_left == 2'h2"),
    "update unit: polarity inverted": (
        "periphery.v",
        "periphery_update_unit",
        r"= ~ decrease;",
        "= decrease;",
    ),
    "update unit: second step lost": (
        "periphery.v",
        "periphery_update_unit",
        r"\bkappa2 = .*;",
        "kappa2 = 4'h0;",
    ),
    "vector memory: window inverted": (
        "periphery.v",
        "periphery_vector_memory",
        r"assign window = ",
        "assign window = ~",
    ),
    "input buffer: trits negated": (
        "periphery.v",
        "periphery_input_buffer",
        r"(trits\[.*\] <= )",
        r"\1~",
    ),
}


def mutate(text: str, module: str, pattern: str, replacement: str) -> str:
    """Edit one module of a Verilog file; the pattern must match exactly once in it."""
    found = re.search(rf"(?ms)^module mtj_gxnor_{module}\b.*?^endmodule", text)
    assert found, f"no module {module}"
    edited, count = re.subn(pattern, replacement, found[0])
    assert count == 1, f"{pattern!r} matches {count} times in {module}"
    return text[: found.start()] + edited + text[found.end() :]


def _files() -> dict[str, str]:
    """Generate `tiny` with sums that saturate and return to 0 on a switch, and updates of several steps."""
    config = named.load("tiny")
    config = replace(
        config,
        pulse=PulseParameters(nu_bits=2, slope=3.0, dead_zone=1),
        gradient=GradientParameters(bits=5, leak=3, reset_on_switch=True),
        training=replace(config.training, update_shifts=(2, 3, 2)),
    )
    return rtl.generate(config)


def test_no_fault(tmp_path: Path) -> None:
    """Without a fault there is nothing to catch, and what the faults break is exercised."""
    outcome = rtl.present(_files(), tmp_path, batches=6, simulator=SIM)
    assert not outcome.mismatch
    assert outcome.counters["rows_pulsed"] > outcome.counters["update_rows"]


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(tmp_path: Path, name: str) -> None:
    """The comparison stops at the fault."""
    file, module, pattern, replacement = FAULTS[name]
    files = _files()
    files[file] = mutate(files[file], module, pattern, replacement)
    outcome = rtl.present(files, tmp_path, batches=6, simulator=SIM)
    print(f"{name}: {outcome.mismatch}")
    assert outcome.mismatch
