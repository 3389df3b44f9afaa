"""The command line as a whole: one table of commands, help for each, one line for a wrong one."""

import importlib.util
import re
import sys
from importlib import import_module

import pytest
import typer

from cocotb_tests.kit.command_line import call
from golden.version import VERSION
from mtj_gxnor.__main__ import COMMANDS
from sim.runner import ROOT

#: Modules that need PyTorch.
_EXTRA = {"accuracy"} if importlib.util.find_spec("torch") is None else set()


def test_every_command_has_its_module() -> None:
    """Modules and table name the same commands."""
    modules = {module for module, _ in COMMANDS.values()} - _EXTRA
    found = {name: module for module in modules for name in import_module(f"mtj_gxnor.commands.{module}").COMMANDS}
    assert found == {name: module for name, (module, _) in COMMANDS.items() if module not in _EXTRA}


def test_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that needs PyTorch says where it comes from."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "mtj_gxnor.commands.accuracy", raising=False)
    for arguments in (("accuracy",), ("data", "--help")):
        result = call(*arguments)
        says = (
            f"error: {arguments[0]} needs PyTorch: pip install 'mtj-gxnor[training]', or make {arguments[0]} in a clone"
        )
        assert (result.exit_code, result.output) == (1, f"{says}\n")


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ()])
def test_help_lists_all_commands(arguments: tuple[str, ...]) -> None:
    """Every command stands in the help with its whole line."""
    result = call(*arguments)
    assert result.exit_code == (0 if arguments else 2)
    assert result.output.startswith("Usage: mtj-gxnor ")
    for name, (_, text) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text)}$", result.output, re.MULTILINE), name


def test_help_of_a_group() -> None:
    """The commands of a group have whole lines too."""
    result = call("board")
    assert result.exit_code == 2
    assert result.output.startswith("Usage: mtj-gxnor board ")
    assert "..." not in result.output.split("Commands:")[1]


def test_version() -> None:
    result = call("--version")
    assert (result.exit_code, result.output) == (0, f"mtj-gxnor {VERSION}\n")


@pytest.mark.parametrize("name", [name for name, (module, _) in COMMANDS.items() if module not in _EXTRA])
def test_help_names_options_with_defaults(name: str) -> None:
    """Every parameter is there, with a default unless it is a switch, is required, or has none to name."""
    result = call(name, "--help")
    assert result.exit_code == 0, result.output
    found = import_module(f"mtj_gxnor.commands.{COMMANDS[name][0]}").COMMANDS[name]
    if isinstance(found, typer.Typer):
        return
    for parameter, kind in found.__annotations__.items():
        for info in getattr(kind, "__metadata__", ()):
            # an option with a name of its own has it in the place of a default
            given = info.default if isinstance(info.default, str) else next(iter(info.param_decls or ()), "")
            name = given or parameter.replace("_", "-")
            assert name in result.output.lower(), name
            assert info.help.split()[0] in result.output, f"{name} has no meaning"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trian",), "error: No such command 'trian'. Did you mean 'train'?"),
        (("train", "--epohcs", "3"), "error: No such option: --epohcs (Possible options: --epochs"),
        (("train", "--epochs", "many"), "error: Invalid value for '--epochs': "),
        (("verilog", "--config"), "error: Option '--config' requires an argument."),
        (("board", "train", "--prot", "x"), "error: No such option: --prot "),
    ],
)
def test_mistakes(arguments: tuple[str, ...], says: str) -> None:
    """One line that names what is near, and the exit code of a wrong call."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith(says), result.output
    assert result.output.count("\n") == 1


def test_targets_call_commands_that_exist() -> None:
    """Every command of the Makefile is in the table."""
    called = re.findall(r"^\t\$\(MTJ\) ([a-z-]+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(called) > 15
    assert set(called) <= COMMANDS.keys()
