"""The register map, from SystemRDL to what the golden model and the hardware are made of."""

from pathlib import Path

from systemrdl.compiler import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, RegNode
from systemrdl.rdltypes.builtin_enums import AccessType, OnWriteType, PrecedenceType

from gen.config import ConfigError
from golden.bus.register_map import Field, Kind, Register, RegisterMap
from golden.config import MachineConfig

#: The map.
RDL = Path(__file__).with_name("registers.rdl")
#: Most layers that have a register.
MAX_LAYERS = 32


def compiled(layers: int) -> AddrmapNode:
    """Compile the map for a number of layers, at most `MAX_LAYERS`."""
    compiler = RDLCompiler()
    compiler.compile_file(str(RDL))
    return compiler.elaborate(parameters={"LAYERS": layers}).top


def register_map(config: MachineConfig) -> RegisterMap:
    """Make the register map of a machine.

    Parameters
    ----------
    config : MachineConfig
        The machine.

    Returns
    -------
    RegisterMap
        Its registers.

    Raises
    ------
    ConfigError
        If the machine has more layers than there are registers for.
    """
    layers = len(config.geometry.layers)
    if layers > MAX_LAYERS:
        raise ConfigError(f"a block on a bus has at most {MAX_LAYERS} layers of synapses, not {layers}")
    return read(compiled(layers))


def read(top: AddrmapNode) -> RegisterMap:
    """Read a compiled map."""
    found = (_register(node) for node in top.descendants() if isinstance(node, RegNode))
    return RegisterMap(tuple(sorted(found, key=lambda register: register.address)))


def _register(node: RegNode) -> Register:
    if node.is_array and len(node.array_dimensions or ()) != 1:
        raise ValueError(f"{node.get_path()}: arrays have one dimension")
    # the path below the top, without the brackets of an array
    name = "_".join(node.get_path_segments(empty_array_suffix="")[1:])
    return Register(
        name,
        node.raw_absolute_address,
        node.get_property("regwidth"),
        tuple(_field(part) for part in node.fields()),
        _text(node),
        count=node.n_elements if node.is_array else 0,
        stride=node.array_stride or 0,
        buffered=bool(node.get_property("buffer_reads", default=False)),
    )


def _field(node: FieldNode) -> Field:
    encode, reset = node.get_property("encode"), node.get_property("reset", default=0)
    values = {} if encode is None else {member.name: int(member.value) for member in encode}
    if not isinstance(reset, int):
        raise ValueError(f"{node.get_path()}: a reset value is a number")
    return Field(node.inst_name, node.lsb, node.width, _kind(node), _text(node), reset, values)


def _kind(node: FieldNode) -> Kind:
    """Tell what a field is from its properties; what the bank cannot do is an error."""
    software, hardware = node.get_property("sw"), node.get_property("hw")
    special = {
        name: node.get_property(name)
        for name in ("singlepulse", "hwset", "onwrite", "onread", "hwclr", "we", "wel", "counter", "intr", "next")
    }
    special = {name: value for name, value in special.items() if value}
    found = {
        (AccessType.r, AccessType.na): Kind.CONSTANT,
        (AccessType.r, AccessType.w): Kind.STATUS,
    }.get((software, hardware))
    if found is not None and not special:
        return found
    if (software, hardware) == (AccessType.rw, AccessType.r):
        if not special:
            return Kind.SETTING
        if special == {"singlepulse": True}:
            return Kind.PULSE
        hardware_wins = node.get_property("precedence") is PrecedenceType.hw
        if special == {"hwset": True, "onwrite": OnWriteType.woclr} and hardware_wins:
            return Kind.EVENT
    raise ValueError(f"{node.get_path()}: no register of ours has such a field")


def _text(node: FieldNode | RegNode) -> str:
    return " ".join((node.get_property("desc") or "").split())
