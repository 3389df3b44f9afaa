"""Constants of a machine for SystemVerilog: sizes, widths of ports, addresses, numbers of commands."""

from typing import Any

from golden.bus.register_map import RegisterMap
from golden.config import MachineConfig
from golden.sequencer import HostOp
from hdl.array.array_interface import ArrayOp

#: Name of the SystemVerilog package, and its file.
PACKAGE = "mtj_gxnor_pkg"
FILE = f"{PACKAGE}.sv"


def package(
    config: MachineConfig, design: int, registers: RegisterMap, array: dict[str, Any], bus: dict[str, Any]
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
    lines = ["// Constants of a machine; its manifest explains them.", f"package {PACKAGE};"]
    for title, kind, values in parts:
        lines += [f"  // {title}.", *(f"  localparam {kind} {name} = {value};" for name, value in values.items())]
    return "\n".join([*lines, "endpackage"]) + "\n"


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
