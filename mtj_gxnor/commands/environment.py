"""``mtj-gxnor environment``: what a shell needs to find the project's tools."""

import shlex

from sim import verilator


def environment() -> None:
    """Print lines for a shell, with which other programs find Verilator and FuseSoC: eval "$(... environment)"."""
    for name, value in verilator.on_path().items():
        print(f"export {name}={shlex.quote(value)}")


COMMANDS = {"environment": environment}
