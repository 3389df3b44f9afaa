"""The register map of the block on a bus: what `gen/register_map.py` makes of `gen/registers.rdl`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

#: Width of a byte address, and of the data of one access.
ADDRESS_BITS, DATA_BITS = 10, 32
#: Bytes of a word.
WORD = DATA_BITS // 8


class Kind(Enum):
    """What a field is; the value is how the host may access it."""

    CONSTANT = "constant"  #: never changes
    STATUS = "status"  #: given by hardware
    SETTING = "setting"  #: written and read by the host
    PULSE = "pulse"  #: a written 1 gives one cycle of 1; reads 0
    EVENT = "event"  #: set by hardware, cleared by a written 1

    @property
    def access(self) -> str:
        """How the host may access it: ``r``, ``rw``, ``pulse`` or, cleared by writing 1, ``w1c``."""
        return {Kind.SETTING: "rw", Kind.PULSE: "pulse", Kind.EVENT: "w1c"}.get(self, "r")


@dataclass(frozen=True)
class Field:
    """A field of a register.

    Attributes
    ----------
    name : str
        Its name, upper-case.
    lsb, width : int
        Where it is.
    kind : Kind
        What it is.
    text : str
        What it means.
    reset : int
        Value after reset, and for ever where the field is constant.
    values : dict of str to int
        Names of values.
    """

    name: str
    lsb: int
    width: int
    kind: Kind
    text: str = ""
    reset: int = 0
    values: dict[str, int] = field(default_factory=dict)

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return (1 << self.width) - 1 << self.lsb


@dataclass(frozen=True)
class Register:
    """A register, or an array of registers.

    Attributes
    ----------
    name : str
        Its name, upper-case.
    address : int
        Byte address, of the first one of an array.
    width : int
        Bits, a multiple of 32.
    fields : tuple of Field
        Its fields, lowest first; other bits read 0 and ignore what is written.
    text : str
        What it means.
    count, stride : int
        Registers of an array and bytes from one to the next; 0 where it is no array.
    buffered : bool
        A counter: reading the lowest word copies the words above it, which is what their next read returns.

    Raises
    ------
    ValueError
        If the fields do not fit, or are of a kind that such a register cannot have.
    """

    name: str
    address: int
    width: int
    fields: tuple[Field, ...]
    text: str = ""
    count: int = 0
    stride: int = 0
    buffered: bool = False

    def __post_init__(self) -> None:
        taken = 0
        for part in self.fields:
            where = f"{self.name}.{part.name}"
            if part.mask >> self.width or taken & part.mask:
                raise ValueError(f"{where} does not fit its register")
            taken |= part.mask
            if part.reset >> part.width:
                raise ValueError(f"{where} has a reset value of more than {part.width} bits")
            if self.count and part.kind is not Kind.SETTING:
                raise ValueError(f"{where}: only settings can be in an array")
            if part.kind not in (Kind.CONSTANT, Kind.STATUS) and self.width != DATA_BITS:
                raise ValueError(f"{where}: what is written fits one word")
            if part.kind in (Kind.PULSE, Kind.EVENT) and part.width != 1:
                raise ValueError(f"{where}: a pulse or an event is one bit")
        if self.buffered and (
            self.width != 2 * DATA_BITS
            or [(part.kind, part.lsb) for part in self.fields] != [(Kind.STATUS, 0)]
            or self.fields[0].width <= DATA_BITS
        ):
            raise ValueError(f"{self.name}: a counter is one number that hardware gives, of more than one word")

    @property
    def words(self) -> int:
        """Words of one register."""
        return self.width // DATA_BITS

    @property
    def writable(self) -> bool:
        """Whether any of its bits can be written."""
        return any(part.kind not in (Kind.CONSTANT, Kind.STATUS) for part in self.fields)

    @property
    def events(self) -> tuple[Field, ...]:
        """Its fields that hardware sets."""
        return tuple(part for part in self.fields if part.kind is Kind.EVENT)

    def port(self, part: Field) -> str:
        """Name of a field's port of the register bank."""
        name = self.name if [part.name] == ["VALUE"] * len(self.fields) else f"{self.name}_{part.name}"
        return name.lower()


@dataclass(frozen=True)
class Place:
    """What is at an address.

    Attributes
    ----------
    register : Register
        The register.
    index : int
        Which one of an array, else 0.
    word : int
        Which word of it, the lowest is 0.
    """

    register: Register
    index: int
    word: int


@dataclass(frozen=True)
class RegisterMap:
    """All registers of the block.

    Attributes
    ----------
    registers : tuple of Register
        By address.

    Raises
    ------
    ValueError
        If registers overlap, are not aligned or outside the addresses, counters do not follow one another or are not of
        one width, or two ports have the same name.
    """

    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        ports = [register.port(part) for register, part in self.fields()]
        ports += [register.name.lower() for register in self.registers if register.events]
        for name in ports:
            if ports.count(name) > 1:
                raise ValueError(f"two ports are called {name}")
        if len(self.places) != sum(max(1, register.count) * register.words for register in self.registers):
            raise ValueError("registers overlap")
        for address in self.places:
            if address % WORD or address >> ADDRESS_BITS:
                raise ValueError(f"there cannot be a register at {address:#x}")
        for number, counter in enumerate(self.counters):
            first = self.counters[0]
            if counter.address != first.address + 2 * WORD * number or counter.fields[0].width != first.fields[0].width:
                raise ValueError(f"{counter.name}: counters follow one another and are of one width")

    @cached_property
    def places(self) -> dict[int, Place]:
        """What is at every address that has a register."""
        return {
            register.address + index * register.stride + WORD * word: Place(register, index, word)
            for register in self.registers
            for index in range(max(1, register.count))
            for word in range(register.words)
        }

    @cached_property
    def counters(self) -> tuple[Register, ...]:
        """The counters, which are read from where they are kept, not from ports of their own."""
        return tuple(register for register in self.registers if register.buffered)

    def fields(self) -> Iterator[tuple[Register, Field]]:
        """Yield every field with its register."""
        for register in self.registers:
            for part in register.fields:
                yield register, part

    def __getitem__(self, name: str) -> Register:
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(name)
