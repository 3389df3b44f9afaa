"""Timing diagrams of the block, recorded from simulations of `tiny`."""
