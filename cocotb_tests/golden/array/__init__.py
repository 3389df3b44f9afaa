"""Tests of the golden array."""
