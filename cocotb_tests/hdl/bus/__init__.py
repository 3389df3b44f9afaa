"""Blocks of the bus against their golden twins."""
