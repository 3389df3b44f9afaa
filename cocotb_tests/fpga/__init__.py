"""Tests of the host's side: driver, transports, link."""
