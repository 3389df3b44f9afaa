// How to put a machine into a system of AXI buses, whose reset is active low and whose accesses have no protection.
// Widths come from the package of the machine.
module mtj_gxnor_subsystem (
    input  logic aclk,
    input  logic aresetn,
    // AXI4-Lite: control and status; addresses count bytes from the base that the system gives the machine
    input  logic s_axi_awvalid,
    output logic s_axi_awready,
    input  logic [mtj_gxnor_pkg::ADDRESS_BITS-1:0] s_axi_awaddr,
    input  logic s_axi_wvalid,
    output logic s_axi_wready,
    input  logic [mtj_gxnor_pkg::DATA_BITS-1:0] s_axi_wdata,
    input  logic [mtj_gxnor_pkg::DATA_BITS/8-1:0] s_axi_wstrb,
    output logic s_axi_bvalid,
    input  logic s_axi_bready,
    output logic [1:0] s_axi_bresp,
    input  logic s_axi_arvalid,
    output logic s_axi_arready,
    input  logic [mtj_gxnor_pkg::ADDRESS_BITS-1:0] s_axi_araddr,
    output logic s_axi_rvalid,
    input  logic s_axi_rready,
    output logic [mtj_gxnor_pkg::DATA_BITS-1:0] s_axi_rdata,
    output logic [1:0] s_axi_rresp,
    // AXI4-Stream: samples and loads in, predictions and dumps out
    input  logic s_axis_tvalid,
    output logic s_axis_tready,
    input  logic [mtj_gxnor_pkg::TDATA_BITS-1:0] s_axis_tdata,
    input  logic s_axis_tlast,
    output logic m_axis_tvalid,
    input  logic m_axis_tready,
    output logic [mtj_gxnor_pkg::TDATA_BITS-1:0] m_axis_tdata,
    output logic m_axis_tlast,
    output logic irq
);
  // the reset of the machine is synchronous: two flip-flops bring aresetn to the clock
  logic [1:0] reset;
  always_ff @(posedge aclk) reset <= {reset[0], ~aresetn};

  mtj_gxnor_axi machine (
      .clk(aclk),
      .rst(reset[1]),
      .s_axi_awvalid,
      .s_axi_awready,
      .s_axi_awaddr,
      .s_axi_awprot(3'b000),
      .s_axi_wvalid,
      .s_axi_wready,
      .s_axi_wdata,
      .s_axi_wstrb,
      .s_axi_bvalid,
      .s_axi_bready,
      .s_axi_bresp,
      .s_axi_arvalid,
      .s_axi_arready,
      .s_axi_araddr,
      .s_axi_arprot(3'b000),
      .s_axi_rvalid,
      .s_axi_rready,
      .s_axi_rdata,
      .s_axi_rresp,
      .s_axis_tvalid,
      .s_axis_tready,
      .s_axis_tdata,
      .s_axis_tlast,
      .m_axis_tvalid,
      .m_axis_tready,
      .m_axis_tdata,
      .m_axis_tlast,
      .irq
  );
endmodule
