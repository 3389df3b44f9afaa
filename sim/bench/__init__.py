"""Benchmarks: how fast every way of running the machine is, side by side in one run."""
