"""Tests of the statistics of switching."""
