"""A small module with the ports of the block on a bus, written by hand: memory, stream echo, interrupt."""

import json
from pathlib import Path

from gen.verilog import AXI, convert
from golden.input_buffer import word_bytes

#: Registers: words below 0x100 are memory; a digest of where packets ended; words after which the interrupt rises.
ENDS, WORDS = 0x100, 0x104

#: Address and data of a write, address of a read are taken in any order; one access of a kind is under way at a time.
ECHO = """
module mtj_gxnor_axi(
  input clk, input rst,
  input s_axi_awvalid, output s_axi_awready, input [9:0] s_axi_awaddr, input [2:0] s_axi_awprot,
  input s_axi_wvalid, output s_axi_wready, input [31:0] s_axi_wdata, input [3:0] s_axi_wstrb,
  output reg s_axi_bvalid, input s_axi_bready, output reg [1:0] s_axi_bresp,
  input s_axi_arvalid, output s_axi_arready, input [9:0] s_axi_araddr, input [2:0] s_axi_arprot,
  output reg s_axi_rvalid, input s_axi_rready, output reg [31:0] s_axi_rdata, output reg [1:0] s_axi_rresp,
  input s_axis_tvalid, output s_axis_tready, input [MSB:0] s_axis_tdata, input s_axis_tlast,
  output reg m_axis_tvalid, input m_axis_tready, output reg [MSB:0] m_axis_tdata, output reg m_axis_tlast,
  output reg irq);
  reg [31:0] memory[0:63];
  reg [31:0] ends, all, words, alarm;
  reg has_address, has_data;
  reg [9:0] address;
  reg [31:0] data;
  reg [3:0] strobes;
  integer b;
  assign s_axi_awready = !has_address;
  assign s_axi_wready = !has_data;
  assign s_axi_arready = !s_axi_rvalid;
  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
  always @(posedge clk) begin
    if (s_axi_awvalid && s_axi_awready) begin has_address <= 1; address <= s_axi_awaddr; end
    if (s_axi_wvalid && s_axi_wready) begin has_data <= 1; data <= s_axi_wdata; strobes <= s_axi_wstrb; end
    if (s_axi_bvalid && s_axi_bready) s_axi_bvalid <= 0;
    if (has_address && has_data && !s_axi_bvalid) begin
      has_address <= 0;
      has_data <= 0;
      s_axi_bvalid <= 1;
      s_axi_bresp <= address < 10'h108 ? 2'd0 : 2'd2;
      if (address < 10'h100)
        for (b = 0; b < 4; b = b + 1) if (strobes[b]) memory[address[7:2]][8*b +: 8] <= data[8*b +: 8];
      if (address == 10'h104) begin alarm <= data; words <= 0; irq <= 0; end
    end
    if (s_axi_rvalid && s_axi_rready) s_axi_rvalid <= 0;
    if (s_axi_arvalid && s_axi_arready) begin
      s_axi_rvalid <= 1;
      s_axi_rresp <= s_axi_araddr < 10'h108 ? 2'd0 : 2'd2;
      s_axi_rdata <= s_axi_araddr == 10'h100 ? ends : s_axi_araddr == 10'h104 ? alarm :
        s_axi_araddr < 10'h108 ? memory[s_axi_araddr[7:2]] : 0;
    end
    if (m_axis_tready) m_axis_tvalid <= 0;
    if (s_axis_tvalid && s_axis_tready) begin
      m_axis_tvalid <= 1;
      m_axis_tdata <= s_axis_tdata;
      m_axis_tlast <= s_axis_tlast;
      all <= all + 1;
      if (s_axis_tlast) ends <= {ends[30:0], ends[31]} ^ all;
      words <= words + 1;
      if (words + 1 == alarm) irq <= 1;
    end
    if (rst) begin
      s_axi_bvalid <= 0; s_axi_rvalid <= 0; m_axis_tvalid <= 0; irq <= 0;
      ends <= 0; all <= 0; words <= 0; alarm <= 0; has_address <= 0; has_data <= 0;
    end
  end
endmodule
"""


def write_echo(folder: Path, group: int) -> Path:
    """Write the module where a generated one would be."""
    folder.mkdir()
    (folder / "echo.v").write_text(ECHO.replace("MSB", str(8 * word_bytes(group) - 1)))
    (folder / "files.f").write_text("echo.v\n")
    (folder / "manifest.json").write_text(json.dumps({"config": {"array": {"group": group}}, "bus": AXI}))
    return folder


def write_echo_board(folder: Path, group: int, bit_cycles: int = 4) -> Path:
    """Write the module with the link responder of a serial line around it, where a generated board would be."""
    from fpga.gateware.top import Top
    from fpga.gateware.verilog import BOARD, FILE

    write_echo(folder, group)
    clock = 1e6 * bit_cycles
    (folder / FILE).write_text(convert(Top(word_bytes(group), AXI, clock, 1_000_000), BOARD))
    (folder / "files.f").write_text(f"echo.v\n{FILE}\n")
    content = json.loads((folder / "manifest.json").read_text())
    content["line"] = {"clock_hz": clock, "baud": 1_000_000, "bit_cycles": bit_cycles}
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder
