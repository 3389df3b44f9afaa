"""The simulation top level around a whole machine: clock, sample player, result log, state files.

The host (Python) sets a command and wakes again when it is done; samples come from a file and the whole state goes to
and comes from a file, so that no Python runs per cycle or per word. The clock stands still between commands.

Where speed counts, the clock is not simulated: the C++ main program ticks it as long as `running` is high (`BURST`).
"""

from typing import Any

from golden.counters import COUNTER_BITS, COUNTERS
from sim.manifest_reader import plane_registers

_TEMPLATE = """\
// Simulation top level, generated from the manifest.
`timescale 1ns/1ns
{module}
  reg rst = 1;
  // host: set the command, then toggle `go`; `done` toggles when the clock stands still again
  reg go = 0, gone = 0, started = 0, done = 0;
  reg [31:0] clocks = 0, limit = 32'hffffffff;
  assign running = go != gone && clocks != limit;
  reg [{command_msb}:0] command__payload = 0;
  reg [{update_shifts_msb}:0] update_shifts = 0;
  // host: 0 samples and results never pause, 1 they pause at random, 2 they pause for long
  reg [1:0] stalls = 0;
  wire command__ready, samples__ready, results__valid, batch_done;
  wire [{results_msb}:0] results__payload;
  // the event counters as they were shown last, one per cycle; and those whose increments are 1 in this cycle
  wire [{counter_msb}:0] counter;
  wire [{count_msb}:0] count;
  reg [{counters_msb}:0] counters;
  reg [{count_msb}:0] shown [0:{counters} - 1];
  always @(posedge clk) shown[counter] <= count;
  wire [{phases_msb}:0] phases = dut.{increments}[{phases_msb}:0];
  reg command__valid = 0, samples__valid = 0, results__ready = 1;
  reg [{samples_msb}:0] samples__payload = 0;

  // what only a bus needs is 0, or not connected
  {top} dut (
{connections});

  // a command runs until the machine is ready for the next and all counters have been shown, a reset for two cycles
  reg [7:0] idle = 0;
  always @(posedge clk) begin
    clocks <= clocks + 1;
    if (rst) begin
      command__valid <= 0;
      started <= go != gone && !started;
      if (started) gone <= go;
    end else if (!started) begin
      command__valid <= go != gone;
      started <= go != gone;
      idle <= 0;
    end else if (command__valid) begin
      if (command__ready) command__valid <= 0;
    end else if (command__ready) begin
      idle <= idle + 1;
      if (idle == {turn}) begin
        gone <= go;
        started <= 0;
      end
    end
  end

  // sample player: words of {sample_bytes} bytes, lowest first, from the file named by +samples
  reg [8191:0] path;
  reg [{sample_file_msb}:0] word, swapped;
  integer at_byte;
  integer file = 0, got;
  reg play = 0;  // toggled by the host when the file holds new samples
  reg play_seen = 0;

  task next_word;
    begin
      got = 0;
      if (play != play_seen) begin
        if (file != 0) $fclose(file);
        if (!$value$plusargs("samples=%s", path)) path = "samples.bin";
        file = $fopen(path, "rb");
        play_seen = play;
      end
      if (file != 0) got = $fread(word, file);
      // which puts the first byte highest
      for (at_byte = 0; at_byte < {sample_bytes}; at_byte = at_byte + 1)
        swapped[8 * at_byte +: 8] = word[8 * ({sample_bytes} - 1 - at_byte) +: 8];
      samples__valid <= got == {sample_bytes};
      samples__payload <= swapped[{samples_msb}:0];
    end
  endtask

  // result log: prediction and label of every sample, one line each, to the file named by +results
  reg [8191:0] results_path;
  integer log = 0;
  always @(posedge clk) if (!rst && results__valid && results__ready) begin
    if (log == 0) begin
      if (!$value$plusargs("results=%s", results_path)) results_path = "results.txt";
      log = $fopen(results_path, "w");
    end
    $fwrite(log, "%0d %0d\\n", results__payload[{prediction_msb}:0], results__payload[{results_msb}:{prediction_bits}]);
  end

  // the host wakes with `done`, in some simulators at once: all that it looks at is there before
  integer at;
  always @(negedge running) begin
    for (at = 0; at < {counters}; at = at + 1) counters[at * {count_bits} +: {count_bits}] = shown[at];
    if (log != 0) $fflush(log);
    done = ~done;
  end

  reg [9:0] pauses = 10'h1;
  wire pause_samples = stalls == 1 ? pauses[0] : stalls == 2 && pauses[9];
  wire pause_results = stalls == 1 ? pauses[3] : stalls == 2 && !pauses[9];
  always @(posedge clk) begin
    // a counter for long pauses, a shift register with feedback for random ones
    pauses <= stalls == 2 ? pauses + 1 : {{pauses[8:0], pauses[9] ^ pauses[6]}};
    results__ready <= !pause_results;
    if (rst) samples__valid <= 0;
    else if (!samples__valid || samples__ready) begin
      if (pause_samples) samples__valid <= 0;
      else next_word;
    end
  end

  // the whole state, probe after probe, to or from the file named by +state; the host raises `dump` or `load`
  reg dump = 0, load = 0;
  reg [8191:0] state_path;
  integer state_file, i;
  always @(posedge dump) begin
    if (!$value$plusargs("state=%s", state_path)) state_path = "state.bin";
    state_file = $fopen(state_path, "wb");
{dumps}
    $fclose(state_file);
  end
  always @(posedge load) begin
    if (!$value$plusargs("state=%s", state_path)) state_path = "state.bin";
    state_file = $fopen(state_path, "rb");
{loads}
    for (i = 0; i < {counters}; i = i + 1) counters[i * {count_bits} +: {count_bits}] = dut.{counts}[i];
    $fclose(state_file);
  end
endmodule
"""

