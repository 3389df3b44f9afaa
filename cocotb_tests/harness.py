"""The simulation top level around a whole machine: clock, sample player, result log.

The host (Python) sets a command and wakes again when it is done; samples come from a file, so that no Python runs
per cycle. The clock stands still between commands.
"""

from typing import Any

_TEMPLATE = """\
// Simulation top level, generated from the manifest.
`timescale 1ns/1ns
module harness;
  reg clk = 0, rst = 1;
  // host: set the command, then `go`; `done` toggles when the machine is ready again
  reg go = 0, done = 0;
  reg [31:0] clocks = 0;
  reg [{command_msb}:0] command__payload = 0;
  reg [{rates_msb}:0] rates = 0;
  // host: 0 samples and results never pause, 1 they pause at random, 2 they pause for long
  reg [1:0] stalls = 0;
  wire command__ready, samples__ready, results__valid, batch_done;
  wire [{results_msb}:0] results__payload;
  wire [{counters_msb}:0] counters;
  reg command__valid = 0, samples__valid = 0, results__ready = 1;
  reg [{samples_msb}:0] samples__payload = 0;

  {top} dut (
    .clk(clk), .rst(rst),
    .command__valid(command__valid), .command__ready(command__ready), .command__payload(command__payload),
    .samples__valid(samples__valid), .samples__ready(samples__ready), .samples__payload(samples__payload),
    .results__valid(results__valid), .results__ready(results__ready), .results__payload(results__payload),
    .rates(rates), .batch_done(batch_done), .counters(counters));

  // sample player: words of {sample_bytes} bytes, most significant first, from the file named by +samples
  reg [8191:0] path;
  reg [{sample_file_msb}:0] word;
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
      samples__valid <= got == {sample_bytes};
      samples__payload <= word[{samples_msb}:0];
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

  reg [9:0] pauses = 10'h1;
  wire pause_samples = stalls == 1 ? pauses[0] : stalls == 2 && pauses[9];
  wire pause_results = stalls == 1 ? pauses[3] : stalls == 2 && !pauses[9];
  always @(posedge clk) begin
    // a counter for long pauses, a shift register with feedback for random ones
    pauses <= stalls == 2 ? pauses + 1 : {{pauses[8:0], pauses[9] ^ pauses[6]}};
    results__ready <= !pause_results;
    if (rst) begin
      samples__valid <= 0;
      command__valid <= 0;
    end else begin
      if (!samples__valid || samples__ready) begin
        if (pause_samples) samples__valid <= 0;
        else next_word;
      end
      if (command__valid && command__ready) command__valid <= 0;
    end
  end

  task cycle;
    begin
      #1 clk = 1;
      #1 clk = 0;
      clocks = clocks + 1;
    end
  endtask

  // a command runs until the machine is ready for the next
  always begin
    wait (go);
    go = 0;
    if (rst) begin
      cycle;
      cycle;
    end else begin
      command__valid = 1;
      cycle;
      while (command__valid || !command__ready) cycle;
    end
    if (log != 0) $fflush(log);
    done = ~done;
  end
endmodule
"""


def write(manifest: dict[str, Any]) -> str:
    """Write the harness of a machine, SystemVerilog, from its manifest."""
    ports = manifest["modules"][manifest["top"]]["ports"]
    msb = {f"{name}_msb": ports[port]["width"] - 1 for name, port in _PORTS.items()}
    sample_bytes = (ports["samples__payload"]["width"] + 7) // 8
    prediction = ports["results__payload"]["fields"]["prediction"]["width"]
    return _TEMPLATE.format(
        top=manifest["top"],
        sample_bytes=sample_bytes,
        sample_file_msb=8 * sample_bytes - 1,
        prediction_msb=prediction - 1,
        prediction_bits=prediction,
        **msb,
    )


_PORTS = {
    "command": "command__payload",
    "rates": "rates",
    "results": "results__payload",
    "counters": "counters",
    "samples": "samples__payload",
}

#: Signals of the harness that the host writes, and those it reads.
WRITTEN = ("rst", "go", "play", "stalls", "command__payload", "rates")
READ = ("done", "clocks", "counters")
