// Cells of Gowin of which Yosys has no model. The PLL is a wire: simulation counts clock cycles. Registers inside
// multipliers and behind block RAMs are not modelled: Yosys does not use them.
module rPLL #(
    parameter FCLKIN = "100.0", DEVICE = "", DYN_IDIV_SEL = "false", DYN_FBDIV_SEL = "false", DYN_ODIV_SEL = "false",
    parameter IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 8, CLKFB_SEL = "internal", CLKOUT_BYPASS = "false"
) (
    input CLKIN, CLKFB, RESET, RESET_P, input [5:0] FBDSEL, IDSEL, ODSEL, input [3:0] DUTYDA, PSDA, FDLY,
    output CLKOUT, LOCK
);
    assign CLKOUT = CLKIN;
    assign LOCK = !(RESET || RESET_P);
endmodule

module MULT9X9 (
    input [8:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, output [17:0] DOUT
);
    wire signed [9:0] a = {ASIGN & A[8], A}, b = {BSIGN & B[8], B};
    wire signed [19:0] product = a * b;
    assign DOUT = product[17:0];
endmodule

module MULT18X18 (
    input [17:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, output [35:0] DOUT
);
    wire signed [18:0] a = {ASIGN & A[17], A}, b = {BSIGN & B[17], B};
    wire signed [37:0] product = a * b;
    assign DOUT = product[35:0];
endmodule

module MULT36X36 (
    input [35:0] A, SIA, B, SIB, input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, output [71:0] DOUT
);
    wire signed [36:0] a = {ASIGN & A[35], A}, b = {BSIGN & B[35], B};
    wire signed [73:0] product = a * b;
    assign DOUT = product[71:0];
endmodule

// Contents of a block RAM, in 64 parameters, the first lowest.
`define INIT_PARAMETERS(BITS) parameter [(BITS) - 1:0] \
    INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0, INIT_RAM_03 = 0, INIT_RAM_04 = 0, INIT_RAM_05 = 0, \
    INIT_RAM_06 = 0, INIT_RAM_07 = 0, INIT_RAM_08 = 0, INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0, \
    INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0, INIT_RAM_0F = 0, INIT_RAM_10 = 0, INIT_RAM_11 = 0, \
    INIT_RAM_12 = 0, INIT_RAM_13 = 0, INIT_RAM_14 = 0, INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0, \
    INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0, INIT_RAM_1B = 0, INIT_RAM_1C = 0, INIT_RAM_1D = 0, \
    INIT_RAM_1E = 0, INIT_RAM_1F = 0, INIT_RAM_20 = 0, INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0, \
    INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0, INIT_RAM_27 = 0, INIT_RAM_28 = 0, INIT_RAM_29 = 0, \
    INIT_RAM_2A = 0, INIT_RAM_2B = 0, INIT_RAM_2C = 0, INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0, \
    INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0, INIT_RAM_33 = 0, INIT_RAM_34 = 0, INIT_RAM_35 = 0, \
    INIT_RAM_36 = 0, INIT_RAM_37 = 0, INIT_RAM_38 = 0, INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0, \
    INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0, INIT_RAM_3F = 0
`define INIT { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
    INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
    INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
    INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
    INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
    INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00}

module SP #(
    `INIT_PARAMETERS(256),
    parameter READ_MODE = 0, BIT_WIDTH = 32, BLK_SEL = 0, RESET_MODE = "SYNC", parameter [1:0] WRITE_MODE = 0
) (input CLK, CE, OCE, RESET, WRE, input [13:0] AD, input [2:0] BLKSEL, input [31:0] DI, output [31:0] DO);
    wire [35:0] found;
    assign DO = {found[34:27], found[25:18], found[16:9], found[7:0]};
    mtj_gxnor_block_ram #(
        .WIDTH_A((BIT_WIDTH < 8 ? BIT_WIDTH : BIT_WIDTH / 8 * 9)), .MODE_A(WRITE_MODE), .BYTE(8), .PAIR(16), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLK), .en_a(CE), .we_a(WRE), .rst_a(RESET), .addr_a(AD), .be_a(AD[3:0]), .di_a({1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}), .do_a(found),
        .clk_b(CLK), .en_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .addr_b(14'b0), .be_b(4'b0), .di_b(36'b0), .do_b()
    );
endmodule

module SPX9 #(
    `INIT_PARAMETERS(288),
    parameter READ_MODE = 0, BIT_WIDTH = 36, BLK_SEL = 0, RESET_MODE = "SYNC", parameter [1:0] WRITE_MODE = 0
) (input CLK, CE, OCE, RESET, WRE, input [13:0] AD, input [2:0] BLKSEL, input [35:0] DI, output [35:0] DO);
    wire [35:0] found;
    assign DO = found[35:0];
    mtj_gxnor_block_ram #(
        .WIDTH_A(BIT_WIDTH), .MODE_A(WRITE_MODE), .BYTE(9), .PAIR(18), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLK), .en_a(CE), .we_a(WRE), .rst_a(RESET), .addr_a(AD), .be_a(AD[3:0]), .di_a(DI), .do_a(found),
        .clk_b(CLK), .en_b(1'b0), .we_b(1'b0), .rst_b(1'b0), .addr_b(14'b0), .be_b(4'b0), .di_b(36'b0), .do_b()
    );
