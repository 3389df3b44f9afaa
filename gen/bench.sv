// A first sign of life of a machine on its bus: read ID, INIT_RANDOM the array, see it done. Fails with $fatal.
module mtj_gxnor_bench;
  import mtj_gxnor_pkg::*;

  // Cycles after which whatever is waited for counts as lost.
  localparam int LIMIT = 1_000_000;

  logic clk, rst = 1;
  logic awvalid = 0, awready, wvalid = 0, wready, bvalid, arvalid = 0, arready, rvalid;
  logic [ADDRESS_BITS-1:0] awaddr = '0, araddr = '0;
  logic [DATA_BITS-1:0] wdata = '0, rdata;
  logic [1:0] bresp, rresp;
  logic m_axis_tvalid, irq;

  mtj_gxnor_axi dut (
      .clk,
      .rst,
      .s_axi_awvalid(awvalid),
      .s_axi_awready(awready),
      .s_axi_awaddr (awaddr),
      .s_axi_awprot (3'b000),
      .s_axi_wvalid (wvalid),
      .s_axi_wready (wready),
      .s_axi_wdata  (wdata),
      .s_axi_wstrb  ({DATA_BITS / 8{1'b1}}),
      .s_axi_bvalid (bvalid),
      .s_axi_bready (1'b1),
      .s_axi_bresp  (bresp),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_araddr (araddr),
      .s_axi_arprot (3'b000),
      .s_axi_rvalid (rvalid),
      .s_axi_rready (1'b1),
      .s_axi_rdata  (rdata),
      .s_axi_rresp  (rresp),
      .s_axis_tvalid(1'b0),
      .s_axis_tready(),
      .s_axis_tdata ({TDATA_BITS{1'b0}}),
      .s_axis_tlast (1'b0),
      .m_axis_tvalid,
      .m_axis_tready(1'b1),
      .m_axis_tdata (),
      .m_axis_tlast (),
      .irq
  );

  initial begin
    clk = 0;
    forever #5 clk = ~clk;
  end

  initial begin
    repeat (LIMIT) @(posedge clk);
    $fatal(1, "nothing has come of it in %0d cycles", LIMIT);
  end

  // Signals are driven at the falling edge and looked at there, so that simulators agree on the order.
  task automatic write(input logic [ADDRESS_BITS-1:0] address, input logic [DATA_BITS-1:0] value);
    @(negedge clk);
    awaddr  = address;
    wdata   = value;
    awvalid = 1;
    wvalid  = 1;
    while (awvalid || wvalid) begin
      automatic logic taken_address = awready, taken_data = wready;
      @(negedge clk);
      if (taken_address) awvalid = 0;
      if (taken_data) wvalid = 0;
    end
    while (bvalid !== 1) @(negedge clk);
    if (bresp !== 2'b00) $fatal(1, "write of %h is answered %b", address, bresp);
    @(negedge clk);
  endtask

  task automatic expect_read(input logic [ADDRESS_BITS-1:0] address, input logic [DATA_BITS-1:0] value);
    automatic logic taken = 0;
    @(negedge clk);
    araddr  = address;
    arvalid = 1;
    while (!taken) begin
      taken = arready;
      @(negedge clk);
    end
    arvalid = 0;
    while (rvalid !== 1) @(negedge clk);
    if (rresp !== 2'b00) $fatal(1, "read of %h is answered %b", address, rresp);
    if (rdata !== value) $fatal(1, "%h reads %h, not %h", address, rdata, value);
    @(negedge clk);
  endtask

  initial begin
    repeat (2) @(negedge clk);
    rst = 0;
    expect_read(REG_ID, ID_VALUE[31:0]);
    expect_read(REG_DESIGN, DESIGN_VALUE[31:0]);
    expect_read(REG_DESIGN + 4, DESIGN_VALUE[63:32]);
    write(REG_ENABLE, 3);  // both reasons raise the interrupt
    write(REG_COMMAND, OP_INIT_RANDOM);
    write(REG_CONTROL, 1);  // START
    while (irq !== 1) @(negedge clk);
    expect_read(REG_INTERRUPT, 1);  // DONE, no error
    expect_read(REG_COUNTER_ROWS_INITIALISED, ROWS);
    write(REG_INTERRUPT, 1);
    expect_read(REG_INTERRUPT, 0);
    if (irq !== 0) $fatal(1, "the interrupt stays");
    if (m_axis_tvalid !== 0) $fatal(1, "INIT_RANDOM has output");
    $display("mtj_gxnor_bench: passed");
    $finish;
  end
endmodule
