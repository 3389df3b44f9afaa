// Cells of iCE40 of which Yosys has no model, or none for a pin that is driven by one side. The PLL is a wire: simulation
// counts clock cycles.
module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "SIMPLE", parameter [3:0] DIVR = 0, parameter [6:0] DIVF = 0, parameter [2:0] DIVQ = 0,
    parameter [2:0] FILTER_RANGE = 0
) (input PACKAGEPIN, RESETB, BYPASS, output PLLOUTGLOBAL, LOCK);
    assign PLLOUTGLOBAL = PACKAGEPIN;
    assign LOCK = RESETB;
endmodule

// A pin for one direction, without registers.
module SB_IO #(parameter [5:0] PIN_TYPE = 0, parameter PULLUP = 0, NEG_TRIGGER = 0, IO_STANDARD = "SB_LVCMOS") (
    inout PACKAGE_PIN,
    input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
    output D_IN_0, D_IN_1
);
    generate
        if (PIN_TYPE[5:2] == 0) assign D_IN_0 = PACKAGE_PIN;
        else assign PACKAGE_PIN = D_OUT_0;
    endgenerate
endmodule