endmodule

module SDPB #(
    `INIT_PARAMETERS(256),
    parameter READ_MODE = 0, BIT_WIDTH_0 = 32, BIT_WIDTH_1 = 32, BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC"
) (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB, input [13:0] ADA, ADB, input [2:0] BLKSELA, BLKSELB,
    input [31:0] DI, output [31:0] DO
);
    wire [35:0] found;
    assign DO = {found[34:27], found[25:18], found[16:9], found[7:0]};
    mtj_gxnor_block_ram #(
        .WIDTH_A((BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9)), .WIDTH_B((BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9)), .BYTE(8), .PAIR(16), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA), .we_a(1'b1), .rst_a(RESETA), .addr_a(ADA), .be_a(ADA[3:0]), .di_a({1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}), .do_a(),
        .clk_b(CLKB), .en_b(CEB), .we_b(1'b0), .rst_b(RESETB), .addr_b(ADB), .be_b(4'b0), .di_b(36'b0), .do_b(found)
    );
endmodule

module SDPX9B #(
    `INIT_PARAMETERS(288),
    parameter READ_MODE = 0, BIT_WIDTH_0 = 36, BIT_WIDTH_1 = 36, BLK_SEL_0 = 0, BLK_SEL_1 = 0, RESET_MODE = "SYNC"
) (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB, input [13:0] ADA, ADB, input [2:0] BLKSELA, BLKSELB,
    input [35:0] DI, output [35:0] DO
);
    wire [35:0] found;
    assign DO = found[35:0];
    mtj_gxnor_block_ram #(
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .BYTE(9), .PAIR(18), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA), .we_a(1'b1), .rst_a(RESETA), .addr_a(ADA), .be_a(ADA[3:0]), .di_a(DI), .do_a(),
        .clk_b(CLKB), .en_b(CEB), .we_b(1'b0), .rst_b(RESETB), .addr_b(ADB), .be_b(4'b0), .di_b(36'b0), .do_b(found)
    );
endmodule

module DPB #(
    `INIT_PARAMETERS(256),
    parameter READ_MODE0 = 0, READ_MODE1 = 0, BIT_WIDTH_0 = 16, BIT_WIDTH_1 = 16, BLK_SEL_0 = 0, BLK_SEL_1 = 0,
    parameter RESET_MODE = "SYNC", parameter [1:0] WRITE_MODE0 = 0, WRITE_MODE1 = 0
) (
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB, input [13:0] ADA, ADB,
    input [2:0] BLKSELA, BLKSELB, input [15:0] DIA, DIB, output [15:0] DOA, DOB
);
    wire [35:0] found_a, found_b;
    assign DOA = {found_a[16:9], found_a[7:0]};
    assign DOB = {found_b[16:9], found_b[7:0]};
    mtj_gxnor_block_ram #(
        .WIDTH_A((BIT_WIDTH_0 < 8 ? BIT_WIDTH_0 : BIT_WIDTH_0 / 8 * 9)), .WIDTH_B((BIT_WIDTH_1 < 8 ? BIT_WIDTH_1 : BIT_WIDTH_1 / 8 * 9)),
        .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1), .BYTE(8), .PAIR(16), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA), .we_a(WREA), .rst_a(RESETA), .addr_a(ADA), .be_a(ADA[3:0]), .di_a({18'b0, {1'b0, DIA[15:8], 1'b0, DIA[7:0]}}), .do_a(found_a),
        .clk_b(CLKB), .en_b(CEB), .we_b(WREB), .rst_b(RESETB), .addr_b(ADB), .be_b(ADB[3:0]), .di_b({18'b0, {1'b0, DIB[15:8], 1'b0, DIB[7:0]}}), .do_b(found_b)
    );
endmodule

module DPX9B #(
    `INIT_PARAMETERS(288),
    parameter READ_MODE0 = 0, READ_MODE1 = 0, BIT_WIDTH_0 = 18, BIT_WIDTH_1 = 18, BLK_SEL_0 = 0, BLK_SEL_1 = 0,
    parameter RESET_MODE = "SYNC", parameter [1:0] WRITE_MODE0 = 0, WRITE_MODE1 = 0
) (
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB, input [13:0] ADA, ADB,
    input [2:0] BLKSELA, BLKSELB, input [17:0] DIA, DIB, output [17:0] DOA, DOB
);
    wire [35:0] found_a, found_b;
    assign DOA = found_a[17:0];
    assign DOB = found_b[17:0];
    mtj_gxnor_block_ram #(
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1),
        .MODE_A(WRITE_MODE0), .MODE_B(WRITE_MODE1), .BYTE(9), .PAIR(18), .ASYNC(RESET_MODE == "ASYNC"),
        .INIT(`INIT)
    ) ram (
        .clk_a(CLKA), .en_a(CEA), .we_a(WREA), .rst_a(RESETA), .addr_a(ADA), .be_a(ADA[3:0]), .di_a({18'b0, DIA}), .do_a(found_a),
        .clk_b(CLKB), .en_b(CEB), .we_b(WREB), .rst_b(RESETB), .addr_b(ADB), .be_b(ADB[3:0]), .di_b({18'b0, DIB}), .do_b(found_b)
    );
endmodule

`undef INIT_PARAMETERS
`undef INIT
