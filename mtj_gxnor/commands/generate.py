"""``mtj-gxnor verilog, configs, registers, lint``: what the generator writes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gen import config as configs
from gen import config_docs, generated, register_docs, verilog
from gen.names import PREFIX, Names
from mtj_gxnor.commands.options import BUILD
from sim import lint as linting

_BUILD = BUILD / "verilog"


def generate(
    config: Annotated[str, typer.Option(help="Named configuration, or the path of a TOML file.")] = "digits",
    output: Annotated[Path, typer.Option(help="Folder; files go to OUTPUT/<configuration or prefix>/.")] = _BUILD,
    prefix: Annotated[
        str, typer.Option(help="What modules and files are called; a design with several machines has several.")
    ] = PREFIX,
) -> None:
    """Generate Verilog, manifest and packages of a machine."""
    machine, title = configs.load(config), configs.title(config)
    names = Names(prefix)
    folder = output / (title if names.prefix == PREFIX else names.prefix)
    files = generated.machine(machine, title, names.prefix)
    state = "wrote" if verilog.write(files, folder) else "unchanged:"
    digest = json.loads(files["manifest.json"])["sha256"]
    print(f"{state} {folder}, {machine.geometry.rows} rows x {machine.array.lanes} lanes, sha256 {digest[:16]}")


def list_configs(
    reference: Annotated[
        bool, typer.Option("--reference", help=f"Write {config_docs.REFERENCE}, the meaning of every field.")
    ] = False,
) -> None:
    """List the named configurations."""
    print("\n".join(configs.names()))
    if reference:
        verilog.write(config_docs.files(), Path())


def registers(
    html: Annotated[Path, typer.Option(help="Folder for the reference as HTML pages.")] = BUILD / "registers" / "html",
) -> None:
    """Write the reference of the registers, as Markdown and HTML, and their C header."""
    files = register_docs.files()
    state = "wrote" if verilog.write(files, Path()) else "unchanged:"
    register_docs.write_html(html)
    print(f"{state} {', '.join(files)}; wrote {html}/index.html")


def lint(
    output: Annotated[Path, typer.Option(help="Folder; files go to OUTPUT/<configuration>/.")] = _BUILD,
) -> None:
    """Generate the named configurations and lint them with Verilator and Yosys."""
    findings, machines = linting.named(output)
    for finding in findings:
        typer.echo(finding, err=True)
    if findings:
        raise typer.Exit(1)
    print(f"no findings in the Verilog of {', '.join(machines)}")


COMMANDS = {"verilog": generate, "configs": list_configs, "registers": registers, "lint": lint}
