"""A second array: plain SystemVerilog, one lane after another, random latency, no shared code with `hdl/`."""

from typing import Any

from golden.array.nonideal import NonidealParameters
from golden.config import MachineConfig
from golden.geometry import ceil_div

_TEMPLATE = """\
// A slow array with the ports of mtj_gxnor_array, for the test of the macro boundary.
module mtj_gxnor_array (
  input clk, input rst,
  input macro__command__valid, output macro__command__ready, input [{command_msb}:0] macro__command__payload,
  input [{drive_msb}:0] macro__drive, input [{increase_msb}:0] macro__increase, input [{codes_msb}:0] macro__codes,
  output reg macro__done, output reg [{sums_msb}:0] macro__sums, output reg [{row_sum_msb}:0] macro__row_sum,
  output reg [{row_msb}:0] macro__row, output reg [{lanes_msb}:0] macro__lanes,
  output reg [{products_msb}:0] macro__products, output reg [{pulses_msb}:0] macro__pulses,
  output reg [{pulse_width_msb}:0] macro__pulse_width, output reg [{switches_msb}:0] macro__switches);
  localparam LANES = {lanes}, GROUP = {group}, DEVICES = {devices}, STREAMS = {streams}, BITS = {bits}, SLICE = {slice};
  localparam WIDTH = {width}, TAP = {tap}, LEAP = {leap}, BLIND = {blind}, ERROR_BITS = {error_bits};
  localparam CODE_BITS = {code_bits}, COLUMN_BITS = {column_bits}, ROW_LSB = {row_lsb}, ROW_BITS = {row_bits};
  localparam COEFFICIENT_LSB = {coefficient_lsb}, CODES = {codes}, WORD = 2*GROUP, TABLE = {table_bits};
  localparam LOADABLE_STREAMS = {loadable_streams}, LOADABLE_TABLE = {loadable_table};

  reg [LANES*DEVICES-1:0] states [0:{rows_msb}];
  reg [WIDTH-1:0] random [0:SLICE*STREAMS-1];
  integer sums [0:LANES-1];
  reg [16:0] thresholds [0:1][0:CODES-1];
  // the thresholds less one, as a host loads them; seeds shifted into each bank so far
  reg [TABLE-1:0] entries;
  integer shifted [0:STREAMS-1];
  integer base, entry;

  task read_entries;
    for (entry = 0; entry < 2*CODES; entry = entry + 1)
      thresholds[entry / CODES][entry % CODES] = {{{{17-BITS{{1'b0}}}}, entries[entry*BITS +: BITS]}} + 17'd1;
  endtask

  task restart;
    begin
      entries = {table_bits}'h{entries:x};
      read_entries;
      for (entry = 0; entry < STREAMS; entry = entry + 1) shifted[entry] = 0;
{seeds}
    end
  endtask

  reg busy;
  integer wait_left;
  reg [15:0] latency;
  assign macro__command__ready = !busy && latency[1:0] != 0;

  function integer bit_of(input [LANES*DEVICES-1:0] word, input integer device, input integer lane);
    bit_of = word[device*LANES + lane] ? 1 : 0;
  endfunction
  function integer weight(input [LANES*DEVICES-1:0] word, input integer lane);
    weight = DEVICES == 2 ? bit_of(word, 0, lane) - bit_of(word, DEVICES - 1, lane) : 2*bit_of(word, 0, lane) - 1;
  endfunction
  function integer driven(input [{drive_msb}:0] drive, input integer lane);
    integer b;
    begin
      driven = 0;
      for (b = 0; b < ERROR_BITS; b = b + 1)
        if (drive[b*LANES + lane]) driven = driven + (b == ERROR_BITS - 1 ? -(1 << b) : (1 << b));
    end
  endfunction

  reg [BITS-1:0] word;
  task draw(input integer stream);
    integer step;
    begin
      word = random[stream][BITS-1:0];
      for (step = 0; step < LEAP; step = step + 1)
        random[stream] = {{random[stream][TAP] ^ random[stream][0], random[stream][WIDTH-1:1]}};
    end
  endtask

  reg [LANES*DEVICES-1:0] row_states;
  reg [ROW_BITS-1:0] row;
  reg [BITS-1:0] words [0:1];
  integer lane, device, total, products, pulses, widths, switches, code, b, old, target, reached, bank;
  reg signed [ERROR_BITS-1:0] coefficient;

  task act;
    begin
      row = macro__command__payload[ROW_LSB +: ROW_BITS];
      coefficient = macro__command__payload[COEFFICIENT_LSB +: ERROR_BITS];
      row_states = states[row];
      total = 0; products = 0; pulses = 0; widths = 0; switches = 0;
      bank = {{30'b0, coefficient[1:0]}};
      case (macro__command__payload[3:0])
        0: for (lane = 0; lane < LANES; lane = lane + 1) begin
          sums[lane] = sums[lane] + coefficient*weight(row_states, lane);
          if (weight(row_states, lane) != 0) products = products + 1;
        end
        1: begin
          for (lane = 0; lane < GROUP; lane = lane + 1)
            macro__sums[lane*COLUMN_BITS +: COLUMN_BITS] <= sums[lane][COLUMN_BITS-1:0];
          for (lane = 0; lane < LANES; lane = lane + 1) sums[lane] = lane + GROUP < LANES ? sums[lane + GROUP] : 0;
        end
        2: begin
          for (lane = 0; lane < LANES; lane = lane + 1) begin
            total = total + weight(row_states, lane)*driven(macro__drive, lane);
            if (weight(row_states, lane)*driven(macro__drive, lane) != 0) products = products + 1;
          end
          macro__row_sum <= total[{row_sum_msb}:0];
        end
        5: if (LOADABLE_STREAMS != 0 && bank < STREAMS) begin
          shifted[bank] = shifted[bank] == WIDTH - 1 ? 0 : shifted[bank] + 1;
          for (lane = 0; lane < SLICE; lane = lane + 1) begin
            b = bank*SLICE + lane;
            random[b] = {{macro__drive[lane], random[b][WIDTH-1:1]}};
            if (shifted[bank] == 0 && random[b] == 0) random[b][WIDTH-1] = 1;
          end
        end
        6: begin
          for (lane = 0; lane < LANES; lane = lane + 1)
            for (device = 0; device < DEVICES; device = device + 1)
              row_states[device*LANES + lane] = macro__drive[device*LANES + lane];
          states[row] = row_states;
        end
        7: macro__lanes <= row_states[(coefficient[0] && DEVICES == 2 ? LANES : 0) +: LANES];
        8: if (LOADABLE_TABLE != 0) begin
          for (b = 0; b < TABLE - WORD; b = b + 1) entries[b] = entries[b + WORD];
          for (lane = 0; lane < GROUP; lane = lane + 1) begin
            entries[TABLE - WORD + lane] = macro__drive[LANES - GROUP + lane];
            entries[TABLE - GROUP + lane] = macro__drive[LANES + LANES - GROUP + lane];
          end
          read_entries;
        end
        default: begin
          macro__lanes <= 0;
          for (lane = 0; lane < LANES; lane = lane + 1) begin
            draw(lane % SLICE);
            words[0] = word; words[1] = word;
            if (STREAMS == 2) begin draw(SLICE + lane % SLICE); words[1] = word; end
            code = 0;
            for (b = 0; b < CODE_BITS; b = b + 1) if (macro__codes[b*LANES + lane]) code = code + (1 << b);
            for (device = 0; device < DEVICES; device = device + 1) begin
              old = bit_of(states[row], device, lane);
              if (macro__command__payload[3:0] == 3)
                row_states[device*LANES + lane] = words[device][BITS - 1 - (device == 1 && STREAMS == 1 ? 1 : 0)];
              else if (code != 0) begin
                // R1 goes parallel and R2 antiparallel when the weight shall increase
                target = (macro__increase[lane] ? 1 : 0) ^ device;
                if (BLIND != 0) reached = 1;
                else if (DEVICES == 1) reached = old != target ? 1 : 0;
                else if (macro__increase[lane])
                  reached = device == 1 ? bit_of(states[row], 1, lane)
                    : (bit_of(states[row], 0, lane) == 0 && bit_of(states[row], DEVICES - 1, lane) == 0 ? 1 : 0);
                else
                  reached = device == 0 ? bit_of(states[row], 0, lane)
                    : (bit_of(states[row], 0, lane) == 0 && bit_of(states[row], DEVICES - 1, lane) == 0 ? 1 : 0);
                if (reached != 0) begin
                  pulses = pulses + 1;
                  widths = widths + code;
                  if (old != target && {{1'b0, words[device]}} < thresholds[target][code][BITS:0]) begin
                    row_states[device*LANES + lane] = target[0];
                    macro__lanes[lane] <= 1;
                    switches = switches + 1;
                  end
                end
              end
            end
          end
          states[row] = row_states;
        end
      endcase
      macro__row <= row;
      macro__products <= products[{products_msb}:0];
      macro__pulses <= pulses[{pulses_msb}:0];
      macro__pulse_width <= widths[{pulse_width_msb}:0];
      macro__switches <= switches[{switches_msb}:0];
    end
  endtask

  always @(posedge clk) begin
    macro__done <= 0;
    latency <= {{latency[14:0], latency[15] ^ latency[13] ^ latency[12] ^ latency[10]}};
    if (rst) begin
      busy <= 0;
      wait_left <= 0;
      latency <= 16'hace1;
      restart;
      for (base = 0; base < LANES; base = base + 1) sums[base] = 0;
    end else if (busy) begin
      wait_left <= wait_left - 1;
      if (wait_left == 0) begin
        busy <= 0;
        macro__done <= 1;
      end
    end else if (macro__command__valid && macro__command__ready) begin
      act;
      busy <= 1;
      wait_left <= {{28'b0, latency[7:4]}};
    end
  end
endmodule
"""


