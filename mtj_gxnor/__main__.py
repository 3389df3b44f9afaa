"""The command line: ``mtj-gxnor``, or ``python -m mtj_gxnor``.

A command's module is imported when it is called: PyTorch, Amaranth or a simulator are not needed for the help.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer

from golden.lib.errors import Interrupted, UserError
from golden.version import VERSION

#: The base of what a wrong command or option raises, to which typer gives no name.
_USAGE_ERROR: Any = typer.BadParameter.__base__

#: Command -> module of `mtj_gxnor.commands`, and what it does in one line.
COMMANDS = {
    "train": ("train", "Train in RTL beside the golden model, or golden alone."),
    "infer": ("infer", "Predict in RTL with a network trained elsewhere."),
    "verilog": ("generate", "Generate Verilog and packages of a machine."),
    "configs": ("generate", "List the named configurations."),
    "registers": ("generate", "Write the registers' reference and C header."),
    "lint": ("generate", "Lint the Verilog of the named configurations."),
    "environment": ("environment", "Print where other programs find Verilator and FuseSoC."),
    "device": ("device", "Report on device physics, with plots."),
    "fit": ("device", "Fit a device to measured switching."),
    "bench": ("measure", "Measure every way of running the machine."),
    "bench-history": ("measure", "Add what was measured of this commit to the history."),
    "ablation": ("measure", "Measure each choice of the MNIST recipe."),
    "integration": ("measure", "Run random traffic on the bus."),
    "waves": ("measure", "Record the documents' timing diagrams."),
    "bitstream": ("boards", "Make the bitstream of a board."),
    "boards": ("boards", "List the boards."),
    "flash": ("boards", "Load a bitstream into a board."),
    "board-table": ("boards", "Write the boards' table in docs/fpga.md."),
    "area": ("boards", "Measure what options cost, into docs/fpga.md."),
    "board": ("board", "Train, query, serve or simulate a board."),
    "accuracy": ("accuracy", "Train the papers' networks in PyTorch."),
    "accuracy-table": ("accuracy", "Write finished runs into docs/accuracy.md."),
    "nonidealities": ("accuracy", "Measure accuracy against non-idealities."),
    "data": ("accuracy", "Fetch a data set from its publisher."),
    "import": ("accuracy", "Import a network in QONNX, for `infer`."),
}


def application(name: str | None) -> typer.Typer:
    """Make the command line, in which one command is real and the others are there to be listed.

    Parameters
    ----------
    name : str or None
        The command that is called.
    """
    app = typer.Typer(
        name="mtj-gxnor",
        help="Training of ternary networks on a stochastic-MTJ synapse array: Verilog, golden model, boards.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command, (module, text) in COMMANDS.items():
        if command != name:
            app.command(command, help=text)(lambda: None)
            continue
        found = _module(command, module).COMMANDS[command]
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=command, help=text)
        else:
            app.command(command, help=found.__doc__)(found)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"mtj-gxnor {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of the program itself."""


def _module(command: str, name: str) -> ModuleType:
    """Import the module of a command; some need PyTorch, which an installation may lack."""
    try:
        return import_module(f"mtj_gxnor.commands.{name}")
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise UserError(
            f"{command} needs PyTorch: pip install 'mtj-gxnor[training]', or make {command} in a clone"
        ) from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error that the user can mend is one line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = next((argument for argument in given if not argument.startswith("-")), None)
    try:
        status = application(name)(given, prog_name="mtj-gxnor", standalone_mode=False)
    except _USAGE_ERROR as error:
        message = error.format_message()
        # a call without anything is answered by the help
        print(message if message.startswith("Usage: ") else f"error: {message}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit("interrupted")
    except Interrupted as interruption:
        sys.exit(str(interruption))
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}")
    except (UserError, ValueError) as error:
        sys.exit(f"error: {error}")
    sys.exit(status)


if __name__ == "__main__":
    main()
