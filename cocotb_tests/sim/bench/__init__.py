"""Tests of `sim/bench/`."""
