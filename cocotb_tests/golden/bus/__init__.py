"""Tests of the golden block on a bus."""
