"""Tests of the C driver."""
