"""What a generated design says of itself: ports, fields, probe paths, parameters, versions."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from enum import EnumType
from importlib.metadata import version
from typing import Any

import docstring_parser
from amaranth.hdl import Shape
from amaranth.lib import data, wiring

from golden.bus.register_map import Field, RegisterMap
from golden.config import MachineConfig
from golden.counters import COUNTER_BITS, COUNTERS
from golden.version import VERSION

#: Version of the manifest's form.
FORMAT = 1
#: Name of the project, which has a version like the tools.
PROJECT = "mtj-gxnor"


def describe_shape(shape: Any) -> dict[str, Any]:
    """Describe a shape: width and sign, the fields of a structure, the elements of an array."""
    cast = Shape.cast(shape)
    described: dict[str, Any] = {"width": cast.width, "signed": cast.signed}
    if isinstance(shape, data.StructLayout):
        described["fields"] = {
            str(name): {"offset": field.offset, **describe_shape(field.shape)} for name, field in shape
        }
    elif isinstance(shape, data.ArrayLayout):
        described["elements"] = {"count": shape.length, **describe_shape(shape.elem_shape)}
    elif isinstance(shape, EnumType):
        described["values"] = {member.name: member.value for member in list[Any](shape)}
    return described


def _meanings(documented: type) -> dict[str, str]:
    """Read the meaning of every port from the numpydoc Attributes section of a class."""
    parsed = docstring_parser.parse(documented.__doc__ or "", docstring_parser.DocstringStyle.NUMPYDOC)
    return {
        name.strip(): " ".join((entry.description or "").split())
        for entry in parsed.params
        if entry.args[0] == "attribute"
        for name in entry.arg_name.split(",")
    }


def _members(component: wiring.Component) -> Iterator[tuple[str, str, Any, str]]:
    """Yield name, direction, shape and meaning of every Verilog port."""
    meanings: dict[str, str] = {}
    for documented in (type(component), *getattr(component, "interfaces", ())):
        meanings |= _meanings(documented)
    meanings |= getattr(component, "meanings", {})
    for name, member in component.signature.members.items():
        if member.is_signature:
            signature = member.signature
            if isinstance(signature, wiring.FlippedSignature):
                signature = signature.flip()
            meanings |= {f"{name}__{part}": meaning for part, meaning in _meanings(type(signature)).items()}
    for path, member, _ in component.signature.flatten(component):
        port = "__".join(str(part) for part in path)
        # the most particular description there is: of the port, else of the interface it belongs to
        prefixes = ["__".join(str(part) for part in path[:size]) for size in range(len(path), 0, -1)]
        meaning = next((meanings[prefix] for prefix in prefixes if prefix in meanings), "")
        yield port, "input" if member.flow == wiring.In else "output", member.shape, meaning


def ports(component: wiring.Component) -> dict[str, dict[str, Any]]:
    """Describe all Verilog ports of a component, clock and reset included.

    Parameters
    ----------
    component : wiring.Component
        The component; the docstrings of its class, and of the signatures in its `interfaces`, say what ports mean.

    Returns
    -------
    dict
        Port -> ``direction``, ``width``, ``signed``, ``meaning`` and, where it has them, ``fields`` or ``elements``.
    """
    described: dict[str, dict[str, Any]] = {
        "clk": {"direction": "input", "width": 1, "signed": False, "meaning": "Clock, rising edge."},
        "rst": {"direction": "input", "width": 1, "signed": False, "meaning": "Synchronous reset, active high."},
    }
    for port, direction, shape, meaning in _members(component):
        described[port] = {"direction": direction, **describe_shape(shape), "meaning": meaning}
    return described


def probes(config: MachineConfig) -> dict[str, dict[str, Any]]:
    """Where the machine's whole state can be read, and written while the machine is idle.

    Returns
    -------
    dict
        Quantity -> ``path`` below the top level, ``depth`` (0 for a register, else words of a memory), ``width``, and
        ``planes``: 0, or in how many registers of equal width it lies, called PATH0 (lowest), PATH1 and so on.
    """
    g, lanes, bits = config.geometry, config.array.lanes, config.geometry.sum_bits
    neuron = config.neuron.offset_bits(bits) + config.neuron.scale_bits(bits)
    groups = g.vector_groups
    found = {
        "device_states": ("array", "", "states", g.rows, config.array.devices * lanes),
        "gradient_sums": ("periphery", "gradient_memory", "sums", g.rows, config.gradient.bits * lanes),
        "neuron_states": ("periphery", "neurons", "states", groups, neuron * g.group),
        "activations": ("periphery", "vector_memory", "activation", groups, 2 * g.group),
        "windows": ("periphery", "vector_memory", "derivative", groups, g.group),
        "errors": ("periphery", "vector_memory", "error", groups, config.error.bits * g.group),
    }
    found["counters"] = ("periphery", "event_counters", "counts", len(COUNTERS), COUNTER_BITS)
    found["counters_kept"] = ("periphery", "event_counters", "kept", 0, 1)
    streams = {f"random_{at}": (f"lfsr{at}", config.array.slice_lanes) for at in range(config.array.streams_per_lane)}
    columns, row = config.nonideal.noise_streams(g.group)
    streams |= {"random_columns": ("read_out.columns.lfsr", columns), "random_rows": ("read_out.row.lfsr", row)}
    width = config.random.width
    found |= {name: ("array", bank, "state", 0, width * count) for name, (bank, count) in streams.items() if count}
    return {
        quantity: {
            "path": ".".join(part for part in (half, block, variable) if part),
            "depth": depth,
            "width": bits,
            "planes": width if quantity in streams else 0,
        }
        for quantity, (half, block, variable, depth, bits) in found.items()
    }


def registers(register_map: RegisterMap) -> dict[str, Any]:
    """Describe a register map.

    Returns
    -------
    dict
        Register -> ``address`` in bytes, ``width``, ``access`` (``r`` or ``rw``), ``text``, ``fields``;
        of an array also ``count`` and ``stride`` in bytes. Field -> ``lsb``, ``width``, ``access`` (``r``, ``rw``,
        ``pulse``: a written 1 does something once, ``w1c``: a written 1 clears it), ``reset``, ``text`` and, where
        values have names, ``values``.
    """
    described = {}
    for register in register_map.registers:
        described[register.name] = {
            "address": register.address,
            "width": register.width,
            **({"count": register.count, "stride": register.stride} if register.count else {}),
            "access": "rw" if register.writable else "r",
            "text": register.text,
            "fields": {part.name: _field(part) for part in register.fields},
        }
    return described


def _field(part: Field) -> dict[str, Any]:
    return {
        "lsb": part.lsb,
        "width": part.width,
        "access": part.kind.access,
        "reset": part.reset,
        "text": part.text,
        **({"values": part.values} if part.values else {}),
    }


def design(config: MachineConfig) -> int:
    """Identify a machine: 64 bits of a digest of its configuration and of what decides the generated bytes."""
    content = json.dumps([asdict(config), versions()], sort_keys=True)
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "little")


def versions() -> dict[str, str]:
    """Versions of everything that decides the generated bytes."""
    return {PROJECT: VERSION, "amaranth": version("amaranth")}


def digest(files: dict[str, str]) -> str:
    """SHA-256 over names and contents of files."""
    sha = hashlib.sha256()
    for name in sorted(files):
        sha.update(f"{name}\0{len(files[name])}\0".encode())
        sha.update(files[name].encode())
    return sha.hexdigest()


def parameters(config: MachineConfig) -> dict[str, Any]:
    """All parameters of a configuration and the sizes that follow from them."""
    g = config.geometry
    return {
        "config": asdict(config),
        "derived": {
            "rows": g.rows,
            "column_bits": g.column_bits,
            "row_bits": g.row_bits,
            "sum_bits": g.sum_bits,
            "vector_groups": g.vector_groups,
            "synapses": g.rows * g.lanes,
            "layers": [{"row": la.row, "rows": la.rows, "inputs_on_rows": la.inputs_on_rows} for la in g.layers],
        },
    }
