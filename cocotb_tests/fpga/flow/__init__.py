"""Tests of the bitstream flow."""
