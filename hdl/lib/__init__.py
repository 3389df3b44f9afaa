"""Helpers that are no blocks and have no twin: bit-planes, carry chains, memories with registers."""
