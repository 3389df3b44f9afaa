"""Faults seeded into every block of the generated Verilog: the comparison of the whole machine must catch each.

One simulation has all of them, and a run of it one: what differs between two runs is the fault alone.
"""

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
        r"(switched__payload = \{macro__row, macro__lanes)",
        r"\1 & 4'he",
    ),
    "periphery: activations and errors go to one group": (
        "periphery.v",
        "periphery",
        r"(\btarget3 <= )\S+;",
        r"\1target3;",
    ),
    "periphery: hidden offsets never train": (
        "periphery.v",
        "periphery",
        r"(train = )\(unit_output \| unit_hidden\)",
        r"\1unit_output",
    ),
    "collector: mask counts wrong": ("periphery.v", "periphery_collector", r"left - 4'h2", "left - 4'h1"),
    "column driver: plane inverted": (
        "periphery.v",
        "periphery_column_driver",
        r"(drive0 <= \{)word",
        r"\1~word",
    ),
    "error unit: hidden shift missing": (
        "periphery.v",
        "periphery_error_unit",
        r"(scaled0 = )\{(\S+)\[7\], \2\[7:1\]\}",
        r"\1\2",
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
        r"~leak_half0",
        "leak_half0",
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
        r"mask_cleared <= arriving.*;",
        "mask_cleared <= 1'h0;",
    ),
    "sequencer: nothing is cleared": ("periphery.v", "periphery_sequencer", r"== 5'h11", "== 5'h1f"),
    "neurons: state written to another group": (
        "periphery.v",
        "periphery_neurons",
        r"target3 <= target;",
        "target3 <= target1;",
    ),
    "neurons: threshold excluded": ("periphery.v", "periphery_neurons", r"(fires0 = .*)<=", r"\1<"),
    "row driver: second event of a group lost": (
        "periphery.v",
        "periphery_row_driver",
        r"assign rest = mask & .*;",
        "assign rest = 2'h0;",
    ),
    "sequencer: batch too short": ("periphery.v", "periphery_sequencer", r"batch_left == 16'h1", "batch_left == 16'h2"),
    "update unit: polarity inverted": (
        "periphery.v",
        "periphery_update_unit",
        r"held_row, ~decrease",
        "held_row, decrease",
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


#: An assignment of one line: what is assigned to, and what.
_ASSIGNMENT = re.compile(r"( *(?:assign )?\S.*? <?= )(.*);")
#: A module's header, and the variable that chooses a fault by its number, counted from 1.
_HEADER = re.compile(r"(?ms)^module .*?;$")
_CHOICE = r"""\g<0>
  integer chosen_fault;
  initial if (!$value$plusargs("fault=%d", chosen_fault)) chosen_fault = 0;"""


def with_choice(files: dict[str, str]) -> dict[str, str]:
    """Put all faults into a machine; ``+fault=NUMBER`` chooses one when the simulation starts, else there is none."""
    plain = {file: files[file].splitlines() for file in ("array.v", "periphery.v")}
    edited = {file: [*lines] for file, lines in plain.items()}
    for number, (file, *fault) in enumerate(FAULTS.values(), 1):
        for at, (line, wrong_line) in enumerate(
            zip(plain[file], mutate(files[file], *fault).splitlines(), strict=True)
        ):
            if line != wrong_line:
                right, wrong = _ASSIGNMENT.fullmatch(edited[file][at]), _ASSIGNMENT.fullmatch(wrong_line)
                assert right, edited[file][at]
                assert wrong, wrong_line
                assert right[1] == wrong[1], wrong_line
                edited[file][at] = f"{right[1]}chosen_fault == {number} ? {wrong[2]} : {right[2]};"
    return files | {file: _HEADER.sub(_CHOICE, "\n".join(lines) + "\n") for file, lines in edited.items()}


def _present(work: Path, fault: int) -> rtl.Presented:
    """Present `tiny` with sums that saturate and return to 0 on a switch, and updates of several steps."""
    config = named.load("tiny")
    config = replace(
        config,
        pulse=PulseParameters(nu_bits=2, slope=3.0, dead_zone=1),
        gradient=GradientParameters(bits=5, leak=3, reset_on_switch=True),
        training=replace(config.training, update_shifts=(2, 3, 2)),
    )
    files = with_choice(rtl.generate(config))
    return rtl.present(files, work, batches=6, simulator=SIM, plusargs=(f"+fault={fault}",))


def test_no_fault(tmp_path: Path) -> None:
    """Without a fault there is nothing to catch, and what the faults break is exercised."""
    outcome = _present(tmp_path, 0)
    assert not outcome.mismatch
    assert outcome.counters["rows_pulsed"] > outcome.counters["update_rows"]


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(tmp_path: Path, name: str) -> None:
    """The comparison stops at the fault."""
    outcome = _present(tmp_path, list(FAULTS).index(name) + 1)
    print(f"{name}: {outcome.mismatch}")
    assert outcome.mismatch
