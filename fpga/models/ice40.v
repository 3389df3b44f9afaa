// Cells of iCE40 of which Yosys has no model that does something. The PLL is a wire: simulation counts clock cycles.
module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "SIMPLE", parameter [3:0] DIVR = 0, parameter [6:0] DIVF = 0, parameter [2:0] DIVQ = 0,
    parameter [2:0] FILTER_RANGE = 0
) (input PACKAGEPIN, RESETB, BYPASS, output PLLOUTGLOBAL, LOCK);
    assign PLLOUTGLOBAL = PACKAGEPIN;
    assign LOCK = RESETB;
endmodule
