"""Constants of a machine, for SystemVerilog and for C: sizes, widths of ports, addresses, numbers of commands."""

from typing import Any

from gen.names import Names
from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig
from golden.input_buffer import word_bytes
from golden.sequencer import HostOp
from hdl.array.array_interface import ArrayOp

#: What the name of the SystemVerilog package ends with, after the prefix.
_PACKAGE = "pkg"


def package_file(names: Names) -> str:
    """Name the file of the SystemVerilog package."""
    return f"{names.module(_PACKAGE)}.sv"


def header_file(names: Names) -> str:
    """Name the file of the C header."""
    return f"{names.module('design')}.h"


#: These files for the usual prefix.
FILE, HEADER_FILE = package_file(Names()), header_file(Names())


def package(
    config: MachineConfig,
    design: int,
    registers: RegisterMap,
    array: dict[str, Any],
    bus: dict[str, Any],
    names: Names,
) -> str:
    """Write the package.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    design : int
        What the register DESIGN says.
    registers : RegisterMap
        The registers of this machine.
    array, bus : dict
        Ports of the array and of the machine on a bus, as in the manifest.
    names : Names
        Names of the machine.

    Returns
    -------
    str
        SystemVerilog.
    """
    g = config.geometry
    address = bus["s_axi_awaddr"]["width"]
    sizes = {
        "INPUTS": g.sizes[0],
        "CLASSES": g.sizes[-1],
        "LAYERS": len(g.layers),
        "ROWS": g.rows,
        "LANES": g.lanes,
        "GROUP": g.group,
    }
    widths = {
        "ADDRESS_BITS": address,
        "DATA_BITS": bus["s_axi_wdata"]["width"],
        "TDATA_BITS": bus["s_axis_tdata"]["width"],
    }
    identity = {
        "ID_VALUE": f"64'h{registers['ID'].fields[0].reset:x}",
        "DESIGN_VALUE": f"64'h{design:016x}",
    }
    parts = [
        ("Sizes", "int", sizes),
        ("Widths of the ports of the bus", "int", widths),
        (
            "Addresses of registers",
            f"logic [{address - 1}:0]",
            {f"REG_{register.name}": f"{address}'h{register.address:03x}" for register in registers.registers},
        ),
        ("What ID and DESIGN read", "logic [63:0]", identity),
        ("Operations, for COMMAND", "int", {f"OP_{op.name}": op.value for op in HostOp}),
        ("Widths of the ports of the array, places of the fields of its commands", "int", _macro(array)),
        ("Commands of the array", "int", {f"ARRAY_OP_{op.name}": op.value for op in list[Any](ArrayOp)}),
    ]
    lines = ["// Constants of a machine; its manifest explains them.", f"package {names.module(_PACKAGE)};"]
    for title, kind, values in parts:
        lines += [f"  // {title}.", *(f"  localparam {kind} {name} = {value};" for name, value in values.items())]
    return "\n".join([*lines, "endpackage"]) + "\n"


_HEADER = """\
/* Sizes of a machine, for the driver fpga/c/mtj_gxnor_driver.h; its manifest explains them. */

#ifndef {guard}
#define {guard}

{macros}
/* All of an mtj_gxnor_design. */
#define {initialiser} \\
    {{ \\
        {members} \\
    }}

#endif /* {guard} */
"""


def header(config: MachineConfig, design: int, names: Names) -> str:
    """Write the C header of a machine.

    Parameters
    ----------
    config : MachineConfig
        The machine.
    design : int
        What the register DESIGN says.
    names : Names
        Names of the machine.

    Returns
    -------
    str
        C: a macro per size, ``PREFIX_DESIGN``, the initialiser of the driver's structure, among them.
    """
    g = config.geometry
    members = {
        "DESIGN_VALUE": f"0x{design:016x}ull",
        "INPUTS": f"{g.sizes[0]}u",
        "LAYERS": f"{len(g.layers)}u",
        "GROUP": f"{g.group}u",
        "WORD_BYTES": f"{word_bytes(g.group)}u",
        "WEIGHTS_WORDS": f"{config.program.words[HostOp.LOAD_WEIGHTS]}u",
        "NEURONS_WORDS": f"{config.program.words[HostOp.LOAD_NEURONS]}u",
    }
    macros = members | {"CLASSES": f"{g.sizes[-1]}u"}
    return _HEADER.format(
        guard=names.macro("DESIGN_H"),
        initialiser=names.macro("DESIGN"),
        macros="".join(f"#define {names.macro(name)} {value}\n" for name, value in macros.items()),
        members=", \\\n        ".join(map(names.macro, members)),
    )


def _macro(ports: dict[str, Any]) -> dict[str, int]:
    """Widths of the ports of the array, and where the fields of a command are."""
    found = {
        f"ARRAY_{name.removeprefix('macro__').upper()}_BITS": port["width"]
        for name, port in ports.items()
        if name.startswith("macro__") and not name.startswith("macro__command")
    }
    found["ARRAY_COMMAND_BITS"] = ports["macro__command__payload"]["width"]
    for name, field in ports["macro__command__payload"]["fields"].items():
        found[f"ARRAY_COMMAND_{name.upper()}_LSB"] = field["offset"]
        found[f"ARRAY_COMMAND_{name.upper()}_BITS"] = field["width"]
    return found
