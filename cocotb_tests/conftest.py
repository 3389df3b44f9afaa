"""The tests need their simulator: say so once, before anything runs."""

import pytest

from sim import block_bench, runner


def pytest_configure() -> None:
    """Stop with one line when ``SIM`` or ``SEED`` cannot be used."""
    try:
        runner.check(block_bench.simulator())
        runner.seed()
    except (runner.SimulatorError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header() -> str:
    """Say what decides the run."""
    return f"SIM={block_bench.simulator()} SEED={runner.seed()}"
