"""Helpers that belong to no block."""
