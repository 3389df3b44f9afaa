// A block RAM of 2048 bytes of 9 bits with two ports, which the block RAMs of ECP5 and Gowin are made of here.
//
// Addresses count bits, 8 to a byte. Ports of 1, 2 and 4 bits do not see the ninth; ports of 18 and 36 bits have byte
// enables. Read while writing: MODE 0 keeps the output, 1 gives the new word, 2 the old one. What the other port
// writes in the same cycle is not seen.
module mtj_gxnor_block_ram #(
    parameter WIDTH_A = 18, WIDTH_B = 18, MODE_A = 0, MODE_B = 0, ASYNC = 0,
    // BYTE bits of INIT for a byte, PAIR for two
    parameter BYTE = 9, PAIR = 18, parameter [64 * 320 - 1 : 0] INIT = 0
) (
    input clk_a, en_a, we_a, rst_a, input [13:0] addr_a, input [3:0] be_a, input [35:0] di_a, output reg [35:0] do_a,
    input clk_b, en_b, we_b, rst_b, input [13:0] addr_b, input [3:0] be_b, input [35:0] di_b, output reg [35:0] do_b
);
    reg [8:0] memory [0 : 2047];
    integer i;
    initial begin
        for (i = 0; i < 2048; i = i + 1) begin
            memory[i] = 0;
            memory[i][BYTE - 1 : 0] = INIT[(i / 2) * PAIR + (i % 2) * BYTE +: BYTE];
        end
        do_a = 0;
        do_b = 0;
    end

    function [35:0] looked_up(input integer width, input [13:0] a);
        case (width)
            36: looked_up = {memory[{a[13:5], 2'd3}], memory[{a[13:5], 2'd2}], memory[{a[13:5], 2'd1}], memory[{a[13:5], 2'd0}]};
            18: looked_up = {18'b0, memory[{a[13:4], 1'd1}], memory[{a[13:4], 1'd0}]};
            9: looked_up = {27'b0, memory[a[13:3]]};
            4: looked_up = {32'b0, memory[a[13:3]][{a[2], 2'b0} +: 4]};
            2: looked_up = {34'b0, memory[a[13:3]][{a[2:1], 1'b0} +: 2]};
            default: looked_up = {35'b0, memory[a[13:3]][a[2:0]]};
        endcase
    endfunction

    function [35:0] merged(input integer width, input [3:0] be, input [35:0] old, input [35:0] given);
        merged = width < 18 ? given : {
            be[3] ? given[35:27] : old[35:27], be[2] ? given[26:18] : old[26:18],
            be[1] ? given[17:9] : old[17:9], be[0] ? given[8:0] : old[8:0]
        };
    endfunction

    wire [35:0] old_a = looked_up(WIDTH_A, addr_a), new_a = merged(WIDTH_A, be_a, old_a, di_a);
    wire [35:0] old_b = looked_up(WIDTH_B, addr_b), new_b = merged(WIDTH_B, be_b, old_b, di_b);

    always @(posedge clk_a) if (en_a && we_a) case (WIDTH_A)
        36: begin
            memory[{addr_a[13:5], 2'd3}] <= new_a[35:27];
            memory[{addr_a[13:5], 2'd2}] <= new_a[26:18];
            memory[{addr_a[13:5], 2'd1}] <= new_a[17:9];
            memory[{addr_a[13:5], 2'd0}] <= new_a[8:0];
        end
        18: begin
            memory[{addr_a[13:4], 1'd1}] <= new_a[17:9];
            memory[{addr_a[13:4], 1'd0}] <= new_a[8:0];
        end
        9: memory[addr_a[13:3]] <= new_a[8:0];
        4: memory[addr_a[13:3]][{addr_a[2], 2'b0} +: 4] <= new_a[3:0];
        2: memory[addr_a[13:3]][{addr_a[2:1], 1'b0} +: 2] <= new_a[1:0];
        default: memory[addr_a[13:3]][addr_a[2:0]] <= new_a[0];
    endcase

    always @(posedge clk_b) if (en_b && we_b) case (WIDTH_B)
        36: begin
            memory[{addr_b[13:5], 2'd3}] <= new_b[35:27];
            memory[{addr_b[13:5], 2'd2}] <= new_b[26:18];
            memory[{addr_b[13:5], 2'd1}] <= new_b[17:9];
            memory[{addr_b[13:5], 2'd0}] <= new_b[8:0];
        end
        18: begin
            memory[{addr_b[13:4], 1'd1}] <= new_b[17:9];
            memory[{addr_b[13:4], 1'd0}] <= new_b[8:0];
        end
        9: memory[addr_b[13:3]] <= new_b[8:0];
        4: memory[addr_b[13:3]][{addr_b[2], 2'b0} +: 4] <= new_b[3:0];
        2: memory[addr_b[13:3]][{addr_b[2:1], 1'b0} +: 2] <= new_b[1:0];
        default: memory[addr_b[13:3]][addr_b[2:0]] <= new_b[0];
    endcase

    generate
        if (ASYNC) begin
            always @(posedge clk_a or posedge rst_a)
                if (rst_a) do_a <= 0; else if (en_a && !(we_a && MODE_A == 0)) do_a <= we_a && MODE_A == 1 ? new_a : old_a;
            always @(posedge clk_b or posedge rst_b)
                if (rst_b) do_b <= 0; else if (en_b && !(we_b && MODE_B == 0)) do_b <= we_b && MODE_B == 1 ? new_b : old_b;
        end else begin
            always @(posedge clk_a)
                if (rst_a) do_a <= 0; else if (en_a && !(we_a && MODE_A == 0)) do_a <= we_a && MODE_A == 1 ? new_a : old_a;
            always @(posedge clk_b)
                if (rst_b) do_b <= 0; else if (en_b && !(we_b && MODE_B == 0)) do_b <= we_b && MODE_B == 1 ? new_b : old_b;
        end
    endgenerate
endmodule
