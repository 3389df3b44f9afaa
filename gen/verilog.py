"""From components to Verilog files."""

import json
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from gen import constants, manifest, packages, write_verilog
from gen.blocks import BLOCKS
from gen.code_sinking import arranged
from gen.config import ConfigError
from gen.lowering import modules
from gen.names import PREFIX, Names
from gen.register_map import register_map
from golden.config import MachineConfig
from golden.lib.atomic_write import whole
from hdl.bus.axi import Axi
from hdl.lib.blackbox import Instantiated
from hdl.machine import Machine
from hdl.periphery.periphery import Periphery

#: Modules that make a machine, and the machine on a bus; and their Verilog names for the usual prefix.
_MODULES = ("top", "periphery", "array", "axi")
TOP, _, ARRAY, AXI = map(Names().module, _MODULES)

#: What Verilator's lint, as it is without options, shall not say of a generated file, nor forget for those after it.
_PRAGMAS = """\
// A register or wire has a value before every case statement: no branch means that it stays.
/* verilator lint_save */
/* verilator lint_off CASEINCOMPLETE */
{}
/* verilator lint_restore */
"""


def convert(component: wiring.Component, name: str) -> str:
    """Convert a component to Verilog.

    Parameters
    ----------
    component : wiring.Component
        What to convert.
    name : str
        Name of its module; submodules are called ``name_submodule``.

    Returns
    -------
    str
        Verilog 2005. The same component gives the same bytes on every checkout.
    """
    text = "\n".join(write_verilog.written(module, arranged(module)) for module in modules(component, name))
    return _PRAGMAS.format(text)


def lacking(config: MachineConfig) -> list[str]:
    """List what a machine has in the golden model and not in hardware yet."""
    wanted = {
        "convolutional networks have": config.geometry.convolutional,
        "binary activations have": config.neuron.activation == "binary",
        "a backward shift per layer has": not isinstance(config.error.backward_shift, int),
    }
    return [what for what, is_wanted in wanted.items() if is_wanted]


def check(config: MachineConfig) -> None:
    """Refuse a machine for which there is no hardware.

    Raises
    ------
    ConfigError
        One line that says what is lacking, and what to do.
    """
    for what in lacking(config):
        raise ConfigError(f"{what} no hardware yet: train in the golden model, --sim fast")


def machine_files(config: MachineConfig, title: str, prefix: str = PREFIX) -> dict[str, str]:
    """Generate a whole machine.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    title : str
        Name of the configuration.
    prefix : str
        What names of modules, packages and files begin with, so that one design can have several machines. The usual
        one is left out of files.

    Returns
    -------
    dict of str to str
        File name -> content: ``array.v``, ``periphery.v``, ``top.v``, ``axi.v``, the files of `gen.constants` and
        `gen.packages`, ``manifest.json``.

    Raises
    ------
    UserError
        If the prefix is no Verilog identifier, or there is no hardware for the configuration.
    """
    check(config)
    names = Names(prefix)
    top_name, periphery_name, array_name, bus_name = map(names.module, _MODULES)
    array, periphery = BLOCKS["synapse_array"](config), Periphery(config)
    top = Machine(config, Instantiated(periphery, periphery_name), Instantiated(array, array_name))
    registers, design = register_map(config), manifest.design(config)
    axi = Axi(config, registers, design, top, top_name)
    modules = {
        array_name: (names.file("array.v"), array),
        periphery_name: (names.file("periphery.v"), periphery),
        top_name: (names.file("top.v"), top),
        bus_name: (names.file("axi.v"), axi),
    }
    files = {file: convert(component, module) for module, (file, component) in modules.items()}
    described = {
        module: {"file": file, "ports": manifest.ports(component)} for module, (file, component) in modules.items()
    }
    ports = described[array_name]["ports"], described[bus_name]["ports"]
    files[constants.package_file(names)] = constants.package(config, design, registers, *ports, names)
    files[constants.header_file(names)] = constants.header(config, design, names)
    version = manifest.versions()[manifest.PROJECT]
    files |= packages.files(title, version, design, described, names)
    bus = {"bus": bus_name, "design": f"{design:016x}", "registers": manifest.registers(registers)}
    return files | {"manifest.json": _manifest(config, title, top_name, described, files, manifest.probes(config), bus)}


def block_files(config: MachineConfig, title: str, block: str) -> dict[str, str]:
    """Generate one block of `gen.blocks.BLOCKS` as top level: ``BLOCK.v``, ``files.f``, ``manifest.json``."""
    check(config)
    component = BLOCKS[block](config)
    file = f"{block}.v"
    files = {file: convert(component, block), "files.f": f"{file}\n"}
    described = {block: {"file": file, "ports": manifest.ports(component)}}
    return files | {"manifest.json": _manifest(config, title, block, described, files, {}, {})}


def _manifest(
    config: MachineConfig,
    title: str,
    top: str,
    modules: dict[str, Any],
    files: dict[str, str],
    probes: dict[str, Any],
    bus: dict[str, Any],
) -> str:
    content = {
        "format": manifest.FORMAT,
        "name": title,
        "top": top,
        "sha256": manifest.digest(files),
        "versions": manifest.versions(),
        **manifest.parameters(config),
        "modules": modules,
        **bus,
        "probes": probes,
    }
    return json.dumps(content, indent=1, sort_keys=False) + "\n"


def write(files: dict[str, str], folder: Path) -> bool:
    """Write files that differ from what is there; every file appears whole or not at all.

    Parameters
    ----------
    files : dict of str to str
        File name -> content.
    folder : Path
        Where; made if needed.

    Returns
    -------
    bool
        Whether anything was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, content in files.items():
        path = folder / name
        if path.is_file() and path.read_text() == content:
            continue
        changed = True
        with whole(path) as temporary:
            temporary.write_text(content)
    return changed
