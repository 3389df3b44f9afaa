"""The command line in this process."""

import contextlib
import io
from dataclasses import dataclass

from mtj_gxnor.__main__ import main


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed, errors too."""

    exit_code: int
    output: str


def call(*arguments: str) -> Result:
    """Run a command as a shell would."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            main(arguments)
        except SystemExit as ended:
            if isinstance(ended.code, str):
                # what the interpreter does with a message
                print(ended.code)
            return Result(ended.code if isinstance(ended.code, int) else int(ended.code is not None), output.getvalue())
    raise AssertionError("the command line did not exit")
