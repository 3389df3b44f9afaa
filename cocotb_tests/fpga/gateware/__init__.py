"""Tests of the hardware around the machine."""
