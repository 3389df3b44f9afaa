"""Tests of what runs generated Verilog."""
