"""From a configuration to Verilog and its manifest."""
