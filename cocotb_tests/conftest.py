"""The tests need their simulator: say so once, before anything runs."""

import pytest

from cocotb_tests import block, runner


def pytest_configure() -> None:
    """Stop with one line when ``SIM`` or ``SEED`` cannot be used."""
    try:
        runner.check(block.simulator())
        runner.seed()
    except (runner.SimulatorError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header() -> str:
    """Say what decides the run."""
    return f"SIM={block.simulator()} SEED={runner.seed()}"
