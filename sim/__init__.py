"""Runs generated Verilog: finds simulators, builds once per content, drives machines and blocks, measures."""
