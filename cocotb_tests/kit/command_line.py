"""The command line in this process."""

import contextlib
import io
from dataclasses import dataclass

from mtj_gxnor.__main__ import main


@dataclass(frozen=True)
class Result:
    """How a command ended, what it printed, errors and progress."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything."""
        return self.stdout + self.stderr


def call(*arguments: str) -> Result:
    """Run a command as a shell would."""
    said, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        try:
            main(arguments)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            # what the interpreter does with a message
            message = f"{ended.code}\n" if isinstance(ended.code, str) else ""
            return Result(code, said.getvalue(), errors.getvalue() + message)
    raise AssertionError("the command line did not exit")