def write(config: MachineConfig, manifest: dict[str, Any]) -> str:
    """Write the slow array of a configuration as SystemVerilog; it has no non-idealities."""
    if config.nonideal != NonidealParameters() or config.switching.variation_bins > 1:
        raise ValueError("the slow array is ideal: it has no variation, stuck devices or converters")
    ports = manifest["modules"]["mtj_gxnor_array"]["ports"]
    command = ports["macro__command__payload"]["fields"]
    array, switching = config.array, config.switching
    names = ("drive", "increase", "codes", "row", "sums", "row_sum", "lanes")
    names += ("products", "pulses", "pulse_width", "switches")
    less_one = [max(int(threshold), 1) - 1 for threshold in switching.thresholds.ravel()]
    bits = switching.threshold_bits
    seeds = [
        f"      random[{stream}] = {config.random.width}'h{int(state):x};"
        for stream, state in enumerate(config.random.seeds(array.streams))
    ]
    return _TEMPLATE.format(
        **{f"{name}_msb": ports[f"macro__{name}"]["width"] - 1 for name in names},
        command_msb=ports["macro__command__payload"]["width"] - 1,
        lanes=array.lanes,
        group=array.group,
        devices=array.devices,
        streams=array.streams_per_lane,
        bits=bits,
        slice=array.slice_lanes,
        width=config.random.width,
        tap=config.random.tap,
        leap=config.random.leap,
        blind=int(array.scheme == "blind"),
        error_bits=config.error.bits,
        code_bits=switching.code_bits,
        codes=switching.codes,
        table_bits=ceil_div(len(less_one) * bits, 2 * array.group) * 2 * array.group,
        entries=sum(entry << (at * bits) for at, entry in enumerate(less_one)),
        loadable_streams=int(config.random.loadable),
        loadable_table=int(switching.loadable),
        column_bits=config.geometry.column_bits,
        row_lsb=command["row"]["offset"],
        row_bits=command["row"]["width"],
        coefficient_lsb=command["coefficient"]["offset"],
        rows_msb=config.geometry.rows - 1,
        seeds="\n".join(seeds),
    )