_CLOCK_FROM_OUTSIDE = "module harness(input clk, output running);"
_CLOCK_INSIDE = """\
module harness;
  reg clk = 0;
  wire running;
  always begin
    wait (running);
    #1 clk = 1;
    #1 clk = 0;
  end"""

#: Header that makes cocotb's main program tick the clock of the harness.
BURST = """\
// Ticks the clock while the harness asks for it: no simulation time passes, nothing else is looked at.
#include "Vtop.h"
class Burst : public Vtop {
  public:
    using Vtop::Vtop;
    void eval_step() {
        Vtop::eval_step();
        while (running) {
            clk = 1;
            Vtop::eval_step();
            clk = 0;
            Vtop::eval_step();
        }
    }
};
#define Vtop Burst
"""


#: Cycles in which the counters show everything that came before: a turn of all, and what is under way.
_TURN = len(COUNTERS) + 4


def _registers(probe: dict[str, Any]) -> str:
    """The register of a probe, or all its planes."""
    name = f"dut.{probe['path']}"
    return plane_registers(name, probe["planes"]) if probe["planes"] else name


def _dump(probe: dict[str, Any]) -> str:
    name = _registers(probe)
    if not probe["depth"]:
        return f'    $fwrite(state_file, "%u", {name});'
    return f'    for (i = 0; i < {probe["depth"]}; i = i + 1) $fwrite(state_file, "%u", {name}[i]);'


def _load(probe: dict[str, Any]) -> str:
    if not probe["planes"]:
        return f"    i = $fread({_registers(probe)}, state_file);"
    return f"""\
    begin : load_{probe["path"].replace(".", "_")}
      reg [{probe["width"] - 1}:0] planes;
      i = $fread(planes, state_file);
      {_registers(probe)} <= planes;
    end"""


def _connection(name: str, port: dict[str, Any]) -> str:
    """Connect a port of the machine to the signal of its name; where the harness has none, to 0 or to nothing."""
    nothing = "'0" if port["direction"] == "input" else ""
    return f"    .{name}({name if name in _CONNECTED else nothing})"


def write(manifest: dict[str, Any], *, clock_inside: bool) -> str:
    """Write the harness of a machine, SystemVerilog, from its manifest.

    Parameters
    ----------
    manifest : dict
        The manifest.
    clock_inside : bool
        Whether the harness makes its own clock, or has a port for it.
    """
    ports = manifest["modules"][manifest["top"]]["ports"]
    msb = {f"{name}_msb": ports[port]["width"] - 1 for name, port in _PORTS.items()}
    counts = manifest["probes"]["counters"]["path"]
    sample_bytes = (ports["samples__payload"]["width"] + 7) // 8
    prediction = ports["results__payload"]["fields"]["prediction"]["width"]
    return _TEMPLATE.format(
        module=_CLOCK_INSIDE if clock_inside else _CLOCK_FROM_OUTSIDE,
        top=manifest["top"],
        sample_bytes=sample_bytes,
        sample_file_msb=8 * sample_bytes - 1,
        prediction_msb=prediction - 1,
        prediction_bits=prediction,
        turn=_TURN,
        counters=len(COUNTERS),
        counters_msb=len(COUNTERS) * COUNTER_BITS - 1,
        count_bits=COUNTER_BITS,
        counts=counts,
        increments=f"{counts.rpartition('.')[0]}.increments",
        phases_msb=sum(name.startswith("cycles_") for name in COUNTERS) - 1,
        connections=",\n".join(_connection(name, port) for name, port in ports.items()),
        dumps="\n".join(_dump(probe) for probe in manifest["probes"].values()),
        loads="\n".join(_load(probe) for probe in manifest["probes"].values()),
        **msb,
    )


_PORTS = {
    "command": "command__payload",
    "update_shifts": "update_shifts",
    "results": "results__payload",
    "counter": "counter",
    "count": "count",
    "samples": "samples__payload",
}

#: Ports of the machine that the harness has a signal for.
_CONNECTED = {
    *("clk", "rst", "update_shifts", "batch_done", "counter", "count"),
    *(f"{name}__{part}" for name in ("command", "samples", "results") for part in ("valid", "ready", "payload")),
}

#: Signals of the harness that the host writes, and those it reads.
WRITTEN = ("rst", "go", "play", "stalls", "command__payload", "update_shifts", "limit", "dump", "load")
READ = ("done", "gone", "clocks", "counters", "phases")

#: Plus argument -> file of the work folder.
FILES = {"samples": "samples.bin", "results": "results.txt", "state": "state.bin"}
