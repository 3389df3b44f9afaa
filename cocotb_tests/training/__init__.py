"""Tests of training/, which need PyTorch."""
