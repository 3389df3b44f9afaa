"""Tests of device physics."""
