"""Tests of driver, transports and link."""
