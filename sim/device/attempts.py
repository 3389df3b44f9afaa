"""Counts switching attempts of the emulated array in RTL: a driver in SystemVerilog around the array alone."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen import verilog
from golden.config import MachineConfig
from golden.lib.errors import UserError
from golden.tables import TO_PARALLEL
from sim import verilate
from sim.manifest_reader import plane_registers

_DRIVER = """\
// Drives PULSE commands as the file named by +points asks, a line for each point: `code increase state pulses`. All
// synapses are in the state {{R2, R1}} before every pulse. Prints of every point how many devices were pulsed, how many
// switched, and in how many lanes.
`timescale 1ns/1ns
module driver;
  localparam LANES = {lanes}, DEVICES = {devices}, ROWS = {rows};
  localparam CODE_BITS = {code_bits};
  reg clk = 0, rst = 1;
  always #1 clk = !clk;

  reg valid = 0, increase = 0;
  reg [{row_width}-1:0] row = 0;
  reg [CODE_BITS-1:0] code = 0;
  wire [LANES*CODE_BITS-1:0] codes;
  genvar b;
  for (b = 0; b < CODE_BITS; b = b + 1) assign codes[b*LANES +: LANES] = {{LANES{{code[b]}}}};
  wire ready, done;
  wire [LANES-1:0] switched;
  wire [{row_width}-1:0] done_row;
  wire [{pulses_width}-1:0] pulses;
  wire [{switches_width}-1:0] switches;
  wire [{payload_width}-1:0] payload = {payload_width}'d{pulse} << {op_offset} | {payload_width}'(row) << {row_offset};
  synapse_array dut (
    .clk(clk), .rst(rst), .macro__command__valid(valid), .macro__command__ready(ready),
    .macro__command__payload(payload), .macro__drive('0), .macro__increase({{LANES{{increase}}}}), .macro__codes(codes),
    .macro__done(done), .macro__row(done_row), .macro__lanes(switched), .macro__pulses(pulses),
    .macro__switches(switches), .macro__sums(), .macro__row_sum(), .macro__products(), .macro__pulse_width());

  // the random words that pulses use, as planes, into the file named by +words
  reg [8191:0] path;
  integer log = 0;
  always @(posedge clk) begin
{dumps}
  end
  integer file, got, warm = 4, i, a_code, a_increase, a_state;
  longint count = 0, issued = 0, answered = 0, attempts = 0, flips = 0, lanes = 0;
  initial begin
    if (!$value$plusargs("points=%s", path)) $finish;
    file = $fopen(path, "r");
    if ($value$plusargs("words=%s", path)) log = $fopen(path, "wb");
  end
  always @(posedge clk) begin
    if (warm != 0) begin
      warm <= warm - 1;
      rst <= warm > 1;
    end else if (answered == count) begin
      // the next point: nothing is under way
      if (count != 0) $display("%0d %0d %0d", attempts, flips, lanes);
      got = $fscanf(file, "%d %d %d %d\\n", a_code, a_increase, a_state, count);
      if (got != 4) $finish;
      code <= a_code[CODE_BITS-1:0];
      increase <= a_increase[0];
      issued = 0; answered = 0; attempts = 0; flips = 0; lanes = 0;
      for (i = 0; i < ROWS; i = i + 1)
        dut.states[i] <= {{{start}}};
    end else begin
      if (valid && ready) begin
        issued = issued + 1;
        row <= row == ROWS - 1 ? 0 : row + 1;
      end
      if (done) begin
        answered = answered + 1;
        attempts = attempts + 64'(pulses);
        flips = flips + 64'(switches);
        lanes = lanes + $countones(switched);
        dut.states[done_row] <= {{{start}}};
      end
      // a row comes again only after its answer
      valid <= issued < count && issued - answered < ROWS - 1;
    end
  end
endmodule
"""


@dataclass(frozen=True)
class CountPoint:
    """What is counted.

    Attributes
    ----------
    code : int
        Width code, >= 1.
    direction : int
        `TO_ANTIPARALLEL` or `TO_PARALLEL`.
    device : int
        0 for R1, 1 for R2.
    pulses : int
        Pulses on all lanes, >= 1.
    """

    code: int
    direction: int
    device: int
    pulses: int

    @property
    def line(self) -> str:
        """Line for the driver; the states (0, 0) and (1, 1) let either write scheme reach one device alone."""
        to_parallel = self.direction == TO_PARALLEL
        return f"{self.code} {int(to_parallel == (self.device == 0))} {0 if to_parallel else 3} {self.pulses}\n"


class CountError(UserError):
    """The driver does not count what it should."""


def _driver(config: MachineConfig, described: dict[str, Any]) -> str:
    """Write the driver of a configuration's array, whose ports are described."""
    payload = described["macro__command__payload"]
    fields, devices = payload["fields"], config.array.devices

    def planes(bits: str) -> str:
        return ", ".join(f"{{LANES{{{bits.format(device)}}}}}" for device in reversed(range(devices)))

    def word(stream: int) -> str:
        return plane_registers(f"dut.lfsr{stream}.state", config.switching.threshold_bits)

    return _DRIVER.format(
        lanes=config.array.lanes,
        devices=devices,
        dumps="\n".join(
            f'    if (log != 0 && dut.lfsr{stream}.draw) $fwrite(log, "%u", {word(stream)});'
            for stream in range(config.array.streams_per_lane)
        ),
        rows=config.geometry.rows,
        code_bits=config.switching.code_bits,
        payload_width=payload["width"],
        pulse=fields["op"]["values"]["PULSE"],
        op_offset=fields["op"]["offset"],
        row_offset=fields["row"]["offset"],
        row_width=fields["row"]["width"],
        pulses_width=described["macro__pulses"]["width"],
        switches_width=described["macro__switches"]["width"],
        start=planes("a_state[{}]"),
    )


def count(config: MachineConfig, points: Sequence[CountPoint], folder: Path) -> NDArray[np.int64]:
    """Count attempts and switching events.

    Parameters
    ----------
    config : MachineConfig
        Its array has at least 8 rows.
    points : sequence of Point
        What to count, in this order; the random streams run on from one to the next.
    folder : Path
        Where programs are built, once per content.

    Returns
    -------
    ndarray of int64, shape (points, 2)
        Attempts, and devices that switched.

    Raises
    ------
    CountError
        If the array's own counts contradict each other.
    """
    program = _build(config, folder)
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "points.txt"
        path.write_text("".join(point.line for point in points))
        done = subprocess.run([program, f"+points={path}"], capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    if done.returncode or len(lines) != len(points):
        raise CountError(f"{program} ended after {len(lines)} of {len(points)} points: {done.stderr.strip()[-500:]}")
    counts = np.array(lines, np.int64)
    attempts = np.array([point.pulses for point in points]) * config.array.lanes
    reached = config.array.devices if config.array.scheme == "blind" else 1
    if (counts[:, 0] != attempts * reached).any() or (counts[:, 1] != counts[:, 2]).any():
        raise CountError(f"{program}: pulses, switches and switched lanes contradict each other")
    return np.stack([attempts, counts[:, 1]], axis=1)


def words(config: MachineConfig, draws: int, folder: Path) -> NDArray[np.uint32]:
    """Record the random words with which the array compares its thresholds.

    Parameters
    ----------
    config : MachineConfig
        Lanes of a slice times `switching.threshold_bits` are a multiple of 32.
    draws : int
        Pulses, each of which draws once for every slice of lanes.
    folder : Path
        Where programs are built, once per content.

    Returns
    -------
    ndarray of uint32, shape (draws * slices, streams)
        Words of the lanes, the second streams after all first ones.
    """
    program = _build(config, folder)
    lanes, bits = config.array.slice_lanes, config.switching.threshold_bits
    with tempfile.TemporaryDirectory() as work:
        points, log = Path(work) / "points.txt", Path(work) / "words.bin"
        points.write_text(CountPoint(1, TO_PARALLEL, 0, draws).line)
        done = subprocess.run([program, f"+points={points}", f"+words={log}"], capture_output=True, check=False)
        if done.returncode:
            raise CountError(f"{program} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        raw = np.fromfile(log, np.uint8)
    planes = np.unpackbits(raw, bitorder="little").reshape(-1, config.array.streams_per_lane, bits, lanes)
    found = np.zeros((len(planes), config.array.streams_per_lane, lanes), np.uint32)
    for bit in range(bits):
        found |= planes[:, :, bit].astype(np.uint32) << np.uint32(bit)
    return found.reshape(len(planes), -1)


def _build(config: MachineConfig, folder: Path) -> Path:
    """Build the driver with the array, unless the same is there already."""
    files = verilog.block_files(config, "attempts", "synapse_array")
    (array,) = files["files.f"].split()
    described = json.loads(files["manifest.json"])["modules"]["synapse_array"]["ports"]
    sources = {"driver.sv": _driver(config, described), array: files[array]}
    model = verilate.Model("driver", sources, "", "attempts", options=("--main", "--timing", "-Wno-MULTIDRIVEN"))
    return verilate.build(model, folder)
